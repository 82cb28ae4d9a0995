/** An app's requests as entries: one for each, when its response begins. */
import type { Context, MiddlewareHandler } from 'hono'
import { getRuntimeKey } from 'hono/adapter'
import { matchedRoutes } from 'hono/route'
import { MonitorError } from '../errors.ts'
import type { JsonObject, Level } from '../log.ts'
import type { Logger } from '../logger.ts'
import { isOwn } from './own-requests.ts'

/** Options of {@link requestLog}. */
export interface RequestLogOptions {
  /**
   * Query parameters that are kept, as `context.query`. All others stay out of the log, since a query may carry a token or a
   * name. @default none
   */
  readonly query?: readonly string[] | undefined
  /**
   * Leaves a request out. Asked when the response is there, so that it may look at `c.res.status`. The monitor's own requests
   * are left out without it. @default none
   */
  readonly ignore?: ((c: Context) => boolean) | undefined
}

/** What is taken as an id from outside: what hono's `requestId` takes. */
const REQUEST_ID = /^[\w\-=]{1,255}$/

/**
 * A middleware that logs each request: `GET /pay 500`, at level `error` for a status of 500 and above, `warn` for 400 and above,
 * else `info`. The context has `method`, `path` (without query), `route` (the pattern, such as `/orders/:id`), `status`,
 * `durationMs` (until the response begins: a body that is streamed goes on after it), `requestId` (what hono's `requestId`
 * middleware set, else the header `X-Request-Id`, on Cloudflare else `CF-Ray`) and `err` with the stack of what a handler threw.
 * Neither headers nor cookies are logged, and requests to a monitor's own routes never are, wherever they are mounted.
 *
 * @param logger - a monitor, or anything else that logs
 * @example
 * app.use(requestLog(monitor))
 */
export function requestLog(
  logger: Logger,
  { query = [], ignore = () => false }: RequestLogOptions = {},
): MiddlewareHandler {
  return logRequests(logger, query, (c) => isOwn(c) || ignore(c))
}

/** The middleware, with all of what it leaves out in one function. */
export function logRequests(
  logger: Logger,
  query: readonly string[],
  isLeftOut: (c: Context) => boolean,
): MiddlewareHandler {
  return async (c, next) => {
    const started = performance.now()
    const report = (status: number, err: unknown): void => {
      const durationMs = Math.round((performance.now() - started) * 10) / 10
      try {
        if (isLeftOut(c)) return
      } catch (error) {
        // A log must not fail the request that it tells of.
        logger.log('error', 'requestLog: ignore failed', { err: error })
      }
      const { method } = c.req
      // Not `c.req.path`, which is decoded: it may hold line breaks and what moves a terminal's cursor.
      const { pathname: path } = new URL(c.req.url)
      const context: JsonObject = { method, path, route: routeOf(c), status, durationMs, requestId: requestIdOf(c) }
      const kept = query.flatMap((name) => queryParameter(c, name))
      if (kept.length > 0) context.query = Object.fromEntries(kept)
      // What edgetail itself refuses says why in its answer; its stack would tell nothing but our own insides.
      if (err !== undefined && !(err instanceof MonitorError)) context.err = err
      logger.log(levelOf(status), `${method} ${path} ${status}`, context)
    }
    try {
      await next()
    } catch (error) {
      // Only what is not an `Error`: hono itself answers the others, and keeps them in `c.error`.
      report(500, error)
      throw error
    }
    report(c.res.status, c.error)
  }
}

/** How grave an answer is. */
function levelOf(status: number): Level {
  return status >= 500 ? 'error' : status >= 400 ? 'warn' : 'info'
}

/** The pattern of the route that answered; undefined when no more than a middleware for everything did. */
function routeOf(c: Context): string | undefined {
  const route = matchedRoutes(c)[c.req.routeIndex]
  return route === undefined || (route.method === 'ALL' && route.path.endsWith('*')) ? undefined : route.path
}

function requestIdOf(c: Context): string | undefined {
  const set: unknown = c.get('requestId')
  if (typeof set === 'string') return set
  const sent = c.req.header('X-Request-Id')
  if (sent !== undefined && REQUEST_ID.test(sent)) return sent
  // Cloudflare sets it itself; elsewhere it would be the client's own word.
  return getRuntimeKey() === 'workerd' ? c.req.header('CF-Ray') : undefined
}

function queryParameter(c: Context, name: string): [string, string | string[]][] {
  const [first, ...others] = c.req.queries(name) ?? []
  if (first === undefined) return []
  return [[name, others.length === 0 ? first : [first, ...others]]]
}
