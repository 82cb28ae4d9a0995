/** How many clients are open, in all and by credential. */
import { tooManyClients } from './errors.ts'
import type { LogSource, SubscribeOptions } from './source.ts'

/** What of a subscription is counted. */
export type Counted = Pick<SubscribeOptions, 'maxClients' | 'maxPerCredential' | 'credential'>

/** Clients that are counted in other places. */
export interface Elsewhere {
  /** All of them. */
  readonly total: number
  /** Those with the same credential. */
  readonly same: number
}

/** A count of clients. */
export class ClientCount {
  readonly #byCredential = new Map<string, number>()
  #total = 0

  /** All of them. */
  get total(): number {
    return this.#total
  }

  /** How many there are of each credential. */
  get byCredential(): ReadonlyMap<string, number> {
    return this.#byCredential
  }

  /**
   * Counts a client, unless it is the program's own reader.
   *
   * @param elsewhere - those who share its places without being counted here
   * @returns a function that takes it out of the count again, to be called once
   * @throws MonitorError `too_many_clients`
   */
  enter(
    { maxClients, maxPerCredential = maxClients, credential = '' }: Counted,
    elsewhere: Elsewhere = { total: 0, same: 0 },
  ): () => void {
    if (maxClients === undefined) return () => {}
    const same = this.#byCredential.get(credential) ?? 0
    if (this.#total + elsewhere.total >= maxClients || same + elsewhere.same >= (maxPerCredential ?? maxClients)) {
      throw tooManyClients()
    }
    this.#byCredential.set(credential, same + 1)
    this.#total++
    return () => {
      const left = (this.#byCredential.get(credential) ?? 1) - 1
      if (left > 0) this.#byCredential.set(credential, left)
      else this.#byCredential.delete(credential)
      this.#total--
    }
  }
}

/** A source whose clients count together with those of others. They leave with their signal. */
export function countClients(source: LogSource, count: ClientCount): LogSource {
  return {
    ...source,
    async subscribe(options) {
      const { signal, maxClients } = options
      if (maxClients === undefined || signal.aborted) return source.subscribe(options)
      const leave = count.enter(options)
      signal.addEventListener('abort', leave, { once: true })
      try {
        return await source.subscribe(options)
      } catch (error) {
        signal.removeEventListener('abort', leave)
        if (!signal.aborted) leave()
        throw error
      }
    },
  }
}
