/**
 * Sends lines to a monitor: in order, in batches, one request at a time, again when that may help. It never throws and never
 * makes the program wait; what it gives up it counts.
 *
 * Whoever runs may vanish: a Worker's timers and requests end with the request that started them, and their promises never
 * settle. So nobody waits for another's promise. Every runner looks at the clock, and takes over when the one before it should
 * have been done long ago. The batch keeps its key through that, so it is stored once however many send it.
 */
import { type ErrorCode, type ErrorReporter, MonitorError } from '../errors.ts'
import { type BacklogLimits, createBacklog } from './backlog.ts'
import { type Answer, type PostOptions, post } from './post.ts'

/** Everything that is set, defaults included. */
export interface SenderSettings extends BacklogLimits, PostOptions {
  /** Text of a batch, in UTF-16 units. */
  readonly batchBytes: number
  readonly flushMs: number
  readonly timeoutMs: number
  readonly onError: ErrorReporter
  readonly waitUntil: ((promise: Promise<unknown>) => void) | undefined
}

/** How many entries met which end. */
export interface PushStats {
  /** Wait, or are under way. */
  readonly pending: number
  /** Are in the monitor's source. */
  readonly delivered: number
  /** Were given up because the buffer was full. */
  readonly dropped: number
  /** Were not taken by the monitor, or could not be sent. */
  readonly refused: number
}

/** What sends. */
export interface Sender {
  /** Takes an entry's JSON text, one line. */
  send(line: string): void
  /** Counts an entry that cannot be sent. */
  refuse(error: MonitorError): void
  stats(): PushStats
  /** Resolves when all that was sent before has met its end, or when the time is over. */
  flush(withinMs: number): Promise<void>
  /** Flushes, gives up what is under way when the time is over, and takes nothing more. */
  close(withinMs: number): Promise<void>
  /** The page may go away: sends what fits, in a way that outlives it. */
  unload(): void
}

/** The first wait after a failure, at the most, and the longest, in milliseconds: a live view should not lag for long. */
const FIRST_RETRY_MS = 250
const MAX_RETRY_MS = 10_000

/** The longest wait while somebody waits for a flush, in milliseconds. */
const HURRIED_RETRY_MS = 500

/** A kind of failure is told at once and then at most so often, in milliseconds. */
const TELL_MS = 60_000

/** Longest sleep of a runner, in milliseconds: it may have become needless meanwhile. */
const LOOK_MS = 250

/** Sleep while another's request is under way, in milliseconds. */
const POLL_MS = 20

/** Time over its own after which a runner counts as gone, in milliseconds. */
const GRACE_MS = 1000

/** Longest time that a request is kept alive for sending, in milliseconds. Workers end it after 30 s. */
const WATCH_MS = 25_000

/** Smallest batch that a receiver's limit can make, in UTF-16 units. */
const MIN_BATCH_LENGTH = 1024

/** What may be under way when a page goes, in UTF-16 units: 64 KiB by the Fetch standard (4.5), three bytes a unit. */
export const KEEPALIVE_LENGTH: number = 20 * 1024

interface Batch {
  readonly lines: readonly string[]
  readonly count: number
  readonly key: string
}

/** Makes a sender. */
export function createSender(settings: SenderSettings): Sender {
  const { flushMs, timeoutMs, waitUntil } = settings
  const backlog = createBacklog(settings)
  const tell = createTeller(settings.onError)
  /** Left the backlog, oldest first. More than one after a split, or after a page went away and came back. */
  const outgoing: Batch[] = []
  const counts = { logged: 0, delivered: 0, dropped: 0, refused: 0 }
  let id: string | undefined
  let batches = 0
  let batchLength = settings.batchBytes
  let closing: Promise<void> | undefined
  /** Failures in a row. */
  let failures = 0
  let failedAt = 0
  /** Why the oldest batch was not taken the last time it was tried. */
  let said: string | undefined
  /** When to try again: by our own rule, and by the receiver's wish. */
  let backoffEnd = 0
  let retryAfterEnd = 0
  /** When the request under way should be over, and the runner in the background have given a sign; 0 for none. */
  let requestEnd = 0
  let runnerEnd = 0
  let request: AbortController | undefined
  let requests = 0
  let timer: unknown
  let hurried = 0
  let isWatched = false

  const isIdle = (): boolean => outgoing.length === 0 && backlog.isEmpty
  const settled = (): number => counts.delivered + counts.dropped + counts.refused
  const pending = (): number => counts.logged - settled()

  function toBatch(lines: readonly string[], count: number): Batch {
    // Not earlier: at the top of a Worker's module there is no chance.
    id ??= randomId()
    return { lines, count, key: `${id}-${++batches}` }
  }

  function next(maxLength: number): Batch {
    const { lines, count } = backlog.take(maxLength)
    const batch = toBatch(lines, count)
    outgoing.push(batch)
    return batch
  }

  async function attempt(until: number): Promise<void> {
    const batch = outgoing[0] ?? next(batchLength)
    const started = now()
    const mine = ++requests
    requestEnd = started + timeoutMs + GRACE_MS
    const controller = new AbortController()
    request = controller
    const late = startTimer(() => controller.abort(), Math.min(timeoutMs, until - started), false)
    const answer = await post(settings, batch, { signal: controller.signal })
    stopTimer(late)
    if (requests === mine) {
      requestEnd = 0
      request = undefined
    }
    settle(batch, answer)
  }

  function settle(batch: Batch, answer: Answer): void {
    const place = outgoing.indexOf(batch)
    // Somebody took this runner for gone and was faster.
    if (place === -1) return
    said = answer.type === 'unavailable' ? answer.said : undefined
    if (answer.type === 'unavailable') {
      backOff()
      retryAfterEnd = failedAt + answer.retryAfterMs
      tell(answer.error)
      return
    }
    if (answer.type === 'too large' && batch.lines.length > 1) {
      const half = batch.lines.length >> 1
      // A notice stands first.
      const second = Math.min(batch.count, batch.lines.length - half)
      outgoing.splice(
        place,
        1,
        toBatch(batch.lines.slice(0, half), batch.count - second),
        toBatch(batch.lines.slice(half), second),
      )
      const length = batch.lines.reduce((sum, line) => sum + line.length, 0)
      batchLength = Math.max(MIN_BATCH_LENGTH, Math.min(batchLength, length >> 1))
      return
    }
    outgoing.splice(place, 1)
    retryAfterEnd = 0
    if (answer.type === 'taken') {
      failures = 0
      backoffEnd = 0
      const rejected = Math.min(answer.rejected, batch.count)
      counts.delivered += batch.count - rejected
      counts.refused += rejected
      if (rejected > 0) {
        tell(new MonitorError('invalid_entry', `The monitor rejected entries: ${answer.reason}`), rejected)
      }
      return
    }
    counts.refused += batch.count
    // Whoever refuses this one will likely refuse the next, and is not to be hammered with them.
    if (answer.type === 'refused') backOff()
    tell(answer.error, batch.count)
  }

  function backOff(): void {
    failedAt = now()
    // Full jitter, so that those who were cut off together do not come back together.
    backoffEnd = failedAt + Math.random() * Math.min(MAX_RETRY_MS, FIRST_RETRY_MS * 2 ** failures)
    failures = Math.min(failures + 1, 16)
  }

  function due(): number {
    const own = hurried > 0 ? Math.min(backoffEnd, failedAt + HURRIED_RETRY_MS) : backoffEnd
    return Math.max(own, retryAfterEnd)
  }

  /** Sends until so many entries have met their end. */
  async function drain(target: () => number, until: number, keepsAlive: boolean, sign?: () => void): Promise<void> {
    while (!isIdle() && settled() < target()) {
      sign?.()
      const time = now()
      if (time >= until) return
      const wait = requestEnd > time ? POLL_MS : Math.min(due() - time, LOOK_MS)
      if (wait > 0) await sleep(Math.min(wait, until - time), keepsAlive)
      else await attempt(until)
    }
  }

  /** In the background, where timers outlive whoever logs. */
  async function run(): Promise<void> {
    timer = undefined
    await drain(
      () => Number.POSITIVE_INFINITY,
      Number.POSITIVE_INFINITY,
      false,
      () => {
        runnerEnd = now() + timeoutMs + LOOK_MS + GRACE_MS
      },
    )
    runnerEnd = 0
  }

  function schedule(): void {
    const time = now()
    if (time >= runnerEnd) {
      timer = startTimer(run, flushMs, false)
      runnerEnd = time + flushMs + GRACE_MS
    } else if (timer !== undefined && backlog.length >= batchLength) {
      stopTimer(timer)
      void run()
    }
  }

  /** Within each request that logs: it may be the only one left. */
  function watch(): void {
    if (isWatched) return
    isWatched = true
    // What is logged without a break comes from one request.
    queueMicrotask(() => {
      isWatched = false
    })
    const sent = async (): Promise<void> => {
      await sleep(flushMs, true)
      const { logged } = counts
      await drain(() => logged, now() + WATCH_MS, true)
    }
    waitUntil?.(sent())
  }

  async function flush(withinMs: number): Promise<void> {
    const { logged } = counts
    hurried++
    try {
      await drain(() => logged, now() + withinMs, true)
    } finally {
      hurried--
    }
  }

  async function close(withinMs: number): Promise<void> {
    await flush(withinMs)
    request?.abort()
    stopTimer(timer)
    const left = pending()
    // Also ends whoever still runs.
    outgoing.length = 0
    backlog.take(Number.POSITIVE_INFINITY)
    counts.dropped += left
    const why = said ?? `${settings.target} took too long.`
    tell.last(left > 0 ? `${why} ${entries(left)} not delivered.` : undefined)
  }

  return {
    send(line) {
      counts.logged++
      if (closing !== undefined) {
        counts.refused++
        tell(new MonitorError('draining', 'The client is closed and takes no more entries.'), 1)
        return
      }
      counts.dropped += backlog.add(line)
      try {
        if (waitUntil === undefined) schedule()
        else watch()
      } catch {
        // At the top of a Worker's module nothing can be started. The next entry or `flush` sends this one too.
      }
    },

    refuse(error) {
      counts.logged++
      counts.refused++
      tell(error, 1)
    },

    stats: () => ({
      pending: pending(),
      delivered: counts.delivered,
      dropped: counts.dropped,
      refused: counts.refused,
    }),

    flush,

    close(withinMs) {
      closing ??= close(withinMs)
      return closing
    },

    unload() {
      let room = KEEPALIVE_LENGTH
      const signal = AbortSignal.timeout(timeoutMs)
      const fire = (batch: Batch): void => {
        void post(settings, batch, { signal, keepalive: true }).then((answer) => settle(batch, answer))
      }
      for (const batch of [...outgoing]) {
        room -= batch.lines.reduce((sum, line) => sum + line.length + 1, 0)
        if (room < 0) return
        fire(batch)
      }
      if (!backlog.isEmpty && room > 0) fire(next(room))
    },
  }
}

/** Tells each kind of failure at once, and then now and then with what it has cost since. */
interface Teller {
  (error: MonitorError, lost?: number): void
  /** What has not been told yet, and one more sentence. */
  last(sentence?: string): void
}

function createTeller(onError: ErrorReporter): Teller {
  const told = new Map<ErrorCode, { at: number; lost: number; error: MonitorError }>()
  const say = (error: MonitorError, lost: number): void => {
    if (lost === 0) onError(error, 'push')
    else
      onError(new MonitorError(error.code, `${error.message} ${entries(lost)} lost.`, { cause: error.cause }), 'push')
  }
  const tell = (error: MonitorError, lost = 0): void => {
    const before = told.get(error.code)
    const time = now()
    if (before !== undefined && time < before.at + TELL_MS) {
      before.lost += lost
      before.error = error
      return
    }
    told.set(error.code, { at: time, lost: 0, error })
    say(error, lost + (before?.lost ?? 0))
  }
  const last = (sentence?: string): void => {
    for (const { lost, error } of told.values()) if (lost > 0) say(error, lost)
    told.clear()
    if (sentence !== undefined) onError(new MonitorError('source_unavailable', sentence), 'push')
  }
  return Object.assign(tell, { last })
}

function entries(count: number): string {
  return count === 1 ? '1 entry was' : `${count} entries were`
}

function now(): number {
  return performance.now()
}

function randomId(): string {
  // Not `randomUUID`, which pages without TLS do not have.
  return Array.from(crypto.getRandomValues(new Uint8Array(12)), (byte) => byte.toString(16).padStart(2, '0')).join('')
}

/** @param keepsAlive - whether the program goes on for it */
function startTimer(callback: () => void, ms: number, keepsAlive: boolean): unknown {
  const timer: unknown = setTimeout(callback, Math.min(ms, 2 ** 31 - 1))
  if (!keepsAlive) {
    const { Deno } = globalThis as { Deno?: { unrefTimer?(id: unknown): void } }
    const { unref } = timer as { unref?: () => void }
    if (typeof unref === 'function') unref.call(timer)
    else Deno?.unrefTimer?.(timer)
  }
  return timer
}

function stopTimer(timer: unknown): void {
  clearTimeout(timer as number)
}

function sleep(ms: number, keepsAlive: boolean): Promise<void> {
  return new Promise((resolve) => {
    startTimer(resolve, ms, keepsAlive)
  })
}
