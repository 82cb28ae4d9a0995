/**
 * A bounded window of records. It knows nothing of who reads: a reader is a number, the next record it wants, and what one
 * reader was given at a place is shared by all that stand there with the same filter.
 *
 * Three places matter. `head` is the last record appended. `published` is the last one that readers may take; it follows
 * `head` at each flush, so that readers stay together and share batches. `kept` is the oldest record that a new reader may
 * get; older ones are held only while a connected reader has still to take them.
 */
import type { Filter } from './filter/filter.ts'
import type { LogRecord } from './log.ts'
import type { Flushed } from './pacer.ts'
import { type Overtaken, Positions, type Start } from './positions.ts'
import {
  bytesIn,
  concat,
  encodeSegments,
  endOf,
  entryOf,
  eventOf,
  joinSegments,
  MAX_BATCH_BYTES,
  offsetOf,
  type Segment,
} from './segment.ts'
import type { HistoryPage, HistoryQuery, LogBatch, StoredEntry } from './source.ts'
import { batchFromBytes, newEpoch } from './sse.ts'

/** Most bytes of a page of the past: an answer is built in memory, and a Worker has 128 MB for all its requests. */
export const MAX_PAGE_BYTES: number = 8 * 1024 * 1024

/** Most bytes of events held beyond the retention for connected readers that have still to take them. */
export const MAX_LATE_BYTES: number = 16 * 1024 * 1024

/** Most batches remembered between two flushes, for readers that come at many different places. */
const MAX_SHARED = 64

/** Flushes whose time is remembered: one who is further behind is not live. */
const MAX_FLUSHES = 256

/** Records that were published together. */
interface Flush {
  readonly first: number
  /** When that one was appended, by `performance.now()`. */
  readonly appended: number
}

/** What a ring keeps. */
export interface RingOptions {
  /** Most records kept for new readers. */
  readonly retain: number
  /** Most bytes of their events kept for new readers; one record is kept in any case. */
  readonly retainBytes: number
  /** The history that a ring before a store is a part of. @default a new one */
  readonly epoch?: string
  /** The last record before the first that is taken. @default 0 */
  readonly head?: number
}

/** The answer of an append that came with a key. */
interface Answer {
  readonly answer: string
  /** The last record that it appended, with which it goes. */
  readonly sequence: number
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
  /** By key, oldest first. */
  readonly #answers = new Map<string, Answer>()
  /** All that is held, oldest first. None has both what is published and what is not. */
  #segments: Segment[] = []
  #kept: number
  #keptBytes = 0
  #lateBytes = 0
  #head: number
  #published: number
  /** The first record whose entry is still held. */
  #fresh: number
  /** The last flushes, oldest first. */
  #flushes: Flush[] = []
  /** When the first record was appended that is not published yet, by `performance.now()`. */
  #waitingSince = 0

  constructor(options: RingOptions) {
    const { epoch = newEpoch(), head = 0 } = options
    this.#options = options
    this.#positions = new Positions(epoch)
    this.#head = head
    this.#published = head
    this.#kept = head + 1
    this.#fresh = head + 1
  }

  /** How many records a new reader may get. */
  get size(): number {
    return this.#head - this.#kept + 1
  }

  /** What new readers may get, in bytes. */
  get bytes(): number {
    return this.#keptBytes
  }

  /** The last record. */
  get head(): number {
    return this.#head
  }

  /** Takes records in order and returns their ids. */
  append(records: readonly LogRecord[]): string[] {
    const first = this.#head + 1
    if (this.#head === this.#published) this.#waitingSince = performance.now()
    const ids = records.map((_, index) => this.#positions.idOf(first + index))
    for (const segment of encodeSegments(records, first, ids)) {
      this.#segments.push(segment)
      this.#keptBytes += segment.bytes.length
    }
    this.#head += records.length
    this.#retire()
    return ids
  }

  /** Takes records unless the key was used, and returns the answer of its first use. */
  appendOnce(key: string, records: readonly LogRecord[], answer: string): string {
    const first = this.#answers.get(key)
    if (first !== undefined) return first.answer
    this.#answers.set(key, { answer, sequence: this.#head + records.length })
    this.#keptBytes += key.length + answer.length
    this.append(records)
    return answer
  }

  /** Lets readers take all that was appended. */
  publish(): Flushed {
    const entries = this.#head - this.#published
    const after = (sequence: number): number => this.#indexOf(sequence) + 1
    const old = this.#segments.slice(0, after(this.#published))
    for (let index = this.#indexOf(this.#fresh); index >= 0 && index < old.length; index++) {
      ;(old[index] as Segment).records = undefined
    }
    settle(old)
    const fresh = gather(this.#segments.slice(after(this.#published)))
    this.#segments = [...old, ...fresh]
    this.#fresh = this.#published + 1
    if (this.#head > this.#published) {
      if (this.#flushes.length >= MAX_FLUSHES) this.#flushes.shift()
      this.#flushes.push({ first: this.#fresh, appended: this.#waitingSince })
    }
    this.#published = this.#head
    this.#shared.clear()
    return { entries, bytes: bytesIn(fresh) }
  }

  /** What stands at a place for a filter; undefined when all that is published was read. */
  read(next: number, filter: Filter): Reading | undefined {
    if (next > this.#published) return undefined
    const key = `${next} ${filter.key}`
    let reading = this.#shared.get(key)
    if (reading === undefined) {
      if (this.#shared.size >= MAX_SHARED) this.#shared.clear()
      reading = filter.key === '' ? this.#readAll(next) : this.#readSome(next, filter)
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
      const segment = this.#segmentOf(sequence)
      const entry = entryOf(segment, sequence)
      if (!filter.matches(entry)) continue
      entries.push({ id: this.#positions.idOf(sequence), ...entry })
      bytes += sizeIn(segment, sequence)
    }
    return { entries: entries.reverse(), before: sequence >= this.#kept ? this.positionBefore(sequence + 2) : null }
  }

  /** Lets go of what retention does not keep, except for what a connected reader still wants, within a bound. */
  release(oldestWanted: number): void {
    let segment = this.#segments[0]
    while (segment !== undefined && endOf(segment) <= this.#kept) {
      // Of the oldest segment a part may have been taken by all: what is left must be too much without it.
      if (endOf(segment) > oldestWanted && this.#lateBytes - segment.bytes.length <= MAX_LATE_BYTES) return
      this.#lateBytes -= segment.bytes.length
      this.#segments.shift()
      segment = this.#segments[0]
    }
  }

  /** The oldest record that is held. */
  get #first(): number {
    return this.#segments[0]?.first ?? this.#head + 1
  }

  /** The segment of a record that is held. */
  #segmentOf(sequence: number): Segment {
    return this.#segments[this.#indexOf(sequence)] as Segment
  }

  /** The index of the last segment that begins at a record or before it; -1 when there is none. */
  #indexOf(sequence: number): number {
    let from = 0
    let to = this.#segments.length
    while (from < to) {
      const middle = (from + to) >> 1
      if ((this.#segments[middle] as Segment).first <= sequence) from = middle + 1
      else to = middle
    }
    return from - 1
  }

  #retire(): void {
    const { retain, retainBytes } = this.#options
    const before = this.#kept
    let index = this.#indexOf(before)
    while (this.size > retain || (this.#keptBytes > retainBytes && this.size > 1)) {
      const segment = this.#segments[index] as Segment
      const size = sizeIn(segment, this.#kept++)
      this.#keptBytes -= size
      this.#lateBytes += size
      if (this.#kept < endOf(segment)) continue
      // The objects of a turn that appends without end would take more than all that the late bytes allow.
      segment.records = undefined
      index++
    }
    if (this.#kept === before) return
    for (const [key, { answer, sequence }] of this.#answers) {
      if (sequence >= this.#kept) break
      this.#keptBytes -= key.length + answer.length
      this.#answers.delete(key)
    }
    // Not only at a flush: a turn may append without end before the next one comes.
    if (this.#lateBytes > MAX_LATE_BYTES) this.release(0)
  }

  #readAll(from: number): Reading {
    const parts: Uint8Array[] = []
    let bytes = 0
    let next = from
    for (let index = this.#indexOf(from); next <= this.#published; index++) {
      const segment = this.#segments[index] as Segment
      const part = next === segment.first ? segment.bytes : segment.bytes.subarray(offsetOf(segment, next))
      bytes += part.length
      if (parts.length > 0 && bytes > MAX_BATCH_BYTES) break
      parts.push(part)
      next = endOf(segment)
    }
    return { batch: this.#batch(parts, next - 1, from, next - from), next }
  }

  #readSome(from: number, filter: Filter): Reading {
    const parts: Uint8Array[] = []
    let bytes = 0
    let last = 0
    let next = from
    for (let index = this.#indexOf(from); next <= this.#published && bytes < MAX_BATCH_BYTES; index++) {
      const segment = this.#segments[index] as Segment
      for (; next < endOf(segment) && bytes < MAX_BATCH_BYTES; next++) {
        if (!filter.matches(entryOf(segment, next))) continue
        const event = eventOf(segment, next)
        parts.push(event)
        bytes += event.length
        last = next
      }
    }
    return { batch: last === 0 ? undefined : this.#batch(parts, last, from, parts.length), next }
  }

  #batch(parts: readonly Uint8Array[], last: number, from: number, count: number): LogBatch {
    const { appended } = this.#flushes.findLast(({ first }) => first <= from) ?? {}
    return batchFromBytes(concat(parts), this.#positions.idOf(last), count, appended)
  }

  #tailStart(tail: number, filter: Filter): number {
    if (filter.key === '') return Math.max(this.#kept, this.#head + 1 - tail)
    let start = this.#head + 1
    for (let sequence = this.#head; sequence >= this.#kept && tail > 0; sequence--) {
      if (!filter.matches(entryOf(this.#segmentOf(sequence), sequence))) continue
      start = sequence
      tail--
    }
    return start
  }
}

/** Joins what came one by one since the last flush: it is read by all readers as one. */
function gather(segments: readonly Segment[]): Segment[] {
  const gathered: Segment[] = []
  let run: Segment[] = []
  let bytes = 0
  for (const segment of segments) {
    if (run.length > 0 && bytes + segment.bytes.length > MAX_BATCH_BYTES) {
      gathered.push(joinSegments(run))
      run = []
      bytes = 0
    }
    run.push(segment)
    bytes += segment.bytes.length
  }
  if (run.length > 0) gathered.push(joinSegments(run))
  return gathered
}

/**
 * Joins the last of what was published one by one, each time to twice the size at least, so that ten thousand lone entries
 * are few segments and no byte was copied more than a dozen times.
 */
function settle(segments: Segment[]): void {
  for (;;) {
    const [before, last] = segments.slice(-2)
    if (before === undefined || last === undefined) return
    const bytes = before.bytes.length + last.bytes.length
    if (bytes > MAX_BATCH_BYTES || before.bytes.length > 2 * last.bytes.length) return
    segments.splice(-2, 2, joinSegments([before, last]))
  }
}

/** Bytes of the event of a record. */
function sizeIn(segment: Segment, sequence: number): number {
  return offsetOf(segment, sequence + 1) - offsetOf(segment, sequence)
}
