/**
 * The event stream. Each client is a loop that takes what its reader gives and writes it; the `await` of the write is the
 * backpressure, so a slow client holds up nobody but itself.
 */
import type { Context, Handler } from 'hono'
import { getRuntimeKey } from 'hono/adapter'
import { toMonitorError } from '../errors.ts'
import { type EventSink, type EventWriter, openEvents } from '../http/event-body.ts'
import type { Heartbeat, Ticking } from '../http/heartbeat.ts'
import type { LogEnv } from '../http/log-env.ts'
import { type Connection, connectionOf, isHttp11 } from '../http/node-bindings.ts'
import type { Metrics } from '../metrics.ts'
import type { ServedLog } from '../served-log.ts'
import type { StreamItem, Subscription } from '../source.ts'
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
  readonly streams: Streams
  readonly heartbeat: Heartbeat
  readonly heartbeatMs: number
  readonly maxClients: number
  readonly maxPerCredential: number | undefined
}

/** The streams that are open, so that a stop can wait for them. */
export interface Streams {
  enter(): void
  leave(): void
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
    },
    leave() {
      open--
      if (open > 0) return
      for (const resolve of waiting) resolve()
      waiting = []
    },
    ended() {
      if (open === 0) return Promise.resolve()
      return new Promise((resolve) => waiting.push(resolve))
    },
  }
}

/** `GET /stream` */
export function streamRoute(options: StreamRouteOptions): Handler<LogEnv> {
  const { maxClients, maxPerCredential } = options
  return async (c) => {
    const { tail, filter, lastEventId } = readQuery(c)
    // HEAD asks for the headers of a response that has no end.
    if (c.req.method === 'HEAD') return respond(c, null)
    const { credential, expires } = c.get('access')
    const log = c.get('edgetailLog')
    const stream = new EventStream(options, log, expires, connectionOf(c))
    watchRequest(c, stream)
    stream.subscription = await log.source.subscribe({
      after: c.req.header('Last-Event-ID') || lastEventId || undefined,
      tail,
      filter,
      signal: stream.signal,
      maxClients,
      maxPerCredential,
      credential,
    })
    return respond(c, openEvents(c, stream))
  }
}

/**
 * Notices a client that leaves, also before its stream has begun: on Workers nobody else does, and its place would stay taken.
 * On Node the stream's own abort says all, and asking for the signal would cost each client some memory.
 */
function watchRequest(c: Context, stream: EventStream): void {
  if (getRuntimeKey() !== 'workerd') return
  const { signal } = c.req.raw
  if (signal.aborted) stream.gone()
  else signal.addEventListener('abort', () => stream.gone(), { once: true })
}

/**
 * One client's stream. There are thousands that wait: it holds its own few fields and nothing of the request, since what it
 * holds it holds for hours.
 */
class EventStream implements EventWriter, Ticking {
  /** What it writes. */
  subscription: Subscription | undefined
  readonly #options: StreamRouteOptions
  readonly #log: ServedLog
  readonly #stop = new AbortController()
  readonly #connection: Connection | undefined
  readonly #began: number
  readonly #endsAt: number
  readonly #expiry: ReturnType<typeof setTimeout> | undefined
  #sink: EventSink | undefined
  #lastWrite: number
  #lastPing: number
  #writing = 0
  /** Whether the client has left by itself. */
  #isGone = false

  constructor(options: StreamRouteOptions, log: ServedLog, expires: number, connection: Connection | undefined) {
    this.#options = options
    this.#log = log
    this.#connection = connection
    this.#began = performance.now()
    this.#lastWrite = this.#began
    this.#lastPing = this.#began
    this.#endsAt = this.#began + jitter(ROTATE_MS * 0.9, ROTATE_MS)
    this.#expiry = endBefore(expires, this.#stop)
  }

  /** Aborts when its reader is to end. */
  get signal(): AbortSignal {
    return this.#stop.signal
  }

  /** The client has left. All that must follow does so at once: on Workers nothing that waits runs after a disconnect. */
  gone(): void {
    this.#isGone = true
    this.#leave()
  }

  /** Writes what the subscription gives until it ends. */
  async serve(sink: EventSink): Promise<void> {
    const subscription = this.subscription as Subscription
    const { heartbeat, heartbeatMs, streams } = this.#options
    const { metrics, onError } = this.#log
    this.#sink = sink
    heartbeat.join(this)
    streams.enter()
    if (this.#isGone) this.#leave()
    try {
      const { resumed, id } = subscription
      await this.#write(encodeReady({ resumed, time: new Date().toISOString(), heartbeatMs }, retryMs(), id))
      for await (const item of subscription) {
        const from = performance.now()
        const taking = this.#write(encodeItem(item), from)
        if (taking !== undefined) await taking
        if (!this.#isGone) count(metrics, item, this.#began, from)
      }
      if (!this.#isGone) await this.#write(encodeRetry(retryMs()))
    } catch (error) {
      onError(error, 'stream')
      await this.#write(encodeError(toMonitorError(error)))
    } finally {
      this.#leave()
      sink.close()
    }
  }

  tick(): void {
    const { heartbeatMs } = this.#options
    const now = performance.now()
    const silent = now - this.#lastWrite
    // Half of the clock's own interval early rather than late.
    const due = heartbeatMs * 0.875
    if (now - this.#lastPing >= due) {
      this.#lastPing = now
      this.subscription?.keepAlive?.()
    }
    if (this.#writing > 0) {
      if (silent >= STUCK_MS) {
        this.#log.metrics.slowClose()
        this.#sink?.abort()
        // On Node the socket must go too: it waits for a drain that never comes.
        this.#connection?.destroy?.()
      }
    } else if (now >= this.#endsAt) this.#stop.abort(ENDED)
    else if (silent >= due) void this.#write(HEARTBEAT)
  }

  /** Nothing when the client has taken it; else resolves when it has, or left. */
  #write(bytes: Uint8Array, now = performance.now()): Promise<void> | undefined {
    if (this.#writing === 0) this.#lastWrite = now
    const taking = this.#sink?.write(bytes)
    return taking === undefined ? undefined : this.#taken(taking)
  }

  async #taken(taking: Promise<unknown>): Promise<void> {
    this.#writing++
    await taking
    this.#writing--
    this.#lastWrite = performance.now()
  }

  /** Frees what the stream holds. */
  #leave(): void {
    if (this.#expiry !== undefined) clearTimeout(this.#expiry)
    this.#stop.abort(ENDED)
    if (this.#options.heartbeat.leave(this)) this.#options.streams.leave()
  }
}

/**
 * Ends a stream before its credential does. A timer of its own, since the clock of all is too coarse for it; only streams whose
 * credential ends before the stream would have one.
 */
function endBefore(expires: number, stop: AbortController): ReturnType<typeof setTimeout> | undefined {
  const left = expires - Date.now()
  if (left > ROTATE_MS) return undefined
  return setTimeout(() => stop.abort(ENDED), left - Math.min(EXPIRY_MARGIN_MS, left / 10))
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
  if (isHttp11(c)) c.header('Connection', wantsClose(c) ? 'close' : 'keep-alive')
  else {
    c.header('Connection', undefined)
    c.header('Transfer-Encoding', undefined)
  }
  return c.newResponse(body)
}

/** Whether the connection is to close after the response (RFC 9112, section 9.6). */
function wantsClose(c: Context): boolean {
  return /(?:^|,)\s*close\s*(?:,|$)/i.test(c.req.header('Connection') ?? '')
}

/** When a client should come back, in milliseconds: at different times, so that a restart is not followed by a storm. */
function retryMs(): number {
  return Math.round(jitter(1000, 5000))
}

function jitter(min: number, max: number): number {
  return min + Math.random() * (max - min)
}
