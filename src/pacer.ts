/**
 * When to flush. A lone entry goes out in the next turn of the event loop. Under load the next flush waits as long as the last
 * one took, so that delivery takes about half of the core and whatever arrives meanwhile leaves as one batch: one write for
 * many entries is what makes many readers cheap.
 */

/** Longest wait between two flushes, in milliseconds. An entry must arrive within a second; this leaves room for the rest. */
const MAX_WINDOW_MS = 200

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

/**
 * Paces a flush.
 *
 * @param flush - hands what waits to the readers; the work that they do in the same turn counts as its cost
 */
export function createPacer(flush: () => void): Pacer {
  let waiting = false
  /** Whether a flush is to come, or the last one's cost is not known yet. */
  let busy = false
  let notBefore = 0
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
    flush()
    // The readers write in microtasks; the next turn begins when all of them are done.
    nextTurn(() => {
      const ended = performance.now()
      windowMs = Math.min(ended - started, MAX_WINDOW_MS)
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
