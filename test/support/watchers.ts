/** Readers of a stream at their two extremes: some that only count and time what comes, and some that stop taking it. */
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'

/** A reader that keeps up. */
export interface Watcher {
  /** How many entries came. */
  entries(): number
  gaps(): number
  /** For each entry with a number `sent` in its context, the time since then by `performance.now()`, in milliseconds. */
  readonly delays: readonly number[]
  close(): Promise<void>
}

/** Opens a reader and waits until it is ready. */
export async function watch(url: string, headers: Record<string, string>): Promise<Watcher> {
  const abort = new AbortController()
  const response = await fetch(url, { headers, signal: abort.signal })
  const body = response.body?.getReader() as ReadableStreamDefaultReader<Uint8Array>
  const delays: number[] = []
  let entries = 0
  let gaps = 0
  let rest = ''
  function take(chunk: Uint8Array): void {
    const text = rest + Buffer.from(chunk).toString('latin1')
    const end = text.lastIndexOf('\n\n') + 2
    rest = end < 2 ? text : text.slice(end)
    if (end < 2) return
    const now = performance.now()
    for (const event of text.slice(0, end).split('\n\n')) {
      if (event.includes('event: log\n')) entries++
      if (event.includes('event: gap\n')) gaps++
      const sent = /"sent":([\d.]+)/.exec(event)
      if (sent !== null) delays.push(now - Number(sent[1]))
    }
  }
  const first = await body.read()
  if (first.value !== undefined) take(first.value)
  const done = (async () => {
    for (;;) {
      const { value } = await body.read()
      if (value === undefined) return
      take(value)
    }
  })().catch(() => {})
  return {
    entries: () => entries,
    gaps: () => gaps,
    delays,
    async close() {
      abort.abort()
      await done
    },
  }
}

/** Opens a stream on a bare socket and takes nothing after the headers. */
export async function openStuck(url: string, headers: Record<string, string>): Promise<Socket> {
  const { hostname, port, pathname, search, host } = new URL(url)
  const socket = connect(Number(port), hostname)
  socket.on('error', () => {})
  const lines = Object.entries({ Host: host, ...headers }).map(([name, value]) => `${name}: ${value}\r\n`)
  socket.write(`GET ${pathname}${search} HTTP/1.1\r\n${lines.join('')}\r\n`)
  await once(socket, 'data')
  socket.pause()
  return socket
}

/** The value below which a part of the values lies, such as 0.99. */
export function quantile(values: readonly number[], part: number): number {
  const sorted = values.toSorted((one, other) => one - other)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? Number.NaN
}
