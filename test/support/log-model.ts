/**
 * What a log source must give, worked out from what was appended alone: every client accounts for each entry after its
 * position once and in order, as an entry it received, as one its filter passed by, or as one that a gap named.
 */
import { expect } from 'vitest'
import { type Level, type LogRecord, levelRank } from '../../src/log.ts'
import type { Checkpoint, Gap, LogSource, StoredEntry, StreamItem } from '../../src/source.ts'
import { encodeLog } from '../../src/sse.ts'

const utf8 = new TextEncoder()

/** How a client starts: with past entries, or after an id that it saw (by its place in the log) or that nobody ever gave out. */
export type Begin = { tail: number } | { after: number } | { after: 'malformed' | 'foreign' | 'future' }

interface Appended {
  readonly id: string
  readonly level: Level
  readonly message: string
  readonly length: number
}

/** The gap that a client must be told of first. */
interface FirstGap {
  readonly reason: 'evicted' | 'restarted'
  readonly dropped: number | null
  readonly id: string
}

/** What was appended and what of it must still be stored. */
export class LogModel {
  readonly log: Appended[] = []
  readonly #positions = new Map<string, number>()
  readonly #retain: number
  readonly #retainBytes: number
  #epoch = ''
  #keptBytes = 0
  /** How many entries at the beginning are no longer kept. */
  kept = 0
  /** Resolves when the last append has been answered: until then its ids are not known here. */
  answered: Promise<unknown> = Promise.resolve()

  constructor(retain: number, retainBytes = Number.POSITIVE_INFINITY) {
    this.#retain = retain
    this.#retainBytes = retainBytes
  }

  get end(): number {
    return this.log.length
  }

  /** Records of the levels given, with messages that are told apart and all of one length. */
  make(levels: readonly Level[], length: number): LogRecord[] {
    return levels.map((level, index) => {
      const message = `${this.end + index} `.padEnd(length, 'é')
      const entry = { ts: '2026-01-01T00:00:00.000Z', level, message, context: {} }
      return { entry, json: JSON.stringify(entry) }
    })
  }

  async append(source: Pick<LogSource, 'append'>, records: readonly LogRecord[]): Promise<void> {
    const appended = this.#append(source, records)
    this.answered = appended.catch(() => undefined)
    await appended
  }

  async #append(source: Pick<LogSource, 'append'>, records: readonly LogRecord[]): Promise<void> {
    const ids = await source.append(records)
    expect(ids).toHaveLength(records.length)
    records.forEach(({ entry, json }, index) => {
      this.#epoch = (ids[index] as string).split('-')[0] as string
      const length = utf8.encode(encodeLog(json, ids[index] as string)).length
      this.log.push({ id: ids[index] as string, level: entry.level, message: entry.message, length })
      this.#positions.set(ids[index] as string, this.end)
      this.#keptBytes += length
      while (this.end - this.kept > this.#retain || (this.#keptBytes > this.#retainBytes && this.end - this.kept > 1)) {
        this.#keptBytes -= this.log[this.kept++]?.length as number
      }
    })
    expect(this.#positions.size).toBe(this.end)
  }

  /** The id of the place after so many entries. */
  idAt(position: number): string {
    return this.log[position - 1]?.id ?? `${this.#epoch}-0`
  }

  /** How many entries come before the place that an id names. */
  positionOf(id: string): number {
    const position = this.#positions.get(id) ?? (id === `${this.#epoch}-0` ? 0 : undefined)
    if (position === undefined) throw new Error(`No position: ${id}`)
    return position
  }

  /** An id to begin after that names no position. */
  badId(kind: 'malformed' | 'foreign' | 'future'): string {
    return { malformed: 'no id', foreign: 'abc-1', future: `${this.#epoch}-${this.end + 7}` }[kind]
  }

  /** Bytes of the events between two places. */
  lengthOf(from: number, to: number): number {
    return this.log.slice(from, to).reduce((sum, { length }) => sum + length, 0)
  }

  /** The places of the entries that a minimum level lets through. */
  matching(from: number, to: number, level: Level | undefined): number[] {
    const rank = levelRank(level ?? 'trace')
    const places: number[] = []
    for (let place = from; place < to; place++) {
      if (levelRank(this.log[place]?.level as Level) >= rank) places.push(place)
    }
    return places
  }
}

/** One client, through any number of connections: it resumes from the last id it had. */
export class ModelClient {
  readonly #model: LogModel
  readonly #level: Level | undefined
  /** Whether it takes everything as it comes. */
  readonly greedy: boolean
  /** Whether being told of a `slow` gap, from a place on, is right now. Receiving none at all always is. */
  readonly #mayLose: (client: ModelClient) => boolean
  #connection: { iterator: AsyncIterator<StreamItem, undefined>; stop: AbortController } | undefined
  #firstGap: FirstGap | undefined
  #lastId: string | undefined
  #failure: unknown
  /** The place up to which it has accounted for everything. */
  at = 0
  /** How many entries of the next batch it gets before it is cut off. */
  cutAfter: number | undefined
  /** Whether it has asked for an item that has not come. */
  waiting = false
  /** Items received, over all connections. */
  items = 0

  constructor(model: LogModel, level: Level | undefined, greedy: boolean, mayLose: (client: ModelClient) => boolean) {
    this.#model = model
    this.#level = level
    this.greedy = greedy
    this.#mayLose = mayLose
  }

  get connected(): boolean {
    return this.#connection !== undefined
  }

  /** Whether nothing is left that it should be given. */
  get complete(): boolean {
    return this.#firstGap === undefined && this.#model.matching(this.at, this.#model.end, this.#level).length === 0
  }

  /** Connects as a new client. */
  begin(source: LogSource, begin: Begin): Promise<void> {
    if ('tail' in begin) return this.#connect(source, undefined, begin.tail)
    const { after } = begin
    return this.#connect(
      source,
      typeof after === 'number' ? this.#model.idAt(after % (this.#model.end + 1)) : this.#model.badId(after),
      3,
    )
  }

  /** Connects again, after the last id that it had. */
  resume(source: LogSource): Promise<void> {
    this.leave()
    return this.#connect(source, this.#lastId, 0)
  }

  leave(): void {
    this.#connection?.stop.abort()
    this.#connection = undefined
    this.waiting = false
    this.cutAfter = undefined
  }

  /** Asks for an item, unless it waits for one. Of a batch it may get only the first so many entries, and is cut off there. */
  take(cutAfter?: number): void {
    this.cutAfter = cutAfter
    const connection = this.#connection
    if (connection === undefined || this.waiting) return
    this.waiting = true
    connection.iterator.next().then(
      async ({ value, done }) => {
        // Whoever watches may have an entry before whoever wrote it has the answer.
        await this.#model.answered
        if (this.#connection !== connection) return
        this.waiting = false
        if (done) this.#connection = undefined
        else this.#try(() => this.#receive(value))
        if (this.greedy) this.take()
      },
      (error: unknown) => {
        this.#failure ??= error
      },
    )
  }

  /** Throws what went wrong since. */
  check(): void {
    if (this.#failure !== undefined) throw this.#failure
  }

  async #connect(source: LogSource, after: string | undefined, tail: number): Promise<void> {
    const stop = new AbortController()
    const filter = this.#level === undefined ? undefined : { level: this.#level }
    const subscription = await source.subscribe({ after, tail, filter, signal: stop.signal, maxClients: 100 })
    const { kept, end } = this.#model
    this.#lastId = after
    let resumed = false
    if (after === undefined) {
      const places = this.#model.matching(kept, end, this.#level)
      this.at = this.#model.positionOf(subscription.id as string)
      expect(this.#model.matching(this.at, end, this.#level)).toEqual(tail === 0 ? [] : places.slice(-tail))
    } else {
      let position = Number.NaN
      try {
        position = this.#model.positionOf(after)
      } catch {
        this.#firstGap = { reason: 'restarted', dropped: null, id: this.#model.idAt(kept) }
      }
      if (!Number.isNaN(position)) {
        resumed = true
        this.at = position
        const dropped = kept - position
        this.#firstGap = dropped > 0 ? { reason: 'evicted', dropped, id: this.#model.idAt(kept) } : undefined
        if (dropped <= 0) expect(subscription.id).toBe(after)
      }
    }
    expect(subscription.resumed).toBe(resumed)
    expect(subscription.id === undefined).toBe(this.#firstGap !== undefined)
    this.#lastId = subscription.id ?? after
    this.#connection = { iterator: subscription[Symbol.asyncIterator](), stop }
    if (this.greedy) this.take()
  }

  #try(receive: () => void): void {
    try {
      receive()
    } catch (error) {
      this.#failure ??= error
      this.leave()
    }
  }

  #receive(item: StreamItem): void {
    this.items++
    if (item.type === 'batch') expect(item.count).toBe(item.entries().length)
    if (this.#firstGap !== undefined) this.#receiveFirstGap(item, this.#firstGap)
    else if (item.type === 'batch') this.#receiveBatch(item.entries(), item.id)
    else this.#receivePosition(item)
  }

  #receivePosition(item: Gap | Checkpoint): void {
    const to = this.#model.positionOf(item.id)
    expect(to).toBeGreaterThan(this.at)
    let passedTo = to
    if (item.type === 'gap') {
      expect(item).toMatchObject({ reason: 'slow', dropped: expect.any(Number) })
      expect(this.#mayLose(this), 'a gap without need').toBe(true)
      expect(to).toBeLessThanOrEqual(this.#model.kept)
      passedTo -= item.dropped as number
      expect(passedTo).toBeGreaterThanOrEqual(this.at)
    }
    expect(this.#model.matching(this.at, passedTo, this.#level), 'entries that match were passed by').toEqual([])
    this.at = to
    this.#lastId = item.id
  }

  #receiveFirstGap(item: StreamItem, expected: FirstGap): void {
    expect(item).toMatchObject({ type: 'gap', reason: expected.reason })
    const to = this.#model.positionOf(item.id)
    // What it says was fixed when the client came, unless it had to be asked for again.
    if (this.#mayLose(this)) {
      const dropped = expected.dropped === null ? null : to - this.at
      expect(item).toMatchObject({ dropped })
      expect(to).toBeGreaterThanOrEqual(this.#model.positionOf(expected.id))
      expect(to).toBeLessThanOrEqual(this.#model.kept)
    } else expect(item).toEqual({ type: 'gap', ...expected })
    this.at = to
    this.#lastId = item.id
    this.#firstGap = undefined
  }

  #receiveBatch(entries: readonly StoredEntry[], id: string): void {
    expect(entries.length).toBeGreaterThan(0)
    expect(id).toBe(entries.at(-1)?.id)
    const to = this.#model.positionOf(id)
    const due = this.#model.matching(this.at, to, this.#level).map((place) => this.#model.log[place] as Appended)
    const pick = ({ id, level, message }: Pick<StoredEntry, 'id' | 'level' | 'message'>) => `${id} ${level} ${message}`
    expect(entries.map(pick)).toEqual(due.map(pick))
    const { cutAfter = entries.length } = this
    const last = entries[Math.min(cutAfter, entries.length) - 1]
    if (last !== undefined) {
      this.#lastId = last.id
      this.at = this.#model.positionOf(last.id)
    }
    if (cutAfter < entries.length) this.leave()
  }
}
