/** The server's own requests as entries, so that whoever starts it alone sees something arrive. */
import type { MiddlewareHandler } from 'hono'
import type { Monitor } from '../monitor.ts'

/** Requests that would make the log talk of itself: each open stream, each probe, and each write that worked. */
const QUIET = new Set(['/stream', '/logs', '/health', '/viewer.js'])

/** Entries that are made at once. */
const BURST = 20

/**
 * Time after which one more is made, in milliseconds. Anybody can make requests, also without a token: at this rate they do not
 * push the entries that matter out of the retention within a day.
 */
const INTERVAL_MS = 10_000

/** Logs requests with their status and duration; of those that watching itself makes, only the refused ones. */
export function requestLog(monitor: Monitor, base: string): MiddlewareHandler {
  /** When the next one would be in time, were there no burst. */
  let due = 0
  let skipped = 0
  return async (c, next) => {
    const started = performance.now()
    await next()
    const { method, path } = c.req
    const { status } = c.res
    const refused = status >= 400
    if (!refused && path.startsWith(`${base}/`) && QUIET.has(path.slice(base.length))) return
    const ended = performance.now()
    if (due > ended + (BURST - 1) * INTERVAL_MS) {
      skipped++
      return
    }
    due = Math.max(due, ended) + INTERVAL_MS
    const durationMs = Math.round((ended - started) * 10) / 10
    // The path only: a query may carry what does not belong in a log.
    const context = { method, path, status, durationMs, ...(skipped > 0 && { skipped }) }
    monitor.log(refused ? 'warn' : 'info', `${method} ${path} ${status}`, context)
    skipped = 0
  }
}
