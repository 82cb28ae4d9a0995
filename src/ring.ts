/**
 * A bounded window of records. It knows nothing of who reads: a reader is a number, the next record it wants, and what one
 * reader was given at a place is shared by all that stand there with the same filter.
 *
 * Three places matter. `head` is the last record appended. `published` is the last one that readers may take; it follows
 * `head` at each flush, so that readers stay together and share batches. `kept` is the oldest record that a new reader may
 * get; older ones are held only while a connected reader has still to take them.
 */
import type { Filter } from './filter.ts'
import { type LogEntry, type LogRecord, parseRecord } from './log.ts'
import { type Overtaken, Positions, type Start } from './positions.ts'
import type { HistoryPage, HistoryQuery, LogBatch, StoredEntry } from './source.ts'
import { createBatch, encodeLog, newEpoch } from './sse.ts'

/**
 * Most bytes in one batch. A reader that takes nothing pins up to three of them on its way out, so a thousand such readers
 * cost at most about 200 MB, and only if no two stand at the same place.
 */
export const MAX_BATCH_BYTES: number = 64 * 1024

/** Most bytes of a page of the past: an answer is built in memory, and a Worker has 128 MB for all its requests. */
export const MAX_PAGE_BYTES: number = 8 * 1024 * 1024

/** Most bytes held beyond the retention for connected readers that have still to take them. */
export const MAX_LATE_BYTES: number = 16 * 1024 * 1024

/** About what an entry takes on the heap beside its text, in bytes: short ones are mostly this. */
export const ENTRY_BYTES = 200

/** Most batches remembered between two flushes, for readers that come at many different places. */
const MAX_SHARED = 64

/** What a ring keeps. */
export interface RingOptions {
  /** Most records kept for new readers. */
  readonly retain: number
  /** Most characters of JSON text kept for new readers; one record is kept in any case. */
  readonly retainBytes: number
  /** The history that a ring before a store is a part of. @default a new one */
  readonly epoch?: string
  /** The last record before the first that is taken. @default 0 */
  readonly head?: number
}

/** A record in its place. */
interface Slot {
  readonly id: string
  readonly json: string
  /** Let go once its readers had it: what is kept for later is kept as text, which costs the collector nothing. */
  entry: LogEntry | undefined
  /** What it takes, in UTF-16 units. */
  readonly size: number
  /** The key of the append that ended with this record. */
  readonly key?: string | undefined
}

/** What a reader gets at a place, and the record it wants next. */
export interface Reading {
  /** Undefined when no record matched. */
  readonly batch: LogBatch | undefined
  readonly next: number
}

/** A bounded window of records with sequence numbers from 1. */
export class Ring {
  readonly #positions: Positions
  readonly #options: RingOptions
  readonly #shared = new Map<string, Reading>()
  /** The answers of appends by their key. */
  readonly #answers = new Map<string, string>()
  /** Slots by sequence, `#first` at index `#offset`; those before it are free. */
  #slots: (Slot | undefined)[] = []
  #offset = 0
  #first = 1
  #kept = 1
  #keptBytes = 0
  #lateBytes = 0
  #head = 0
  #published = 0
  /** The first record whose entry is still held. */
  #held = 1

  constructor(options: RingOptions) {
    const { epoch = newEpoch(), head = 0 } = options
    this.#options = options
    this.#positions = new Positions(epoch)
    this.#head = head
    this.#published = head
    this.#first = head + 1
    this.#kept = head + 1
    this.#held = head + 1
  }

  /** How many records a new reader may get. */
  get size(): number {
    return this.#head - this.#kept + 1
  }

  /** Takes records in order and returns their ids. */
  append(records: readonly LogRecord[]): string[] {
    return records.map((record) => this.#add(record))
  }

  /** Takes records unless the key was used, and returns the answer of its first use. */
  appendOnce(key: string, records: readonly LogRecord[], answer: string): string {
    const first = this.#answers.get(key)
    if (first !== undefined) return first
    this.#answers.set(key, answer)
    this.append(records.slice(0, -1))
    // The key goes with the last record, and counts for the retention like it.
    for (const record of records.slice(-1)) this.#add(record, key, key.length + answer.length)
    return answer
  }

  /** Lets readers take all that was appended. */
  publish(): void {
    for (let sequence = Math.max(this.#held, this.#first); sequence <= this.#published; sequence++) {
      this.#at(sequence).entry = undefined
    }
    this.#held = this.#published + 1
    this.#published = this.#head
    this.#shared.clear()
  }

  /** What stands at a place for a filter; undefined when all that is published was read. */
  read(next: number, filter: Filter): Reading | undefined {
    if (next > this.#published) return undefined
    const key = `${next} ${filter.key}`
    let reading = this.#shared.get(key)
    if (reading === undefined) {
      if (this.#shared.size >= MAX_SHARED) this.#shared.clear()
      reading = this.#encode(next, filter)
      this.#shared.set(key, reading)
    }
    return reading
  }

  /** What a reader that was overtaken must be told, and where it goes on. */
  overtaken(next: number): Overtaken | undefined {
    return this.#positions.overtaken(next, this.#first)
  }

  /** Where a reader starts that resumes after an id, or wants the last `tail` records that match. */
  locate(after: string | undefined, tail: number, filter: Filter): Start {
    if (after !== undefined) return this.#positions.resume(after, this.#kept, this.#head)
    return { next: this.#tailStart(tail, filter), gap: undefined, resumed: false }
  }

  /** The id of the place before a record. */
  positionBefore(next: number): string {
    return this.#positions.before(next)
  }

  /** A page of the past. */
  history({ before, tail }: HistoryQuery, filter: Filter): HistoryPage {
    const entries: StoredEntry[] = []
    let bytes = 0
    // Nothing stands before a place that is not known here.
    let sequence = before === undefined ? this.#head : (this.#positions.sequenceOf(before, this.#head) ?? 0) - 1
    for (; sequence >= this.#kept && entries.length < tail && bytes < MAX_PAGE_BYTES; sequence--) {
      const slot = this.#at(sequence)
      const entry = entryOf(slot)
      if (!filter.matches(entry)) continue
      entries.push({ id: slot.id, ...entry })
      bytes += slot.json.length
    }
    return { entries: entries.reverse(), before: sequence >= this.#kept ? this.positionBefore(sequence + 2) : null }
  }

  /** Lets go of what retention does not keep, except for what a connected reader still wants, within a bound. */
  release(oldestWanted: number): void {
    while (this.#first < this.#kept && (this.#first < oldestWanted || this.#lateBytes > MAX_LATE_BYTES)) {
      this.#lateBytes -= this.#at(this.#first).size + ENTRY_BYTES
      this.#slots[this.#offset++] = undefined
      this.#first++
    }
    // Moving the rest costs as much as what was freed, so each record is moved once at the most.
    if (this.#offset > 1024 && this.#offset * 2 > this.#slots.length) {
      this.#slots = this.#slots.slice(this.#offset)
      this.#offset = 0
    }
  }

  #add({ entry, json }: LogRecord, key?: string, extra = 0): string {
    const id = this.#positions.idOf(++this.#head)
    const size = json.length + extra
    this.#slots.push({ entry, json, id, size, key })
    this.#keptBytes += size
    this.#retire()
    return id
  }

  #at(sequence: number): Slot {
    return this.#slots[sequence - this.#first + this.#offset] as Slot
  }

  #retire(): void {
    const { retain, retainBytes } = this.#options
    while (this.size > retain || (this.#keptBytes > retainBytes && this.size > 1)) {
      const { size, key } = this.#at(this.#kept++)
      this.#keptBytes -= size
      this.#lateBytes += size + ENTRY_BYTES
      if (key !== undefined) this.#answers.delete(key)
    }
    // Not only at a flush: a turn may append without end before the next one comes.
    if (this.#lateBytes > MAX_LATE_BYTES) this.release(0)
  }

  #encode(from: number, filter: Filter): Reading {
    let events = ''
    let last: string | undefined
    let next = from
    for (; next <= this.#published && events.length < MAX_BATCH_BYTES; next++) {
      const slot = this.#at(next)
      if (filter.key !== '' && !filter.matches(entryOf(slot))) continue
      events += encodeLog(slot.json, slot.id)
      last = slot.id
    }
    return { batch: last === undefined ? undefined : createBatch(events, last), next }
  }

  #tailStart(tail: number, filter: Filter): number {
    if (filter.key === '') return Math.max(this.#kept, this.#head + 1 - tail)
    let start = this.#head + 1
    for (let sequence = this.#head; sequence >= this.#kept && tail > 0; sequence--) {
      if (!filter.matches(entryOf(this.#at(sequence)))) continue
      start = sequence
      tail--
    }
    return start
  }
}

function entryOf({ entry, json }: Slot): LogEntry {
  return entry ?? parseRecord(json).entry
}
