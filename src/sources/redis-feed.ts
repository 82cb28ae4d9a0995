/**
 * What a Redis holds, as this process sees it: one connection waits for new rows and fills a ring, from which live readers
 * read. What this process wrote itself goes into the ring when Redis has answered, without being read back. What is older than
 * the ring is fetched, once for all who stand at the same place.
 */
import { readRows } from '../batch-store.ts'
import type { Filter } from '../filter/filter.ts'
import { type LogRecord, parseRecord } from '../log.ts'
import { createPacer, type Flushed } from '../pacer.ts'
import type { Overtaken } from '../positions.ts'
import { Readers } from '../readers.ts'
import { type Reading, Ring } from '../ring.ts'
import { formatId } from '../sse.ts'
import type { RedisConnection } from './redis-client.ts'
import { Eras } from './redis-eras.ts'
import type { EraRow, LogState, LogWritten, RedisLog } from './redis-log.ts'

/** Most characters of JSON text held in memory for live readers. */
const WINDOW_BYTES = 16 * 1024 * 1024

/** Longest wait for new rows in one question, in milliseconds. After it the eras are looked at, so that silence hides no loss. */
const WAIT_MS = 2000

/** How much later an answer may come before the connection counts as dead, in milliseconds. */
const DEAD_MS = 5000

/** Wait before a lost connection is opened again, or what was not answered is asked again, in milliseconds. */
const RETRY_MS = 200

/**
 * Longer than in memory: a write takes two visits of the event loop and one of Redis, so that fewer entries come in the same
 * time, and flushes at the pace of memory's would be dearer for each of them.
 */
const GATHERING = { times: 4, maxMs: 100 }

/**
 * Least wait between two questions for new rows while this process writes itself, in milliseconds: each of its writes would be
 * an answer that says nothing new. What others wrote waits so much longer.
 */
const OWN_MS = 10

/** Rows that are asked for at once. */
const ROWS = 64

/** Options of {@link RedisFeed}. */
export interface RedisFeedOptions {
  /** Entries kept for new readers. */
  readonly retain: number
  /** Opens the connection that waits. */
  open(): RedisConnection
  /** Told of each failure, and of each success. */
  onError(error: unknown): void
  onAnswer(): void
  /** Told when another era has begun, with which anything may be lost. */
  onLost(): void
}

/** One process's view of a log. */
export class RedisFeed {
  readonly readers: Readers
  readonly #log: RedisLog
  readonly #options: RedisFeedOptions
  readonly #pacer = createPacer(() => this.#publish(), GATHERING)
  readonly #fetching = new Map<string, Promise<Reading | Overtaken>>()
  #eras: Eras | undefined
  #ring: Ring
  /** The era of the ring's entries, and the last of them. */
  #era = ''
  #head = 0
  /** When this process last stored something, by `performance.now()`. */
  #wrote = Number.NEGATIVE_INFINITY
  /** How often a loss has moved that place. */
  #losses = 0
  #connection: RedisConnection | undefined
  #closed = false
  /** Called when the head has moved. */
  #moved: (() => void) | undefined

  constructor(log: RedisLog, options: RedisFeedOptions) {
    this.#log = log
    this.#options = options
    this.#ring = this.#newRing('', 0)
    this.readers = new Readers({
      read: (next, filter) => this.#read(next, filter),
      // What the ring has let go may still be stored: whether entries are lost shows when they are fetched.
      overtaken: () => undefined,
      positionBefore: (next) => this.#eras?.before(next) ?? formatId('0', next - 1),
    })
    void this.#run()
  }

  /** How long entries were last gathered, in milliseconds. */
  get flushWindowMs(): number {
    return this.#pacer.windowMs
  }

  /** Asks how the log stands, and takes notice of it. The question is sent in this turn. */
  async refresh(): Promise<{ readonly state: LogState; readonly eras: Eras }> {
    // As it was when it was asked: rows may arrive over the other connection before an answer that is older than they are.
    const asked = { era: this.#era, head: this.#head }
    const state = await this.#log.state()
    return { state, eras: this.#notice(state, asked) }
  }

  /**
   * Takes what this process has just stored, where it follows what is there. Otherwise others have written before it, or a new
   * era has begun: then it comes with the rows that are read.
   */
  wrote({ era, last }: LogWritten, records: readonly LogRecord[]): void {
    this.#wrote = performance.now()
    if (records.length === 0 || era !== this.#era || era !== this.#eras?.epoch) return
    if (last - records.length !== this.#head) return
    this.#ring.append(records)
    this.#head = last
    this.#pacer.request()
    this.#moved?.()
  }

  /** Whether ids mean what they meant. */
  isCurrent(eras: Eras): boolean {
    return eras === this.#eras
  }

  /** The oldest entry that a new reader may get. */
  keptOf({ head, oldest }: LogState): number {
    return Math.max(oldest, head - this.#options.retain + 1)
  }

  /** Resolves when readers can take all up to a position, or after a time in milliseconds. */
  async reached(era: string, sequence: number, withinMs: number): Promise<void> {
    const isReached = (): boolean => this.#era > era || (this.#era === era && this.#head >= sequence)
    let late = false
    const timer = setTimeout(() => {
      late = true
      this.#moved?.()
    }, withinMs)
    while (!isReached() && !late) {
      await new Promise<void>((resolve) => {
        this.#moved = resolve
      })
    }
    clearTimeout(timer)
  }

  /** Gives readers what has come, and ends them. */
  close(): void {
    this.#pacer.flushNow()
    this.#closed = true
    this.readers.close()
    this.#connection?.close()
  }

  async #run(): Promise<void> {
    // After a failure the eras are looked at before anything else: a part of the history may be gone.
    let isKnown = false
    while (!this.#closed) {
      try {
        this.#connection ??= this.#options.open()
        await this.#connection.ready
        if (!isKnown) await this.refresh()
        isKnown = true
        const losses = this.#losses
        const answer = this.#log.await(this.#connection.command, formatId(this.#era, this.#head), ROWS, WAIT_MS)
        const rows = await within(answer, WAIT_MS + DEAD_MS)
        if (rows === undefined || !this.#isKnown(rows)) await this.refresh()
        // A loss that was noticed meanwhile has moved the place from which to go on.
        if (rows !== undefined && losses === this.#losses) this.#take(rows)
        this.#options.onAnswer()
        // Asked at the pace of the flushes: under load each write would be an answer, and what it brings would only wait.
        const wait = Math.max(this.#pacer.windowMs, performance.now() - this.#wrote < OWN_MS ? OWN_MS : 0)
        if (rows !== undefined && rows.length < ROWS && wait > 1) await pause(wait)
      } catch (error) {
        if (this.#closed) break
        this.#options.onError(error)
        isKnown = false
        this.#connection?.close()
        this.#connection = undefined
        await pause(RETRY_MS)
      }
    }
    this.#connection?.close()
  }

  #take(rows: readonly EraRow[]): void {
    for (const { era, first, lines } of rows) {
      // Written by this process, and taken while the question was under way.
      if (era === this.#era && first <= this.#head) continue
      // Another era's ids are of another kind, and what is missing between is missing here only: it may be fetched.
      if (era !== this.#era || first !== this.#head + 1) this.#ring = this.#newRing(era, first - 1)
      this.#ring.append(lines.map((line) => parseRecord(line)))
      this.#era = era
      this.#head = first + lines.length - 1
    }
    this.#pacer.request()
    this.#moved?.()
  }

  #newRing(epoch: string, head: number): Ring {
    return new Ring({ retain: this.#options.retain, retainBytes: WINDOW_BYTES, epoch, head })
  }

  #publish(): Flushed {
    const flushed = this.#ring.publish()
    this.readers.wake()
    this.#ring.release(this.readers.oldestWanted())
    return flushed
  }

  #isKnown(rows: readonly EraRow[]): boolean {
    return rows.every(({ era }) => (this.#eras?.endOf(era) ?? -1) >= 0)
  }

  /** Compares what is there with what was: a server that has less than was given out has lost it. */
  #notice(state: LogState, asked: { readonly era: string; readonly head: number }): Eras {
    const before = this.#eras
    const goesBack = before?.epoch === state.era && asked.era === state.era && asked.head > state.head
    if (before !== undefined && before.epoch === state.era && !goesBack) return before
    const eras = new Eras(state)
    this.#eras = eras
    const end = goesBack ? state.head : before === undefined ? state.head : eras.endOf(before.epoch)
    if (before === undefined || eras.endOf(this.#era) < this.#head || goesBack) {
      this.#losses++
      this.#era = state.era
      this.#head = state.head
      this.#ring = this.#newRing(state.era, state.head)
    }
    this.#fetching.clear()
    const next = this.keptOf(state)
    const gap = { type: 'gap', reason: 'restarted', dropped: null, id: eras.before(next) } as const
    this.readers.relocate((wanted) => (wanted - 1 > end ? { next, gap } : undefined))
    this.readers.wake()
    if (before !== undefined) this.#options.onLost()
    return eras
  }

  #read(next: number, filter: Filter): Reading | Promise<Reading | Overtaken> | undefined {
    if (this.#ring.overtaken(next) === undefined) return this.#ring.read(next, filter)
    // Who is so far behind goes on from there elsewhere.
    if (this.#closed) return undefined
    const key = `${next} ${filter.key}`
    let fetching = this.#fetching.get(key)
    if (fetching === undefined) {
      fetching = this.#fetch(next, filter).finally(() => {
        if (this.#fetching.get(key) === fetching) this.#fetching.delete(key)
      })
      this.#fetching.set(key, fetching)
    }
    return fetching
  }

  /** Reads what the ring does not have, as soon as Redis can be reached. */
  async #fetch(next: number, filter: Filter): Promise<Reading | Overtaken> {
    for (;;) {
      const eras = this.#eras as Eras
      try {
        const rows = await this.#log.rowsFrom(eras.idOf(next), ROWS)
        // The readers for whom this was asked have got another place if what they want was lost; this goes to nobody then.
        if (!this.#isKnown(rows)) await this.refresh()
        if (!this.isCurrent(eras)) return { batch: undefined, next }
        const first = rows[0]?.first ?? (await this.refresh()).state.head + 1
        if (first > next) {
          return { next: first, gap: { type: 'gap', reason: 'slow', dropped: first - next, id: eras.before(first) } }
        }
        return readRows(contiguous(rows), next, filter, (sequence, { era }) => formatId(era, sequence))
      } catch (error) {
        this.#options.onError(error)
        if (this.#closed) return { batch: undefined, next }
        await pause(RETRY_MS)
      }
    }
  }
}

/** The rows up to the first hole, which is told as a gap when a reader stands before it. */
function* contiguous(rows: readonly EraRow[]): Generator<EraRow> {
  let next = rows[0]?.first
  for (const row of rows) {
    if (row.first !== next) return
    yield row
    next = row.first + row.lines.length
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}

/** The result of a question, if it comes in time. */
export async function within<Result>(result: Promise<Result>, ms: number): Promise<Result> {
  let timer: ReturnType<typeof setTimeout> | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`Redis did not answer in ${ms} ms`)), ms)
  })
  try {
    return await Promise.race([result, late])
  } finally {
    clearTimeout(timer)
  }
}
