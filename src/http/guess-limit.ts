/**
 * Slows those who guess tokens, by address. A wrong token is answered later the more of them came before; a right one is never
 * held up, so that nobody can lock out others who share the address.
 */

/** How fast may be guessed. */
export interface GuessLimitOptions {
  /** Wrong ones that are answered at once. */
  readonly burst: number
  /** Wrong ones a second after those. */
  readonly perSecond: number
}

/** Longest delay in milliseconds: whoever waits holds a connection of ours too. */
const MAX_DELAY_MS = 5000

/** Most addresses remembered, so that those who have many cannot fill the memory. */
const MAX_ADDRESSES = 10_000

/** Remembers who guessed. */
export interface GuessLimit {
  /** Notes a wrong token and resolves when it may be answered. */
  wrong(address: string): Promise<void>
}

/** Makes a limit by virtual scheduling (GCRA, ITU-T I.371): one number for each address. */
export function createGuessLimit({ burst, perSecond }: GuessLimitOptions): GuessLimit {
  const interval = 1000 / perSecond
  /** When the next guess would be in time, by address. */
  const due = new Map<string, number>()

  return {
    async wrong(address) {
      const now = Date.now()
      const at = Math.max(due.get(address) ?? 0, now)
      if (due.size >= MAX_ADDRESSES) forget(now)
      due.set(address, Math.min(at + interval, now + burst * interval + MAX_DELAY_MS))
      const delay = at - now - burst * interval
      if (delay > 0) await new Promise((resolve) => setTimeout(resolve, delay))
    },
  }

  function forget(now: number): void {
    for (const [address, at] of due) if (at <= now) due.delete(address)
    // Still full: the oldest go, whoever they are.
    for (const address of due.keys()) {
      if (due.size < MAX_ADDRESSES) break
      due.delete(address)
    }
  }
}
