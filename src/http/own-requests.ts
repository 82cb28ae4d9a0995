/**
 * Which requests are the monitor's own, wherever its routes are mounted. A log of requests leaves them out: each entry of a
 * watched stream would otherwise make another.
 */
import type { Context } from 'hono'

/** Requests, and responses: an app that is mounted with `mount` gets a request of its own, but its response is handed on. */
const own = new WeakSet<Request | Response>()

/** Notes a request as the monitor's own, when its answer is there. */
export function markOwn(c: Context): void {
  own.add(c.req.raw)
  own.add(c.res)
}

/** Whether a request was answered by a monitor. Known only when its answer is there. */
export function isOwn(c: Context): boolean {
  return own.has(c.req.raw) || (c.finalized && own.has(c.res))
}
