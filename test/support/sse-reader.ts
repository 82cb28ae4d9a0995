/** A client of the stream for tests: parses with a well-kept parser and keeps the bytes as text beside it. */
import { createParser, type EventSourceMessage } from 'eventsource-parser'

/** Anything that answers requests: an app, a socket, a Worker. */
export type Fetch = (path: string, init?: RequestInit) => Promise<Response>

/** An open stream. */
export interface StreamReader {
  readonly response: Response
  /** Every event so far, in order. */
  readonly events: EventSourceMessage[]
  /** Everything received so far. */
  readonly text: () => string
  readonly comments: string[]
  readonly retries: number[]
  /** Resolves when the server has ended the stream. */
  readonly ended: Promise<void>
  /** The `log` events' data. */
  logs(): { ts: string; level: string; message: string; context: Record<string, unknown> }[]
  /** Waits until the condition holds; fails with what was received after the time. */
  until(condition: (reader: StreamReader) => boolean, timeoutMs?: number): Promise<void>
  /** Leaves as a client does. */
  close(): Promise<void>
}

/** Opens a stream. */
export async function openStream(fetch: Fetch, path: string, init: RequestInit = {}): Promise<StreamReader> {
  const abort = new AbortController()
  const response = await fetch(path, { ...init, signal: abort.signal })
  const events: EventSourceMessage[] = []
  const comments: string[] = []
  const retries: number[] = []
  let text = ''
  let wake: () => void = () => {}
  const parser = createParser({
    onEvent: (event) => events.push(event),
    onComment: (comment) => comments.push(comment),
    onRetry: (retry) => retries.push(retry),
  })
  const body = response.body?.getReader()
  const decoder = new TextDecoder()
  const ended = (async () => {
    try {
      while (body !== undefined) {
        const { done, value } = await body.read()
        if (done) break
        const piece = decoder.decode(value, { stream: true })
        text += piece
        parser.feed(piece)
        wake()
      }
    } catch (error) {
      if (!abort.signal.aborted) throw error
    }
    wake()
  })()
  ended.catch(() => {})

  const reader: StreamReader = {
    response,
    events,
    text: () => text,
    comments,
    retries,
    ended,
    logs: () => events.filter(({ event }) => event === 'log').map(({ data }) => JSON.parse(data)),
    async until(condition, timeoutMs = 5000) {
      const deadline = Date.now() + timeoutMs
      while (!condition(reader)) {
        const left = deadline - Date.now()
        if (left <= 0) throw new Error(`Not received in ${timeoutMs} ms. Received so far:\n${text.slice(-2000)}`)
        await Promise.race([
          new Promise<void>((resolve) => {
            wake = resolve
          }),
          new Promise((resolve) => setTimeout(resolve, Math.min(left, 50))),
        ])
      }
    },
    async close() {
      abort.abort()
      await body?.cancel().catch(() => {})
      await ended.catch(() => {})
    },
  }
  return reader
}
