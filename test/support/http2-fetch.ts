/** `fetch` over HTTP/2, as far as the tests need it. */
import { type ClientHttp2Session, connect, type IncomingHttpHeaders, type IncomingHttpStatusHeader } from 'node:http2'
import { Readable } from 'node:stream'
import type { Fetch } from './sse-reader.ts'

/** One connection. */
export interface Http2Client {
  readonly session: ClientHttp2Session
  readonly fetch: Fetch
  close(): void
}

/** Connects, to whoever has a certificate of any kind. */
export function connectHttp2(origin: string): Http2Client {
  const session = connect(origin, { rejectUnauthorized: false })
  session.on('error', () => {})
  const fetch: Fetch = (path, { method = 'GET', headers, body, signal } = {}) =>
    new Promise((resolve, reject) => {
      const given = Object.fromEntries(new Headers(headers))
      const stream = session.request({ ':method': method, ':path': path, ...given })
      stream.on('error', reject)
      signal?.addEventListener('abort', () => stream.close())
      stream.on('response', (received: IncomingHttpHeaders & IncomingHttpStatusHeader) => {
        const answer = new Headers()
        for (const [name, value] of Object.entries(received)) {
          if (!name.startsWith(':')) for (const each of [value].flat()) answer.append(name, String(each))
        }
        const content = Readable.toWeb(stream) as ReadableStream<Uint8Array>
        const status = received[':status'] ?? 0
        resolve(new Response(status === 204 ? null : content, { status, headers: answer }))
      })
      stream.end(body ?? undefined)
    })
  return { session, fetch, close: () => session.destroy() }
}
