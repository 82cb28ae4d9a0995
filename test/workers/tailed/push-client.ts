/** Stands in for `createPushClient` of edgetail/client. */
type Send = (url: string, init: RequestInit) => Promise<Response>

interface Options {
  readonly url: string
  readonly token: string
  readonly fetch: Send
  readonly waitUntil: (promise: Promise<unknown>) => void
}

interface Client {
  info(message: string, context?: unknown): void
  error(message: string, context?: unknown): void
}

export function createPushClient({ url, token, fetch, waitUntil }: Options): Client {
  let waiting: string[] = []
  const send = async (): Promise<void> => {
    await new Promise((resolve) => setTimeout(resolve, 100))
    const body = waiting.join('\n')
    waiting = []
    if (body === '') return
    const headers = { Authorization: `Bearer ${token}`, 'Content-Type': 'application/x-ndjson' }
    await fetch(`${url}/logs`, { method: 'POST', headers, body })
  }
  const log = (level: string, message: string, context?: unknown): void => {
    waiting.push(JSON.stringify({ level, message, context }))
    waitUntil(send())
  }
  return {
    info: (message, context) => log('info', message, context),
    error: (message, context) => log('error', message, context),
  }
}
