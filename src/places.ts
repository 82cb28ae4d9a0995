/** The places of named streams in one process. */
import { tooManyStreams } from './errors.ts'
import { LENT_MS, type StreamClaim } from './streams.ts'

/** Who has a place, and until when. */
export class Places {
  readonly #until = new Map<string, number>()
  readonly #now: () => number

  /**
   * @param names - those that have one for good
   * @param now - the time in milliseconds since the epoch
   */
  constructor(names: readonly string[] = [], now: () => number = Date.now) {
    this.#now = now
    for (const name of names) this.#until.set(name, Number.POSITIVE_INFINITY)
  }

  /** The names that have one. */
  list(): string[] {
    const now = this.#now()
    return [...this.#until].filter(([, until]) => until > now).map(([name]) => name)
  }

  /**
   * Gives a name a place. What lasts takes that of the name that was lent one longest ago, where there is no other.
   *
   * @returns names that had one that was lent, and have it no more
   * @throws MonitorError `too_many_streams`
   */
  claim(name: string, { lasting, max }: StreamClaim): string[] {
    const now = this.#now()
    const freed: string[] = []
    for (const [other, until] of this.#until) {
      if (until > now || other === name) continue
      this.#until.delete(other)
      freed.push(other)
    }
    if (!this.#until.has(name)) {
      const over = this.#until.size - max + 1
      const lent = [...this.#until].filter(([, until]) => until !== Number.POSITIVE_INFINITY)
      if (over > (lasting ? lent.length : 0)) throw tooManyStreams(max)
      if (over > 0) {
        for (const [other] of lent.sort(([, one], [, two]) => one - two).slice(0, over)) {
          this.#until.delete(other)
          freed.push(other)
        }
      }
    }
    const until = lasting ? Number.POSITIVE_INFINITY : now + LENT_MS
    this.#until.set(name, Math.max(until, this.#until.get(name) ?? 0))
    return freed
  }

  /** Whether a name has one. */
  has(name: string): boolean {
    return this.#until.has(name)
  }

  /** Takes a name its place. */
  release(name: string): void {
    this.#until.delete(name)
  }
}
