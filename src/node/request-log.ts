/** The server's own requests as entries, so that whoever starts it alone sees something arrive. */
import type { MiddlewareHandler } from 'hono'
import type { Monitor } from '../monitor.ts'

/** Requests that would make the log talk of itself: each open stream, each probe, and each write that worked. */
const QUIET = new Set(['/stream', '/logs', '/health'])

/** Logs each request with its status and duration; of those that watching itself makes, only the refused ones. */
export function requestLog(monitor: Monitor, base: string): MiddlewareHandler {
  return async (c, next) => {
    const started = performance.now()
    await next()
    const { method, path } = c.req
    const { status } = c.res
    const refused = status >= 400
    if (!refused && path.startsWith(`${base}/`) && QUIET.has(path.slice(base.length))) return
    const durationMs = Math.round((performance.now() - started) * 10) / 10
    // The path only: a query may carry what does not belong in a log.
    monitor.log(refused ? 'warn' : 'info', `${method} ${path} ${status}`, { method, path, status, durationMs })
  }
}
