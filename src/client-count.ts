/** How many clients are open, in all and by credential. */
import { tooManyClients } from './errors.ts'
import type { SubscribeOptions } from './source.ts'

/** What of a subscription is counted. */
export type Counted = Pick<SubscribeOptions, 'maxClients' | 'maxPerCredential' | 'credential'>

/** A count of clients. */
export class ClientCount {
  readonly #byCredential = new Map<string, number>()
  #total = 0

  /** All of them. */
  get total(): number {
    return this.#total
  }

  /**
   * Counts a client, unless it is the program's own reader.
   *
   * @returns a function that takes it out of the count again, to be called once
   * @throws MonitorError `too_many_clients`
   */
  enter({ maxClients, maxPerCredential = maxClients, credential = '' }: Counted): () => void {
    if (maxClients === undefined) return () => {}
    const same = this.#byCredential.get(credential) ?? 0
    if (this.#total >= maxClients || same >= (maxPerCredential ?? maxClients)) throw tooManyClients()
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
