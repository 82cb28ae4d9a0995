/**
 * The readers of a window. Each is a cursor with at most one promise that waits; it holds no queue, so a reader that takes
 * nothing costs nothing, and one that falls behind the window is told so.
 */
import { ClientCount } from './client-count.ts'
import { compileFilter, type Filter } from './filter/filter.ts'
import type { Overtaken, Start } from './positions.ts'
import type { Reading } from './ring.ts'
import type { Gap, StreamItem, SubscribeOptions, Subscription } from './source.ts'

/** How often a filtered reader is told its position while entries pass it by, in milliseconds. */
export const CHECKPOINT_MS = 5000

type Result = IteratorResult<StreamItem, undefined>

/** What readers read: a ring, or a ring before a store that has what is older. */
export interface Window {
  /**
   * What stands at a place; undefined when all that is published was read; a promise for what must be fetched first. It must
   * not reject: a reader keeps its stream while what it wants cannot be reached.
   */
  read(next: number, filter: Filter): Reading | Promise<Reading | Overtaken> | undefined
  /** What a reader that was overtaken must be told, and where it goes on. */
  overtaken(next: number): Overtaken | undefined
  /** The id of the place before an entry. */
  positionBefore(next: number): string
}

/** All readers of one window. */
export class Readers {
  readonly #window: Window
  readonly #readers = new Set<Reader>()
  readonly #clients = new ClientCount()
  #closing = false
  #checkpoint: ReturnType<typeof setTimeout> | undefined

  constructor(window: Window) {
    this.#window = window
  }

  /** Readers that count as clients. */
  get clients(): number {
    return this.#clients.total
  }

  /**
   * Opens a reader.
   *
   * @param locate - fixes its place, now
   */
  open(options: SubscribeOptions, locate: (filter: Filter) => Start): Subscription {
    const { signal } = options
    const leave = this.#clients.enter(options)
    const reader = new Reader(this.#window, options, locate, this, leave)
    this.#readers.add(reader)
    if (signal.aborted) reader.end()
    else signal.addEventListener('abort', reader, { once: true })
    return reader
  }

  /** Gives every waiting reader what was published. */
  wake(): void {
    for (const reader of this.#readers) reader.wake()
  }

  /** The oldest record that a reader still wants; infinity when there is none. */
  oldestWanted(): number {
    let oldest = Number.POSITIVE_INFINITY
    for (const { cursor } of this.#readers) if (cursor < oldest) oldest = cursor
    return oldest
  }

  /**
   * Gives every reader its place again after a part of the history was lost.
   *
   * @param relocate - from the entry that a reader wants next; undefined for one that may go on
   */
  relocate(relocate: (next: number) => Overtaken | undefined): void {
    for (const reader of this.#readers) reader.relocate(relocate)
  }

  /** Ends every reader once it has all that was published. */
  close(): void {
    this.#closing = true
    if (this.#checkpoint !== undefined) clearTimeout(this.#checkpoint)
    this.wake()
  }

  /** Whether readers end when they have all that was published. */
  get isClosing(): boolean {
    return this.#closing
  }

  /** A reader has ended. */
  left(reader: Reader): void {
    this.#readers.delete(reader)
  }

  /** A filtered reader has passed entries by. One timer for all, which runs only after that. */
  scheduleCheckpoint(): void {
    if (this.#closing) return
    this.#checkpoint ??= setTimeout(() => {
      this.#checkpoint = undefined
      for (const reader of this.#readers) reader.tellPosition()
    }, CHECKPOINT_MS)
  }
}

/** One reader. There are thousands that wait: it is an object without closures, and the listener of its own signal. */
class Reader implements Subscription, AsyncIterator<StreamItem, undefined> {
  readonly resumed: boolean
  readonly id: string | undefined
  /** The record it wants next. */
  cursor: number
  readonly #window: Window
  readonly #owner: Readers
  readonly #filter: Filter
  readonly #signal: AbortSignal
  readonly #leave: () => void
  #gap: Gap | undefined
  /** What is being fetched for it, and what was. */
  #fetching: Promise<Reading | Overtaken> | undefined
  #fetched: Reading | Overtaken | undefined
  /** The position that the client last heard of: behind the cursor when entries passed by after the last that it got. */
  #told: string
  #waiting: ((result: Result | Promise<never>) => void) | undefined
  #ended = false

  constructor(
    window: Window,
    { filter, signal }: SubscribeOptions,
    locate: (filter: Filter) => Start,
    owner: Readers,
    leave: () => void,
  ) {
    this.#window = window
    this.#owner = owner
    this.#filter = compileFilter(filter)
    this.#signal = signal
    this.#leave = leave
    const start = locate(this.#filter)
    this.cursor = start.next
    this.#told = window.positionBefore(start.next)
    this.#gap = start.gap
    this.resumed = start.resumed
    this.id = start.gap === undefined ? this.#told : undefined
  }

  [Symbol.asyncIterator](): AsyncIterator<StreamItem, undefined> {
    return this
  }

  next(): Promise<Result> {
    const item = this.#take()
    if (item !== undefined) return Promise.resolve({ done: false, value: item })
    if (this.#owner.isClosing) this.end()
    if (this.#ended) return Promise.resolve({ done: true, value: undefined })
    if (this.#position !== this.#told) this.#owner.scheduleCheckpoint()
    return new Promise((resolve) => {
      this.#waiting = resolve
    })
  }

  return(): Promise<Result> {
    this.end()
    return Promise.resolve({ done: true, value: undefined })
  }

  /** Answers the waiting `next`, if there is something to answer it with. */
  wake(): void {
    if (this.#waiting === undefined) return
    let item: StreamItem | undefined
    try {
      item = this.#take()
    } catch (error) {
      // A store may fail: that is told to whom it concerns, and keeps nobody else from being woken.
      this.#answer(Promise.reject(error))
      this.end()
      return
    }
    if (item !== undefined) this.#answer({ done: false, value: item })
    else if (this.#owner.isClosing) this.end()
    else if (this.#position !== this.#told) this.#owner.scheduleCheckpoint()
  }

  tellPosition(): void {
    const id = this.#position
    if (this.#waiting === undefined || id === this.#told) return
    this.#told = id
    this.#answer({ done: false, value: { type: 'checkpoint', id } })
  }

  relocate(relocate: (next: number) => Overtaken | undefined): void {
    const moved = relocate(this.cursor)
    if (moved === undefined) return
    this.cursor = moved.next
    this.#told = moved.gap.id
    this.#gap = moved.gap
    this.#fetching = undefined
    this.#fetched = undefined
  }

  /** Of its signal. */
  handleEvent(): void {
    this.end()
  }

  end(): void {
    if (this.#ended) return
    this.#ended = true
    this.#signal.removeEventListener('abort', this)
    this.#owner.left(this)
    this.#leave()
    this.#answer({ done: true, value: undefined })
  }

  #take(): StreamItem | undefined {
    if (this.#ended) return undefined
    if (this.#gap !== undefined) {
      const gap = this.#gap
      this.#gap = undefined
      return gap
    }
    if (this.#fetching !== undefined) return undefined
    const overtaken = this.#window.overtaken(this.cursor)
    if (overtaken !== undefined) return this.#skip(overtaken)
    for (;;) {
      const reading = this.#fetched ?? this.#window.read(this.cursor, this.#filter)
      this.#fetched = undefined
      if (reading === undefined) return undefined
      if (reading instanceof Promise) {
        this.#fetch(reading)
        return undefined
      }
      if ('gap' in reading) return this.#skip(reading)
      this.cursor = reading.next
      if (reading.batch === undefined) continue
      this.#told = reading.batch.id
      return reading.batch
    }
  }

  #skip({ next, gap }: Overtaken): Gap {
    this.cursor = next
    this.#told = gap.id
    return gap
  }

  #fetch(reading: Promise<Reading | Overtaken>): void {
    this.#fetching = reading
    reading.then((fetched) => {
      // Otherwise it was given another place meanwhile.
      if (this.#fetching !== reading) return
      this.#fetching = undefined
      this.#fetched = fetched
      this.wake()
    })
  }

  /** The position before the record that it wants next. */
  get #position(): string {
    return this.#window.positionBefore(this.cursor)
  }

  #answer(result: Result | Promise<never>): void {
    const waiting = this.#waiting
    this.#waiting = undefined
    waiting?.(result)
  }
}
