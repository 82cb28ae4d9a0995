/**
 * Appends on their way to Redis. One write is under way at a time; what comes meanwhile leaves together with the next. While
 * Redis cannot be reached they wait, so many and so long, and are refused after that.
 */
import { intoRows } from '../batch-store.ts'
import { MonitorError } from '../errors.ts'
import type { LogRecord } from '../log.ts'
import { formatId } from '../sse.ts'
import type { LogRetention, LogWrite, LogWritten, RedisLog } from './redis-log.ts'

/** Most characters of one row: about a batch of the stream, and little enough that Redis serves others in between. */
const MAX_ROW_LENGTH = 128 * 1024

/** Most characters that leave together, but for an append that is larger by itself. */
const MAX_WRITE_LENGTH = 1024 * 1024

/** Wait before a write is sent again, in milliseconds. */
const RETRY_MS = 100

/** Errors of a server that will do it in a moment: it starts, has just become a replica, or moves slots. */
const PASSING = /^(?:LOADING|READONLY|MASTERDOWN|CLUSTERDOWN|TRYAGAIN|MOVED|ASK|NOREPLICAS|BUSY|MISCONF)\b/

/** Errors that a server answers with, rather than none: an upper-case word first. */
const ANSWERED = /^[A-Z]{2,} /

/** Options of {@link RedisWriter}. */
export interface RedisWriterOptions extends LogRetention {
  /** Longest time that an append waits for Redis, in milliseconds. */
  readonly waitMs: number
  /** Most characters of JSON text that wait. */
  readonly maxWaiting: number
  /** Told of each write that failed. */
  onError(error: unknown): void
  /** Told of each write that was stored, and of the records in it, before any of its appends is answered. */
  onWritten(written: LogWritten, records: readonly LogRecord[]): void
}

/** What came of an append. */
interface Stored {
  readonly ids: readonly string[]
  readonly answer: string
}

interface Append {
  readonly records: readonly LogRecord[]
  readonly once: LogWrite['once']
  readonly length: number
  /** When it is refused, by `performance.now()`. */
  readonly due: number
  resolve(stored: Stored): void
  reject(error: MonitorError): void
}

/** Writes to a log. */
export class RedisWriter {
  readonly #log: RedisLog
  readonly #options: RedisWriterOptions
  #waiting: Append[] = []
  #underWay: readonly Append[] = []
  #length = 0
  #number = 0
  #running: Promise<void> | undefined
  #clock: ReturnType<typeof setTimeout> | undefined

  constructor(log: RedisLog, options: RedisWriterOptions) {
    this.#log = log
    this.#options = options
  }

  /**
   * Resolves when the records are stored.
   *
   * @throws MonitorError `source_unavailable` when too much waits, or it waited too long. Of what was already sent, nobody can
   *   tell then whether it was stored.
   */
  append(records: readonly LogRecord[], once: LogWrite['once']): Promise<Stored> {
    const { waitMs, maxWaiting } = this.#options
    const length = records.reduce((sum, { json }) => sum + json.length, 0)
    // One that is too large by itself goes alone.
    if (this.#length > 0 && this.#length + length > maxWaiting) return Promise.reject(unavailable())
    if (records.length === 0 && once === undefined) return Promise.resolve({ ids: [], answer: '' })
    const stored = new Promise<Stored>((resolve, reject) => {
      this.#waiting.push({ records, once, length, due: performance.now() + waitMs, resolve, reject })
    })
    this.#length += length
    this.#clock ??= setTimeout(() => this.#expire(), waitMs)
    this.#running ??= Promise.resolve().then(() => this.#run())
    return stored
  }

  /** Resolves when nothing waits. */
  async settled(): Promise<void> {
    await this.#running
  }

  async #run(): Promise<void> {
    while (this.#waiting.length > 0) {
      this.#underWay = this.#take()
      await this.#send(this.#underWay)
      this.#underWay = []
    }
    this.#running = undefined
    clearTimeout(this.#clock)
    this.#clock = undefined
  }

  /** What leaves together: one with a key alone, since it is stored or not by itself. */
  #take(): Append[] {
    let count = 0
    let length = 0
    for (const append of this.#waiting) {
      length += append.length
      if (count > 0 && (append.once !== undefined || length > MAX_WRITE_LENGTH)) break
      count++
      if (append.once !== undefined) break
    }
    return this.#waiting.splice(0, count)
  }

  async #send(appends: readonly Append[]): Promise<void> {
    const all = appends.flatMap(({ records }) => records)
    const lines = all.map(({ json }) => json)
    const once = appends[0]?.once
    const write: LogWrite = { number: ++this.#number, rows: [...intoRows(lines, MAX_ROW_LENGTH)], once }
    const finish = (settle: (append: Append) => void): void => {
      for (const append of appends) {
        settle(append)
        this.#length -= append.length
      }
    }
    // Once nobody waits for it any more it is not sent again.
    while (appends.some((append) => append.due > performance.now())) {
      try {
        const written = await this.#log.write(write, this.#options)
        this.#options.onWritten(written, all)
        let next = written.last - lines.length + 1
        finish(({ records, resolve }) => {
          resolve({ ids: records.map(() => formatId(written.era, next++)), answer: written.answer })
        })
        return
      } catch (error) {
        this.#options.onError(error)
        if (isFinal(error)) break
        await new Promise((resolve) => setTimeout(resolve, RETRY_MS))
      }
    }
    finish(({ reject }) => reject(unavailable()))
  }

  /** Refuses what has waited too long, also what is under way and will have its answer for nobody. */
  #expire(): void {
    const now = performance.now()
    const isLate = ({ due }: Append): boolean => due <= now
    const waiting = this.#waiting
    this.#waiting = waiting.filter((append) => !isLate(append))
    for (const { reject, length } of waiting.filter(isLate)) {
      this.#length -= length
      reject(unavailable())
    }
    for (const { reject } of this.#underWay.filter(isLate)) reject(unavailable())
    const left = [...this.#underWay, ...this.#waiting].filter((append) => !isLate(append)).map(({ due }) => due)
    this.#clock = left.length > 0 ? setTimeout(() => this.#expire(), Math.min(...left) - now + 1) : undefined
  }
}

/** What a writer is told. */
export function unavailable(cause?: unknown): MonitorError {
  return new MonitorError('source_unavailable', 'Redis cannot be reached. Try again in a moment.', { cause })
}

function isFinal(error: unknown): boolean {
  if (error instanceof MonitorError) return true
  const message = error instanceof Error ? error.message : ''
  return ANSWERED.test(message) && !PASSING.test(message)
}
