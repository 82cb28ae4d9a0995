/**
 * One event stream over `fetch`, kept up: it comes back after a cut with the last id, waits as the server says, notices when
 * the line is dead though open, and says at any time how it is doing. `fetch` rather than EventSource because only it shows
 * status codes, heartbeats, and what the server's refusal was.
 */
import { createParser, type EventSourceMessage } from 'eventsource-parser'
import { createBurstWatch } from './bursts.ts'
import { entryRow, gapRow, type Row, toBatch } from './columns.ts'
import type { Batch, Status, Vitals } from './protocol.ts'

/** First wait after a cut, in milliseconds, until the server has named its own. */
const FIRST_RETRY_MS = 1000

/** Longest wait between two tries, in milliseconds: a server that is back is found within half a minute. */
const MAX_RETRY_MS = 30_000

/** Silence after which a connection counts as dead, in heartbeats: one may be late. */
const DEAD_HEARTBEATS = 2.5

/** How long an answer may take before we look whether only the stream hangs, in milliseconds. */
const SLOW_START_MS = 5000

/** Entries over which the delay is told. */
const DELAYS = 50

/** Options of {@link openConnection}. */
export interface ConnectionOptions {
  /** Path of the routes. */
  readonly base: string
  readonly q: string
  readonly onBatch: (batch: Batch) => void
  readonly onStatus: (status: Status) => void
  /** The network. @default the worker's own */
  readonly fetch?: typeof globalThis.fetch | undefined
}

/** An open connection. */
export interface Connection {
  readonly status: () => Status
  readonly vitals: () => Omit<Vitals, 'tabs'>
  /** Tries again at once if it is not live. */
  retry(): void
  /** Ends it; {@link retry} begins again. */
  stop(status: Status): void
  /** Ends it without a word. */
  close(): void
}

/** An answer of the server that is no stream. */
interface Refusal {
  readonly status: number
  readonly code: string
  readonly reason: string
  readonly retryAfterMs: number
}

/** Opens it and keeps it open until it is closed or refused for good. */
export function openConnection(options: ConnectionOptions): Connection {
  const { base, q, onBatch, onStatus, fetch = globalThis.fetch.bind(globalThis) } = options
  const bursts = createBurstWatch()
  let status: Status = { state: 'connecting', since: undefined }
  /** Which of the loops that were begun is the one that counts. */
  let turn = 0
  let abort = new AbortController()
  let wake: (() => void) | undefined
  let lastId: string | undefined
  let retryMs = FIRST_RETRY_MS
  let attempts = 0
  let downSince = Date.now()
  let heartbeatMs = 20_000
  let lastByteAt = 0
  let lastHeartbeatAt = 0
  let skewMs = 0
  let readyTime = 0
  let heldStart = false
  let delays: number[] = []

  function say(next: Status): void {
    status = next
    onStatus(next)
  }

  function end(): void {
    turn++
    abort.abort()
    wake?.()
  }

  async function run(): Promise<void> {
    const own = ++turn
    while (own === turn) {
      abort = new AbortController()
      let failure = 'The connection was cut.'
      let waitMs = 0
      try {
        const refusal = await follow(abort)
        if (own !== turn) return
        if (refusal !== undefined) {
          const { code, reason } = refusal
          if (refusal.status === 401) return say({ state: 'signed-out', reason })
          const isFinal = refusal.status >= 400 && refusal.status < 500 && ![408, 425, 429].includes(refusal.status)
          if (isFinal) return say({ state: 'refused', code, reason })
          failure = reason
          waitMs = refusal.retryAfterMs
        }
      } catch (error) {
        if (own !== turn) return
        failure = abort.signal.reason instanceof Silence ? 'Nothing came any more.' : unreachable(error)
      }
      // The server's own wait spreads clients; on top of it a server that stays away is asked less and less often.
      const backoff = Math.min(MAX_RETRY_MS, retryMs * 2 ** Math.min(attempts, 6))
      attempts++
      const wait = Math.max(waitMs, attempts === 1 ? retryMs : backoff * (0.75 + Math.random() * 0.25))
      say({ state: 'waiting', until: Date.now() + wait, since: downSince, attempts, reason: failure })
      await pause(wait)
      if (own === turn) say({ state: 'connecting', since: downSince })
    }
  }

  function pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms)
      wake = () => {
        clearTimeout(timer)
        resolve()
      }
    })
  }

  /** Follows one stream to its end. Resolves to the refusal if it never was one. */
  async function follow(attempt: AbortController): Promise<Refusal | undefined> {
    const query = new URLSearchParams({ tail: '0', ...(q !== '' && { q }) })
    const slow = setTimeout(() => void probe(attempt), SLOW_START_MS)
    let watchdog: ReturnType<typeof setInterval> | undefined
    try {
      const response = await fetch(`${base}/stream?${query}`, {
        headers: { Accept: 'text/event-stream', ...(lastId !== undefined && { 'Last-Event-ID': lastId }) },
        cache: 'no-store',
        signal: attempt.signal,
      })
      if (!response.ok || response.body === null || !isStream(response)) return await readRefusal(response)
      lastByteAt = Date.now()
      watchdog = setInterval(() => {
        if (Date.now() - lastByteAt > heartbeatMs * DEAD_HEARTBEATS) attempt.abort(new Silence())
      }, 1000)
      await read(response.body, () => clearTimeout(slow))
      return undefined
    } finally {
      clearTimeout(slow)
      clearInterval(watchdog)
      attempt.abort()
      if (status.state === 'live') {
        downSince = Date.now()
        attempts = 0
      }
    }
  }

  async function read(body: ReadableStream<Uint8Array>, onReady: () => void): Promise<void> {
    let rows: Row[] = []
    const parser = createParser({
      onEvent(event) {
        if (event.event === 'ready') {
          onReady()
          ready(event)
        } else {
          const row = take(event)
          if (row !== undefined) rows.push(row)
        }
        if (event.id) lastId = event.id
      },
      onComment() {
        lastHeartbeatAt = Date.now()
      },
      onRetry(ms) {
        retryMs = ms
      },
    })
    const reader = body.pipeThrough(new TextDecoderStream() as ReadableWritablePair<string, Uint8Array>).getReader()
    for (;;) {
      const { done, value } = await reader.read()
      if (done) return
      lastByteAt = Date.now()
      parser.feed(value)
      if (rows.length === 0) continue
      measure(rows)
      onBatch(toBatch(rows))
      rows = []
    }
  }

  function ready({ data }: EventSourceMessage): void {
    const now = Date.now()
    const said = JSON.parse(data) as { time?: string; heartbeatMs?: number }
    heartbeatMs = said.heartbeatMs ?? heartbeatMs
    readyTime = Date.parse(said.time ?? '') || now
    skewMs = now - readyTime
    heldStart = false
    say({ state: 'live', since: now, heartbeatMs })
  }

  function take({ event, data, id = '' }: EventSourceMessage): Row | undefined {
    if (event === 'log') return entryRow(id, data)
    if (event === 'gap') return gapRow(id, data, Date.now() - skewMs)
    return undefined
  }

  /** Takes the delay of what is new; what was stored before the stream began is late by nature. */
  function measure(rows: readonly Row[]): void {
    const arrived = Date.now() - skewMs
    const live = rows.filter(({ time }) => time > readyTime).map(({ time }) => time)
    delays = [...delays, ...live.slice(-DELAYS).map((time) => Math.max(0, arrived - time))].slice(-DELAYS)
    bursts.arrive(arrived, live)
  }

  /** The stream does not begin: if the server answers otherwise, something holds the stream back. */
  async function probe(attempt: AbortController): Promise<void> {
    const answer = await fetch(`${base}/health`, { cache: 'no-store', signal: attempt.signal }).catch(() => undefined)
    heldStart = answer !== undefined
  }

  void run()
  return {
    status: () => status,
    vitals: () => ({
      lastByteAt,
      lastHeartbeatAt,
      delayMs: median(delays),
      skewMs,
      held: heldStart ? 'start' : bursts.isHeld() ? 'bursts' : 'no',
    }),
    retry() {
      if (status.state === 'waiting') wake?.()
      else if (status.state === 'signed-out' || status.state === 'refused') {
        say({ state: 'connecting', since: undefined })
        void run()
      }
    },
    stop(last) {
      end()
      say(last)
    },
    close: end,
  }
}

/** Why a dead connection was given up. */
class Silence extends Error {}

function isStream(response: Response): boolean {
  return response.headers.get('Content-Type')?.startsWith('text/event-stream') ?? false
}

async function readRefusal(response: Response): Promise<Refusal> {
  const { code, reason } = await errorOf(response)
  const after = Number(response.headers.get('Retry-After'))
  // An answer that is neither an error of ours nor a stream comes from something else, which may go away.
  const status = response.ok ? 502 : response.status
  return { status, code, reason, retryAfterMs: Number.isFinite(after) ? after * 1000 : 0 }
}

/** What an answer says that is an error: ours names a code and a sentence. */
export async function errorOf(response: Response): Promise<{ code: string; reason: string }> {
  try {
    const { error } = (await response.json()) as { error: { code: string; message: string } }
    return { code: error.code, reason: error.message }
  } catch {
    return { code: 'unexpected', reason: `The server answered ${response.status} ${response.statusText}`.trim() }
  }
}

/** What `fetch` fails with has no words for people. */
function unreachable(error: unknown): string {
  return error instanceof TypeError ? 'The server cannot be reached.' : String(error)
}

function median(values: readonly number[]): number | undefined {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]
}
