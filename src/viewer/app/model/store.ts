/**
 * The entries that a page holds, as columns in a ring: a fixed number of slots, nothing moved when the oldest goes. A place is
 * named by its *position*, a number that stays with the entry; positions rise to the end and sink below zero for what is
 * put in front.
 */
import type { Batch } from '../wire/protocol.ts'

/** Told of what changes at the ends. */
export interface StoreObserver {
  added(position: number): void
  /** Called while the entry is still there. */
  removed(position: number): void
}

/** A bounded run of entries. */
export class EntryStore {
  readonly capacity: number
  /** Position of the oldest entry. */
  start = 0
  /** Position after the newest. */
  end = 0
  readonly #observer: StoreObserver | undefined
  readonly #ids: string[]
  readonly #lines: string[]
  readonly #times: Float64Array
  readonly #levels: Uint8Array
  readonly #signatures: Uint32Array

  constructor(capacity: number, observer?: StoreObserver) {
    this.capacity = capacity
    this.#observer = observer
    this.#ids = []
    this.#lines = []
    this.#times = new Float64Array(capacity)
    this.#levels = new Uint8Array(capacity)
    this.#signatures = new Uint32Array(capacity)
  }

  get size(): number {
    return this.end - this.start
  }

  id(position: number): string {
    return this.#ids[this.#slot(position)] ?? ''
  }

  line(position: number): string {
    return this.#lines[this.#slot(position)] ?? ''
  }

  time(position: number): number {
    return this.#times[this.#slot(position)] ?? 0
  }

  level(position: number): number {
    return this.#levels[this.#slot(position)] ?? 0
  }

  signature(position: number): number {
    return this.#signatures[this.#slot(position)] ?? 0
  }

  /** Takes rows behind the newest; the oldest make room. Returns how many went. */
  append(batch: Batch, from = 0, to: number = batch.ids.length): number {
    const { start } = this
    for (let at = from; at < to; at++) {
      if (this.size === this.capacity) {
        this.#observer?.removed(this.start)
        this.start++
      }
      this.#put(this.end, batch, at)
      this.end++
      this.#observer?.added(this.end - 1)
    }
    return this.start - start
  }

  /** Takes rows before the oldest, as far as there is room. Returns how many were taken: the newest of them. */
  prepend(batch: Batch): number {
    const taken = Math.min(batch.ids.length, this.capacity - this.size)
    for (let at = batch.ids.length - 1; at >= batch.ids.length - taken; at--) {
      this.#put(--this.start, batch, at)
      this.#observer?.added(this.start)
    }
    return taken
  }

  /** Position of an id; undefined when it is not held. */
  find(id: string): number | undefined {
    const slot = this.#ids.indexOf(id)
    if (slot < 0) return undefined
    const offset = slot - this.#slot(this.start)
    const position = this.start + (offset < 0 ? offset + this.capacity : offset)
    return position < this.end ? position : undefined
  }

  /** Rows of a stretch as a batch, for moving them to another store. */
  slice(from: number, to: number): Batch {
    const length = Math.max(0, to - from)
    const at = (index: number): number => this.#slot(from + index)
    return {
      ids: Array.from({ length }, (_, index) => this.#ids[at(index)] as string),
      times: Float64Array.from({ length }, (_, index) => this.#times[at(index)] as number),
      levels: Uint8Array.from({ length }, (_, index) => this.#levels[at(index)] as number),
      signatures: Uint32Array.from({ length }, (_, index) => this.#signatures[at(index)] as number),
      lines: Array.from({ length }, (_, index) => this.#lines[at(index)] as string),
    }
  }

  #put(position: number, batch: Batch, at: number): void {
    const slot = this.#slot(position)
    this.#ids[slot] = batch.ids[at] as string
    this.#lines[slot] = batch.lines[at] as string
    this.#times[slot] = batch.times[at] as number
    this.#levels[slot] = batch.levels[at] as number
    this.#signatures[slot] = batch.signatures[at] as number
  }

  #slot(position: number): number {
    const slot = position % this.capacity
    return slot < 0 ? slot + this.capacity : slot
  }
}
