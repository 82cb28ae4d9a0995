/** The places of a log in Redis, whose ids name the era in which they were given out. */
import { Positions } from '../positions.ts'
import { formatId, parseId } from '../sse.ts'
import type { LogState, PastEra } from './redis-log.ts'

/** The eras of one history; sequence numbers go on from one to the next. */
export class Eras extends Positions {
  readonly #past: readonly PastEra[]

  constructor({ era, past }: Pick<LogState, 'era' | 'past'>) {
    super(era)
    this.#past = past
  }

  override idOf(sequence: number): string {
    return formatId(this.#past.find(({ end }) => sequence <= end)?.era ?? this.epoch, sequence)
  }

  override sequenceOf(id: string, head: number): number | undefined {
    const position = parseId(id)
    if (position === undefined) return undefined
    return position.sequence <= Math.min(head, this.endOf(position.epoch)) ? position.sequence : undefined
  }

  /** The last entry of an era that belongs to this history: none of one that is not known, any of the one that lasts. */
  endOf(era: string): number {
    if (era === this.epoch) return Number.POSITIVE_INFINITY
    return this.#past.find((past) => past.era === era)?.end ?? -1
  }
}
