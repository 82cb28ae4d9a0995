/**
 * What a relay knows of the log: the last entries that the room gave it, and for everything older a way to ask. Each question is
 * asked once for all watchers at the same place.
 */
import { type Row, readRows } from '../batch-store.ts'
import { compileFilter, type FilterQuery } from '../filter/filter.ts'
import { type Overtaken, Positions, type Start } from '../positions.ts'
import type { Reading } from '../ring.ts'
import { batchFromBytes } from '../sse.ts'
import type { Fetched, Update } from './relay-link.ts'
import type { WatchedWindow } from './watchers.ts'

/** Most characters of entries that are held for those who come back or fall behind; what is older is in the room. */
const MAX_HELD_LENGTH = 4 * 1024 * 1024

/** Most answers of the room that are remembered until the next entry. */
const MAX_SHARED = 64

/** What survives a sleep. */
export interface RelayHead {
  readonly epoch: string
  readonly kept: number
  readonly head: number
}

/** How the room is asked for what is not here. */
export interface RoomQuestions {
  /** As in `RoomOfRelays`. */
  readFor(next: number, filter: FilterQuery, last: number): Promise<Fetched>
  /** As in `RoomOfRelays`. */
  tailStartFor(tail: number, filter: FilterQuery, head: number): Promise<number>
}

/** The entries of a relay. */
export class RelayWindow implements WatchedWindow {
  readonly #ask: RoomQuestions
  readonly #shared = new Map<string, Promise<unknown>>()
  #positions: Positions
  #kept: number
  #head: number
  /** Without a hole, up to the head. */
  #rows: Row[] = []
  #length = 0

  constructor({ epoch, kept, head }: RelayHead, ask: RoomQuestions) {
    this.#ask = ask
    this.#positions = new Positions(epoch)
    this.#kept = kept
    this.#head = head
  }

  get epoch(): string {
    return this.#positions.epoch
  }

  get head(): number {
    return this.#head
  }

  /** The oldest entry that a new reader may get. */
  get kept(): number {
    return this.#kept
  }

  /** Takes what the room has told. What is here already is passed over; what is missing before it is asked for when it is wanted. */
  add({ epoch, kept, first, lines }: Update): void {
    if (epoch !== this.epoch) {
      this.#positions = new Positions(epoch)
      this.#kept = kept
      this.#head = first - 1
      this.#clear()
    }
    this.#kept = Math.max(this.#kept, kept)
    const head = first + lines.length - 1
    if (head <= this.#head) return
    if (first > this.#head + 1) this.#clear()
    const from = Math.max(first, this.#head + 1)
    this.#head = head
    this.#shared.clear()
    if (from > head) return
    const row = { first: from, lines: lines.slice(from - first) }
    this.#rows.push(row)
    this.#length += lengthOf(row)
    while (this.#length > MAX_HELD_LENGTH && this.#rows.length > 1) this.#length -= lengthOf(this.#rows.shift() as Row)
  }

  read(next: number, filter: FilterQuery): Reading | Promise<Reading | Overtaken> | undefined {
    if (next > this.#head) return undefined
    const first = this.#rows[0]?.first ?? this.#head + 1
    if (next < first) return this.#fetch(next, filter, first - 1)
    const index = this.#rows.findLastIndex((row) => row.first <= next)
    return readRows(this.#rows.slice(index), next, compileFilter(filter), (sequence) => this.#positions.idOf(sequence))
  }

  /** Where a reader starts that comes when all that the room has is here. */
  async locate(after: string | undefined, tail: number, filter: FilterQuery): Promise<Start> {
    if (after !== undefined) return this.#positions.resume(after, this.#kept, this.#head)
    return { next: await this.#tailStart(tail, filter), gap: undefined, resumed: false }
  }

  positionBefore(next: number): string {
    return this.#positions.before(next)
  }

  #tailStart(tail: number, filter: FilterQuery): number | Promise<number> {
    const { key } = compileFilter(filter)
    const head = this.#head
    if (tail === 0) return head + 1
    if (key === '') return Math.max(this.#kept, head + 1 - tail)
    return this.#share(`${tail} ${key}`, () => this.#ask.tailStartFor(tail, filter, head))
  }

  #fetch(next: number, filter: FilterQuery, last: number): Promise<Reading | Overtaken> {
    return this.#share(`${next}-${last} ${compileFilter(filter).key}`, async () => {
      const fetched = await this.#ask.readFor(next, filter, last)
      if ('gap' in fetched) return fetched
      const { batch } = fetched
      return { next: fetched.next, batch: batch && batchFromBytes(batch.bytes, batch.id, batch.count) }
    })
  }

  #share<Answer>(key: string, ask: () => Promise<Answer>): Promise<Answer> {
    const known = this.#shared.get(key) as Promise<Answer> | undefined
    if (known !== undefined) return known
    const answer = ask()
    this.#shared.set(key, answer)
    // Whoever waits for it is told; whoever comes later asks again.
    answer.catch(() => {
      if (this.#shared.get(key) === answer) this.#shared.delete(key)
    })
    if (this.#shared.size > MAX_SHARED) this.#shared.delete(this.#shared.keys().next().value as string)
    return answer
  }

  #clear(): void {
    this.#rows = []
    this.#length = 0
    this.#shared.clear()
  }
}

function lengthOf({ lines }: Row): number {
  return lines.reduce((sum, line) => sum + line.length, 0)
}
