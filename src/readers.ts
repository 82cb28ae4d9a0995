/**
 * The readers of a ring. Each is a cursor with at most one promise that waits; it holds no queue, so a reader that takes
 * nothing costs nothing, and one that falls behind the window is told so.
 */
import { ClientCount } from './client-count.ts'
import { compileFilter, type Filter } from './filter/filter.ts'
import type { Ring } from './ring.ts'
import type { Gap, StreamItem, SubscribeOptions, Subscription } from './source.ts'

/** How often a filtered reader is told its position while entries pass it by, in milliseconds. */
export const CHECKPOINT_MS = 5000

type Result = IteratorResult<StreamItem, undefined>

/** All readers of one ring. */
export class Readers {
  readonly #ring: Ring
  readonly #readers = new Set<Reader>()
  readonly #clients = new ClientCount()
  #closing = false
  #checkpoint: ReturnType<typeof setTimeout> | undefined

  constructor(ring: Ring) {
    this.#ring = ring
  }

  /** Readers that count as clients. */
  get clients(): number {
    return this.#clients.total
  }

  /** Opens a reader at a place that is fixed now. */
  open(options: SubscribeOptions): Subscription {
    const { signal } = options
    const leave = this.#clients.enter(options)
    const reader = new Reader(this.#ring, options, {
      isClosing: () => this.#closing,
      onPassed: () => this.#scheduleCheckpoint(),
      onEnd: () => {
        this.#readers.delete(reader)
        leave()
      },
    })
    this.#readers.add(reader)
    if (signal.aborted) reader.end()
    else signal.addEventListener('abort', reader.end, { once: true })
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

  /** Ends every reader once it has all that was published. */
  close(): void {
    this.#closing = true
    if (this.#checkpoint !== undefined) clearTimeout(this.#checkpoint)
    this.wake()
  }

  /** One timer for all, running only while a filtered reader has passed entries by. */
  #scheduleCheckpoint(): void {
    if (this.#closing) return
    this.#checkpoint ??= setTimeout(() => {
      this.#checkpoint = undefined
      for (const reader of this.#readers) reader.tellPosition()
    }, CHECKPOINT_MS)
  }
}

interface Owner {
  isClosing(): boolean
  onPassed(): void
  onEnd(): void
}

class Reader implements Subscription, AsyncIterator<StreamItem, undefined> {
  readonly resumed: boolean
  readonly id: string | undefined
  /** The record it wants next. */
  cursor: number
  readonly #ring: Ring
  readonly #owner: Owner
  readonly #filter: Filter
  readonly #signal: AbortSignal
  #gap: Gap | undefined
  /** The position that the client last heard of: behind the cursor when entries passed by after the last that it got. */
  #told: string
  #resolve: ((result: Result) => void) | undefined
  #ended = false

  constructor(ring: Ring, { after, tail = 0, filter, signal }: SubscribeOptions, owner: Owner) {
    this.#ring = ring
    this.#owner = owner
    this.#filter = compileFilter(filter)
    this.#signal = signal
    const start = ring.locate(after, tail, this.#filter)
    this.cursor = start.next
    this.#told = ring.positionBefore(start.next)
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
    if (this.#owner.isClosing()) this.end()
    if (this.#ended) return Promise.resolve({ done: true, value: undefined })
    if (this.#position !== this.#told) this.#owner.onPassed()
    return new Promise((resolve) => {
      this.#resolve = resolve
    })
  }

  return(): Promise<Result> {
    this.end()
    return Promise.resolve({ done: true, value: undefined })
  }

  /** Answers the waiting `next`, if there is something to answer it with. */
  wake(): void {
    if (this.#resolve === undefined) return
    const item = this.#take()
    if (item !== undefined) this.#answer({ done: false, value: item })
    else if (this.#owner.isClosing()) this.end()
    else if (this.#position !== this.#told) this.#owner.onPassed()
  }

  tellPosition(): void {
    const id = this.#position
    if (this.#resolve === undefined || id === this.#told) return
    this.#told = id
    this.#answer({ done: false, value: { type: 'checkpoint', id } })
  }

  /** Bound, since it is also the listener of the signal. */
  readonly end = (): void => {
    if (this.#ended) return
    this.#ended = true
    this.#signal.removeEventListener('abort', this.end)
    this.#owner.onEnd()
    this.#answer({ done: true, value: undefined })
  }

  #take(): StreamItem | undefined {
    if (this.#ended) return undefined
    if (this.#gap !== undefined) {
      const gap = this.#gap
      this.#gap = undefined
      return gap
    }
    const overtaken = this.#ring.overtaken(this.cursor)
    if (overtaken !== undefined) {
      this.cursor = overtaken.next
      this.#told = overtaken.gap.id
      return overtaken.gap
    }
    for (;;) {
      const reading = this.#ring.read(this.cursor, this.#filter)
      if (reading === undefined) return undefined
      this.cursor = reading.next
      if (reading.batch === undefined) continue
      this.#told = reading.batch.id
      return reading.batch
    }
  }

  /** The position before the record that it wants next. */
  get #position(): string {
    return this.#ring.positionBefore(this.cursor)
  }

  #answer(result: Result): void {
    const resolve = this.#resolve
    this.#resolve = undefined
    resolve?.(result)
  }
}
