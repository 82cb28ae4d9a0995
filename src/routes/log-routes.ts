/**
 * The routes of a log. There is one set of them, mounted at the base for the default log and below `s/<name>` for the others:
 * which log a request is for stands in its path, and the handlers find it in the context.
 */
import { type Context, type Handler, Hono, type MiddlewareHandler, type Next } from 'hono'
import { MonitorError } from '../errors.ts'
import type { Authenticator } from '../http/auth.ts'
import type { LogEnv } from '../http/log-env.ts'
import type { ServedLog } from '../served-log.ts'
import type { ResolvedMonitorSettings } from '../settings.ts'
import { DEFAULT_STREAM, isStreamName, STREAM_NAME_RULE } from '../streams.ts'
import type { Right } from '../token-list.ts'
import { healthRoute } from './health.ts'
import { readLogsRoute, writeLogsRoute } from './logs.ts'
import { metricsRoute } from './metrics.ts'
import { otlpLogsRoute } from './otlp.ts'
import { closeSessionRoute, openSessionRoute } from './session.ts'
import { streamsRoute } from './streams.ts'
import { viewerRoute } from './viewer.ts'

/** The parameter with the name: one that no base path of an app has too, since the two stand in one pattern. */
const PARAMETER = 'edgetailStream'

/** Where the routes of named streams are mounted. */
export const NAMED: string = `/s/:${PARAMETER}`

/** Options of {@link createLogRoutes}. */
export interface LogRoutesOptions {
  readonly auth: Authenticator
  readonly settings: ResolvedMonitorSettings
  /** The log of a name for readers, which is asked for only when the request has a right to it. */
  openLog(name: string): ServedLog | Promise<ServedLog> | undefined
  /** The same for writers: it takes its place only when there is something to store. */
  viewLog(name: string): ServedLog | undefined
  /** The same of a name that is there already: others are refused with `not_found`. */
  findLog(name: string): ServedLog | Promise<ServedLog> | undefined
  /** The names beside the default one. */
  list(): Promise<readonly string[]>
  isDraining(): boolean
  /** `GET /stream` */
  readonly stream: Handler<LogEnv>
}

/** How a route comes by its log. */
type GetLog = (name: string) => ServedLog | Promise<ServedLog> | undefined

/** Makes them. */
export function createLogRoutes({
  auth,
  settings,
  openLog,
  viewLog,
  findLog,
  list,
  isDraining,
  stream,
}: LogRoutesOptions): Hono<LogEnv> {
  const routes = new Hono<LogEnv>()

  // Few middlewares that do much, rather than one for each thing: every one of them costs every request.
  const enter: MiddlewareHandler<LogEnv> = async (c, next) => {
    auth.requireConfigured()
    const name = c.req.param(PARAMETER) ?? DEFAULT_STREAM
    if (!isStreamName(name)) throw new MonitorError('not_found', `The name of a stream is ${STREAM_NAME_RULE}.`)
    c.set('edgetailStream', name)
    await next()
  }
  const setLog = async (get: GetLog, c: Context<LogEnv>, next: Next): Promise<void> => {
    const log = await get(c.get('edgetailStream'))
    if (log === undefined) throw new MonitorError('not_found', 'There are no named streams here.')
    c.set('edgetailLog', log)
    await next()
  }
  /** The log last, since asking for one may make it. */
  const withLog = (right: Right, get: GetLog = openLog): MiddlewareHandler<LogEnv> => {
    const check = auth.require(right)
    return (c, next) => check(c, () => setLog(get, c, next))
  }
  const unlessDraining =
    (middleware: MiddlewareHandler<LogEnv>): MiddlewareHandler<LogEnv> =>
    async (c, next) => {
      if (isDraining()) throw new MonitorError('draining', 'The server is stopping. Connect again in a moment.')
      return middleware(c, next)
    }
  const withLogToWatch = withLog('read', findLog)
  /** Probes have no token; but whether there is a stream of some name is told to those only who may read it. */
  const withLogToProbe: MiddlewareHandler<LogEnv> = (c, next) =>
    c.get('edgetailStream') === DEFAULT_STREAM ? setLog(findLog, c, next) : withLogToWatch(c, next)

  routes.use(enter)
  routes.get('/stream', unlessDraining(withLog('read')), stream)
  routes.get('/logs', withLog('read'), readLogsRoute())
  routes.post('/logs', unlessDraining(withLog('write', viewLog)), writeLogsRoute(settings))
  routes.post('/v1/logs', unlessDraining(withLog('write', viewLog)), otlpLogsRoute(settings))
  routes.get('/streams', auth.requireAnywhere('read'), streamsRoute(list))
  routes.post('/session', openSessionRoute(auth))
  routes.delete('/session', closeSessionRoute(auth))
  routes.get('/health', unlessDraining(withLogToProbe), healthRoute())
  routes.get('/metrics', withLogToWatch, metricsRoute(list))
  routes.route('/', viewerRoute())
  const methods = {
    '/stream': 'GET',
    '/logs': 'GET, POST',
    '/v1/logs': 'POST',
    '/streams': 'GET',
    '/session': 'POST, DELETE',
    '/health': 'GET',
    '/viewer.js': 'GET',
    '/metrics': 'GET',
    '/': 'GET',
  }
  for (const [path, allowed] of Object.entries(methods)) {
    routes.all(path, (c) => {
      c.header('Allow', allowed)
      throw new MonitorError('method_not_allowed', `This path takes ${allowed}.`)
    })
  }
  return routes
}
