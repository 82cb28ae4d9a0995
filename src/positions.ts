/** Places in one history: from ids to sequence numbers and back, and what a reader is told that comes with an id. */
import type { Gap } from './source.ts'
import { formatId, parseId } from './sse.ts'

/** Where a new reader starts, and what it must be told first. */
export interface Start {
  /** The entry it wants next. */
  readonly next: number
  readonly gap: Gap | undefined
  /** Whether it goes on from the id that it came with. */
  readonly resumed: boolean
}

/** What a reader that was overtaken must be told, and the entry with which it goes on. */
export interface Overtaken {
  readonly next: number
  readonly gap: Gap
}

/** The places of one epoch. */
export class Positions {
  /** The name of this history. */
  readonly epoch: string

  constructor(epoch: string) {
    this.epoch = epoch
  }

  /** The id of an entry. */
  idOf(sequence: number): string {
    return formatId(this.epoch, sequence)
  }

  /** The id of the place before an entry. */
  before(next: number): string {
    return this.idOf(next - 1)
  }

  /** The sequence of an id; undefined for one that this history has not given out yet, or never will. */
  sequenceOf(id: string, head: number): number | undefined {
    const position = parseId(id)
    if (position === undefined || position.epoch !== this.epoch || position.sequence > head) return undefined
    return position.sequence
  }

  /** Where a reader starts that resumes after an id, when the entries from `kept` to `head` are there. */
  resume(after: string, kept: number, head: number): Start {
    const sequence = this.sequenceOf(after, head)
    if (sequence === undefined) return { next: kept, gap: this.#gap('restarted', null, kept), resumed: false }
    const next = sequence + 1
    if (next >= kept) return { next, gap: undefined, resumed: true }
    return { next: kept, gap: this.#gap('evicted', kept - next, kept), resumed: true }
  }

  /** What a reader is told that wants an entry from before the first that is held; undefined when it is held. */
  overtaken(next: number, first: number): Overtaken | undefined {
    return next < first ? { next: first, gap: this.#gap('slow', first - next, first) } : undefined
  }

  #gap(reason: Gap['reason'], dropped: number | null, next: number): Gap {
    return { type: 'gap', reason, dropped, id: this.before(next) }
  }
}
