/**
 * Which of the held entries are shown, and on which row: those of the chosen levels and range, repeats on one row. Kept up
 * with each entry that comes or goes; made anew when the choice changes.
 */
import { isRepeat } from '../wire/columns.ts'
import { GAP } from '../wire/protocol.ts'
import type { EntryStore } from './store.ts'

/** What is shown. */
export interface RowChoice {
  /** A bit for each level; 0 shows all. */
  readonly levels: number
  /** From and to, in milliseconds since the epoch, both included. */
  readonly range: readonly [number, number] | undefined
  /** Puts entries that repeat the one before on its row. */
  readonly collapse: boolean
}

/** The rows of a store. */
export class Rows {
  readonly #store: EntryStore
  #choice: RowChoice
  /** By row: position of the last entry on it. */
  #lasts: number[] = []
  /** By row: entries on it. */
  #counts: number[] = []
  /** Rows that are gone from the front of the arrays, and not yet cut off. */
  #gone = 0
  /** Rows gone since the rows were made, so that a row keeps a number of its own. */
  removed = 0
  #from: number
  #next: number

  constructor(store: EntryStore, choice: RowChoice) {
    this.#store = store
    this.#choice = choice
    this.#from = store.start
    this.#next = store.start
    this.grow()
  }

  get length(): number {
    return this.#lasts.length - this.#gone
  }

  get choice(): RowChoice {
    return this.#choice
  }

  /** Position of the entry that a row shows: the last one of those on it. */
  position(row: number): number {
    return this.#lasts[row + this.#gone] ?? this.#store.start
  }

  /** Entries on a row. */
  count(row: number): number {
    return this.#counts[row + this.#gone] ?? 0
  }

  /** Takes what was appended to the store. */
  grow(): void {
    const store = this.#store
    if (this.#next < store.start) this.#next = store.start
    for (; this.#next < store.end; this.#next++) this.#add(this.#next)
    this.#trim()
  }

  /** Makes the rows anew, for another choice or when entries were put in front. */
  remake(choice: RowChoice = this.#choice): void {
    this.#choice = choice
    this.#lasts = []
    this.#counts = []
    this.#gone = 0
    this.removed = 0
    this.#from = this.#next = this.#store.start
    this.grow()
  }

  /** The row that shows a position, or the nearest after it that shows one; `length` when there is none. */
  rowAt(position: number): number {
    let low = 0
    let high = this.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.position(middle) < position) low = middle + 1
      else high = middle
    }
    return low
  }

  /** Whether an entry is among those shown. */
  shows(position: number): boolean {
    const { levels, range } = this.#choice
    const level = this.#store.level(position)
    if (level === GAP) return true
    if (levels !== 0 && (levels & (1 << level)) === 0) return false
    if (range === undefined) return true
    const time = this.#store.time(position)
    return time >= range[0] && time <= range[1]
  }

  #add(position: number): void {
    if (!this.shows(position)) return
    const store = this.#store
    const last = this.#lasts.length - 1
    const before = this.#lasts[last]
    if (
      this.#choice.collapse &&
      before !== undefined &&
      before >= store.start &&
      store.signature(before) === store.signature(position) &&
      store.level(position) !== GAP &&
      isRepeat(store.line(before), store.line(position))
    ) {
      this.#lasts[last] = position
      this.#counts[last] = (this.#counts[last] ?? 0) + 1
    } else {
      this.#lasts.push(position)
      this.#counts.push(1)
    }
  }

  #trim(): void {
    const { start } = this.#store
    if (start === this.#from) return
    this.#from = start
    while (this.#gone < this.#lasts.length && (this.#lasts[this.#gone] as number) < start) {
      this.#gone++
      this.removed++
    }
    // Moving the rest costs as much as what was freed, so each is moved once at the most.
    if (this.#gone > 1024 && this.#gone * 2 > this.#lasts.length) {
      this.#lasts = this.#lasts.slice(this.#gone)
      this.#counts = this.#counts.slice(this.#gone)
      this.#gone = 0
    }
  }
}
