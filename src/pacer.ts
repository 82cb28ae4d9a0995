/**
 * When to flush. A lone entry goes out in the next turn of the event loop. Under load the next flush waits a few times as long as
 * the shorter of the last two took, and never less than the last, so that delivery takes at most about half of the core and
 * whatever arrives meanwhile leaves as one batch: one write for many entries is what makes many readers cheap.
 */

/** Longest wait between two flushes, in milliseconds. An entry must arrive within a second; this leaves room for the rest. */
const MAX_WINDOW_MS = 200

/**
 * Bytes of a flush above which nothing is gained by gathering longer: the writes themselves are dear by then, and entries that
 * come in bulk are one batch already.
 */
const ENOUGH_BYTES = 64 * 1024

/** Runs `flush` once for any number of requests, as often as its cost allows. */
export interface Pacer {
  /** Something waits to be flushed. */
  request(): void
  /** Flushes in this turn, if something waits. */
  flushNow(): void
  /** How long entries were gathered after the last flush, in milliseconds. */
  readonly windowMs: number
}

/** The next turn of the event loop, without the millisecond that `setTimeout` adds on Node. */
export const nextTurn: (run: () => void) => unknown =
  (globalThis as { setImmediate?: (run: () => void) => unknown }).setImmediate ?? ((run) => setTimeout(run, 0))

/** What a flush gave to one who gets all of it. */
export interface Flushed {
  readonly entries: number
  readonly bytes: number
}

/** How long entries are gathered although the core would have time to deliver them. */
interface Gathering {
  /** So many times what a flush has cost. */
  readonly times: number
  /** And at most so many milliseconds. */
  readonly maxMs: number
}

/**
 * Paces a flush.
 *
 * @param flush - hands what waits to the readers, and says what that is; the work that they do in the same turn counts as its cost
 * @param gathering - a flush costs about the same for few entries as for many, so that fewer of them make each entry cheaper;
 * the default is where more time would gain little in `npm run bench -- --only wide`
 */
export function createPacer(flush: () => Flushed, gathering: Gathering = { times: 4, maxMs: 65 }): Pacer {
  let waiting = false
  /** Whether a flush is to come, or the last one's cost is not known yet. */
  let busy = false
  let notBefore = 0
  let lastCost = 0
  let windowMs = 0

  function schedule(): void {
    busy = true
    const wait = notBefore - performance.now()
    if (wait > 1) setTimeout(run, wait)
    else nextTurn(run)
  }

  function run(): void {
    busy = waiting
    if (!waiting) return
    waiting = false
    const started = performance.now()
    const { entries, bytes } = flush()
    // The readers write in microtasks; the next turn begins when all of them are done.
    nextTurn(() => {
      const ended = performance.now()
      const cost = ended - started
      // A lone entry is followed by no gathering. Of two flushes the shorter counts: one pause of the garbage collector or the machine
      // must not make the next entry late.
      const usual = Math.min(cost, lastCost)
      lastCost = cost
      const worth = entries > 1 && bytes < ENOUGH_BYTES ? Math.min(gathering.times * usual, gathering.maxMs) : 0
      windowMs = Math.min(Math.max(cost, worth), MAX_WINDOW_MS)
      notBefore = ended + windowMs
      busy = false
      if (waiting) schedule()
    })
  }

  return {
    request() {
      waiting = true
      if (!busy) schedule()
    },
    flushNow() {
      if (waiting) run()
    },
    get windowMs() {
      return windowMs
    },
  }
}
