/**
 * The event stream. Each client is a loop that takes what its reader gives and writes it; the `await` of the write is the
 * backpressure, so a slow client holds up nobody but itself.
 */
import type { Context, Handler } from 'hono'
import { getRuntimeKey } from 'hono/adapter'
import { type SSEStreamingApi, streamSSE } from 'hono/streaming'
import { type ErrorReporter, toMonitorError } from '../errors.ts'
import type { AuthEnv } from '../http/auth.ts'
import type { Heartbeat } from '../http/heartbeat.ts'
import { destroySocket, isHttp11 } from '../http/node-bindings.ts'
import type { Metrics } from '../metrics.ts'
import type { LogSource, StreamItem, Subscription } from '../source.ts'
import { encodeCheckpoint, encodeError, encodeGap, encodeReady, encodeRetry, HEARTBEAT } from '../sse.ts'
import { readQuery } from './query.ts'

/** A client that took no byte for so long, in milliseconds, is gone or stuck for good: it would hold its batches forever. */
const STUCK_MS = 30_000

/** How long a stream lasts at the most, in milliseconds: an hour, so that load spreads again after a deploy. */
const ROTATE_MS = 60 * 60 * 1000

/** How long before its credential a stream ends, in milliseconds, or a tenth of what is left where that is less. */
const EXPIRY_MARGIN_MS = 1000

/** Why a reader is ended. Left out, each end would make an error with a stack trace, which costs as much as an answer. */
const ENDED = 'the stream ended'

/** What the route needs. */
export interface StreamRouteOptions {
  readonly source: LogSource
  readonly streams: Streams
  readonly heartbeat: Heartbeat
  readonly heartbeatMs: number
  readonly maxClients: number
  readonly maxPerCredential: number | undefined
  readonly metrics: Metrics
  readonly onError: ErrorReporter
}

/** The streams that are open, so that a stop can wait for them. */
export interface Streams {
  /** Counts a stream until the returned function is called. */
  enter(): () => void
  /** Resolves when none is open. */
  ended(): Promise<void>
}

/** Makes an empty count. */
export function createStreams(): Streams {
  let open = 0
  let waiting: (() => void)[] = []
  return {
    enter() {
      open++
      return () => {
        open--
        if (open > 0) return
        for (const resolve of waiting) resolve()
        waiting = []
      }
    },
    ended() {
      if (open === 0) return Promise.resolve()
      return new Promise((resolve) => waiting.push(resolve))
    },
  }
}

/** The other end of a stream. */
interface Client {
  /** Whether it has left by itself. */
  gone: boolean
  /** Ends its reader. */
  readonly stop: AbortController
  /** Frees what the stream holds. */
  leave?: () => void
}

function markGone(client: Client): void {
  client.gone = true
  client.stop.abort(ENDED)
  client.leave?.()
}

/**
 * Notices a client that leaves, also before its stream has begun: on Workers nobody else does, and its place would stay taken.
 * On Node the stream's own abort says all, and asking for the signal would cost each client some memory.
 */
function watchRequest(c: Context, client: Client): void {
  if (getRuntimeKey() !== 'workerd') return
  const { signal } = c.req.raw
  if (signal.aborted) markGone(client)
  else signal.addEventListener('abort', () => markGone(client), { once: true })
}

/** `GET /stream` */
export function streamRoute(options: StreamRouteOptions): Handler<AuthEnv> {
  const { source, maxClients, maxPerCredential } = options
  return async (c) => {
    const { tail, filter, lastEventId } = readQuery(c)
    // HEAD asks for the headers of a response that has no end.
    if (c.req.method === 'HEAD') return respond(c, null)
    const stop = new AbortController()
    const client: Client = { gone: false, stop }
    watchRequest(c, client)
    const subscription = await source.subscribe({
      after: c.req.header('Last-Event-ID') || lastEventId || undefined,
      tail,
      filter,
      signal: stop.signal,
      maxClients,
      maxPerCredential,
      credential: c.get('access').credential,
    })
    const { body } = streamSSE(c, (stream) => serve(c, stream, subscription, client, options))
    return respond(c, body)
  }
}

async function serve(
  c: Context<AuthEnv>,
  stream: SSEStreamingApi,
  subscription: Subscription,
  client: Client,
  { heartbeat, heartbeatMs, streams, metrics, onError }: StreamRouteOptions,
): Promise<void> {
  const began = performance.now()
  const endsAt = began + jitter(ROTATE_MS * 0.9, ROTATE_MS)
  const cancelExpiry = endBefore(c.get('access').expires, client.stop)
  let lastWrite = began
  let lastPing = lastWrite
  let writing = 0

  async function write(bytes: Uint8Array): Promise<void> {
    if (writing++ === 0) lastWrite = performance.now()
    await stream.write(bytes)
    writing--
    lastWrite = performance.now()
  }

  const leaveClock = heartbeat.join(() => {
    const now = performance.now()
    const silent = now - lastWrite
    // Half of the clock's own interval early rather than late.
    const due = heartbeatMs * 0.875
    if (now - lastPing >= due) {
      lastPing = now
      subscription.keepAlive?.()
    }
    if (writing > 0) {
      if (silent >= STUCK_MS) {
        metrics.slowClose()
        disconnect(c, stream)
      }
    } else if (now >= endsAt) client.stop.abort(ENDED)
    else if (silent >= due) void write(HEARTBEAT)
  })
  const leaveStreams = streams.enter()
  let left = false
  // All of it at once: on Workers nothing that waits runs after a disconnect.
  const leave = (): void => {
    if (left) return
    left = true
    cancelExpiry()
    leaveClock()
    leaveStreams()
    client.stop.abort(ENDED)
  }
  client.leave = leave
  stream.onAbort(() => markGone(client))
  if (client.gone) leave()

  try {
    const { resumed, id } = subscription
    await write(encodeReady({ resumed, time: new Date().toISOString(), heartbeatMs }, retryMs(), id))
    for await (const item of subscription) {
      const from = performance.now()
      await write(encodeItem(item))
      if (!client.gone) count(metrics, item, began, from)
    }
    if (!client.gone) await write(encodeRetry(retryMs()))
  } catch (error) {
    onError(error, 'stream')
    await write(encodeError(toMonitorError(error)))
  } finally {
    leave()
  }
}

/**
 * Ends a stream before its credential does. A timer of its own, since the clock of all is too coarse for it; only streams whose
 * credential ends before the stream would have one.
 */
function endBefore(expires: number, stop: AbortController): () => void {
  const left = expires - Date.now()
  if (left > ROTATE_MS) return () => {}
  const timer = setTimeout(() => stop.abort(ENDED), left - Math.min(EXPIRY_MARGIN_MS, left / 10))
  return () => clearTimeout(timer)
}

/** Counts what a client has taken. What was appended before it came is not late. */
function count(metrics: Metrics, item: StreamItem, began: number, from: number): void {
  if (item.type === 'gap') metrics.gap(item)
  if (item.type !== 'batch') return
  const { appended } = item
  metrics.delivered(item, appended === undefined || appended < began ? undefined : from - appended)
}

function encodeItem(item: StreamItem): Uint8Array {
  if (item.type === 'batch') return item.bytes
  return item.type === 'gap' ? encodeGap(item) : encodeCheckpoint(item)
}

/** The answer, with headers that win over those of `streamSSE`. */
function respond(c: Context, body: ReadableStream | null): Response {
  c.header('Content-Type', 'text/event-stream')
  c.header('Cache-Control', 'no-store, no-transform')
  c.header('X-Accel-Buffering', 'no')
  // Cloudflare compresses what does not say that it is not to be, and holds events back while it does.
  if (getRuntimeKey() === 'workerd') c.header('Content-Encoding', 'identity')
  if (!isHttp11(c)) {
    c.header('Connection', undefined)
    c.header('Transfer-Encoding', undefined)
  }
  return c.newResponse(body)
}

/** When a client should come back, in milliseconds: at different times, so that a restart is not followed by a storm. */
function retryMs(): number {
  return Math.round(jitter(1000, 5000))
}

function jitter(min: number, max: number): number {
  return min + Math.random() * (max - min)
}

/** Ends a stream whose client takes nothing. On Node the socket must go too: it waits for a drain that never comes. */
function disconnect(c: Context, stream: SSEStreamingApi): void {
  stream.abort()
  destroySocket(c)
}
