/**
 * Tells from arrivals whether something between the server and this page holds events back. edgetail sends an entry within a
 * quarter of a second; a proxy that buffers lets seconds of them through at once, again and again.
 */

/** Entries that lie further apart than this and arrive together are a lump, in milliseconds: far beyond the server's own batches. */
const LUMP_MS = 2000

/** Pieces that arrive within this time of each other are one arrival, in milliseconds. */
const TOGETHER_MS = 100

/** Of the last {@link RECENT} arrivals so many are lumps when it is no accident. */
const LUMPS = 3
const RECENT = 5

/** Watches arrivals. */
export interface BurstWatch {
  /**
   * Takes note of live entries that came together.
   *
   * @param arrived - when, by the server's clock, in milliseconds
   * @param times - when they happened, in milliseconds
   */
  arrive(arrived: number, times: readonly number[]): void
  /** Whether arrivals look held back. */
  isHeld(): boolean
}

/** Starts to watch. */
export function createBurstWatch(): BurstWatch {
  let arrivals: { arrived: number; oldest: number; newest: number }[] = []
  return {
    arrive(arrived, times) {
      if (times.length === 0) return
      const oldest = Math.min(...times)
      const newest = Math.max(...times)
      const last = arrivals.at(-1)
      if (last !== undefined && arrived - last.arrived < TOGETHER_MS) {
        last.oldest = Math.min(last.oldest, oldest)
        last.newest = Math.max(last.newest, newest)
        return
      }
      arrivals = [...arrivals.slice(1 - RECENT), { arrived, oldest, newest }]
    },
    isHeld() {
      // The newest is fresh and the oldest is not: an old log that is read in is old as a whole.
      const lumps = arrivals.filter(
        ({ arrived, oldest, newest }) => newest - oldest >= LUMP_MS && arrived - newest < LUMP_MS,
      )
      return lumps.length >= LUMPS
    },
  }
}
