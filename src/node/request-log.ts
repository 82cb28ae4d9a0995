/** The server's own requests as entries, so that whoever starts it alone sees something arrive. */
import type { MiddlewareHandler } from 'hono'
import { logRequests } from '../http/request-log.ts'
import type { Logger } from '../logger.ts'

/** Requests that would make the log talk of itself: each open stream, each probe, and each write that worked. */
const QUIET = new Set(['/stream', '/logs', '/v1/logs', '/streams', '/health', '/metrics', '/viewer.js'])

/** Entries that are made at once. */
const BURST = 20

/**
 * Time after which one more is made, in milliseconds. Anybody can make requests, also without a token: at this rate they do not
 * push the entries that matter out of the retention within a day.
 */
const INTERVAL_MS = 10_000

/** Logs requests, the monitor's own included; of those that watching itself makes, only the refused ones. */
export function serverRequestLog(logger: Logger, base: string): MiddlewareHandler {
  return logRequests(limit(logger), [], (c) => {
    const { path } = c.req
    const isOurs = c.res.status < 400 && path.startsWith(`${base}/`)
    return isOurs && QUIET.has(path.slice(base.length).replace(/^\/s\/[^/]+/, ''))
  })
}

/** A logger that takes so many entries and no more, and says with the next one how many it left out. */
function limit(logger: Logger): Logger {
  /** When the next one would be in time, were there no burst. */
  let due = 0
  let skipped = 0
  return {
    log(level, message, context) {
      const now = performance.now()
      if (due > now + (BURST - 1) * INTERVAL_MS) {
        skipped++
        return
      }
      due = Math.max(due, now) + INTERVAL_MS
      logger.log(level, message, skipped > 0 ? { ...(context as object), skipped } : context)
      skipped = 0
    },
  }
}
