/**
 * The monitor: a source with routes before it. Mount `routes` in any Hono app; log into it from the same program.
 */
import { type Context, Hono } from 'hono'
import { getRuntimeKey } from 'hono/adapter'
import { cors } from 'hono/cors'
import { ClientCount, countClients } from './client-count.ts'
import { type ErrorReporter, MonitorError, reportToConsole, toMonitorError } from './errors.ts'
import { type Authenticate, createAuthenticator } from './http/auth.ts'
import { createHeartbeat } from './http/heartbeat.ts'
import { markOwn } from './http/own-requests.ts'
import { createClientView } from './http/proxy.ts'
import { discardBody } from './ingest/body.ts'
import { createMetrics, type Metrics } from './metrics.ts'
import { createNamedLogs } from './named-logs.ts'
import { createRedactor } from './redact.ts'
import { unheard } from './reentry.ts'
import { createLogRoutes, NAMED } from './routes/log-routes.ts'
import { otlpErrors } from './routes/otlp.ts'
import { createStreams, streamRoute } from './routes/stream.ts'
import { createServedLog, type MonitoredLog, type ServedLog } from './served-log.ts'
import { type MonitorSettings, resolveMonitorSettings } from './settings.ts'
import type { LogSource } from './source.ts'
import { DEFAULT_STREAM, isStreamName, type LogDirectory, STREAM_NAME_RULE } from './streams.ts'

/** Longest time between two looks at the open streams, in milliseconds: a client that is stuck is found by them too. */
const MAX_TICK_MS = 5000

/** Options of {@link createMonitor}. */
export interface MonitorOptions extends MonitorSettings {
  /** Where entries are kept. The monitor owns it: closing the one closes the other. */
  readonly source: LogSource
  /**
   * Where named streams are kept, below `s/<name>`: `memoryStreams()`, `redisStreams()`, `sqliteStreams()` of `edgetail/node`,
   * `durableObjectStreams()` of `edgetail/cloudflare`. @default none: there is only the log at the base
   */
  readonly streams?: LogDirectory | undefined
  /** Lets in whom edgetail's own tokens do not know, such as those whom Cloudflare Access or an OIDC proxy has checked. */
  readonly authenticate?: Authenticate | undefined
  /**
   * Told of failures that no caller waits for. Neither a token nor an entry is in what it gets.
   * @default console.error
   */
  readonly onError?: ErrorReporter | undefined
  /**
   * Keeps the program alive until what `log` was given is stored. On Workers pass `waitUntil` of `cloudflare:workers`: without
   * it an entry that is logged just before the answer may be lost with the request.
   */
  readonly waitUntil?: ((promise: Promise<unknown>) => void) | undefined
  /** What it counts about itself and its default log, where others count into it too. @default createMetrics() */
  readonly metrics?: Metrics | undefined
}

/** A monitor, which is also its own default log. */
export interface Monitor extends MonitoredLog {
  /**
   * `stream`, `logs`, `v1/logs`, `streams`, `session`, `health`, `metrics` and the viewer page, relative to wherever they are
   * mounted; below `s/<name>` the same of a named stream.
   */
  readonly routes: Hono
  /**
   * A named stream. It takes its place with its first entry or its first listener; what goes wrong then, also that there are too
   * many, is told to `onError`.
   *
   * @throws MonitorError `invalid_setting` for a bad name, and where the monitor has no named streams
   */
  stream(name: string): MonitoredLog
  /**
   * Refuses new work, gives every stream what was accepted before, tells each client when to come back, and ends it. Resolves
   * when all streams have ended. A client that takes nothing holds it up: give it a deadline.
   */
  close(): Promise<void>
}

/**
 * Makes a monitor.
 *
 * @throws MonitorError `invalid_setting` when an option cannot be used
 */
export function createMonitor(options: MonitorOptions): Monitor {
  const { onError = reportToConsole, waitUntil, metrics = createMetrics(), streams: directory } = options
  const settings = resolveMonitorSettings(options)
  // What it prints is not captured: an entry that cannot be stored would make another one.
  const report: ErrorReporter = (error, stage) => unheard(() => onError(error, stage))
  const redact = settings.redact && createRedactor(settings.redact)
  const clients = new ClientCount()
  // Not on Workers: each object counts its own and notices those whose Worker died, which an isolate would count for ever.
  const countsTogether = directory !== undefined && getRuntimeKey() !== 'workerd'
  const serve = (name: string, source: LogSource, metrics: Metrics): ServedLog =>
    createServedLog({
      name,
      source: countsTogether ? countClients(source, clients) : source,
      redact,
      metrics,
      onError: report,
      waitUntil,
    })
  const log = serve(DEFAULT_STREAM, options.source, metrics)
  const named =
    directory === undefined || settings.maxStreams === 0
      ? undefined
      : createNamedLogs({
          directory,
          max: settings.maxStreams,
          serve: (name, source) => serve(name, source, createMetrics()),
          onError: log.onError,
        })
  const auth = createAuthenticator(
    { ...settings, authenticate: options.authenticate },
    createClientView(settings.trustedHeaders),
  )
  const streams = createStreams()
  let draining = false

  const routes = new Hono<{ Variables: { edgetailLog?: ServedLog } }>()
  routes.onError(async (error, c) => {
    await discardBody(c.req.raw)
    const known = toMonitorError(error)
    const { metrics, onError } = c.get('edgetailLog') ?? log
    metrics.refusedRequest(known.code)
    if (known.code === 'internal') onError(error, 'request')
    if (known.status === 401) c.header('WWW-Authenticate', 'Bearer')
    // Jittered, so that those who were refused together do not come back together.
    if (known.status === 503 && known.retryable) c.header('Retry-After', String(1 + Math.floor(Math.random() * 5)))
    c.header('Cache-Control', 'no-store')
    c.header('X-Content-Type-Options', 'nosniff')
    return c.json({ error: { code: known.code, message: known.message } }, known.status)
  })
  routes.use(async (c, next) => {
    await next()
    // Not by `c.header`, which makes another response of one that is there, and a stream of its body.
    const { headers } = c.res
    headers.set('X-Content-Type-Options', 'nosniff')
    if (!headers.has('Cache-Control')) headers.set('Cache-Control', 'no-store')
    markOwn(c)
  })
  if (settings.corsOrigins.length > 0) {
    routes.use(
      cors({
        origin: [...settings.corsOrigins],
        credentials: true,
        allowMethods: ['GET', 'POST', 'DELETE'],
        allowHeaders: ['Authorization', 'Content-Type', 'Content-Encoding', 'Idempotency-Key', 'Last-Event-ID'],
        exposeHeaders: ['Retry-After'],
      }),
    )
  }
  for (const base of ['', NAMED]) routes.use(`${base}/v1/logs`, otlpErrors())

  const ofLog = createLogRoutes({
    auth,
    settings,
    openLog: (name) => (name === DEFAULT_STREAM ? log : named?.open(name)),
    viewLog: (name) => (name === DEFAULT_STREAM ? log : named?.view(name)),
    findLog: (name) => (name === DEFAULT_STREAM ? log : named?.find(name)),
    list: async () => (await named?.list()) ?? [],
    isDraining: () => draining,
    stream: streamRoute({
      streams,
      heartbeat: createHeartbeat(Math.min(settings.heartbeatMs / 4, MAX_TICK_MS)),
      heartbeatMs: settings.heartbeatMs,
      maxClients: settings.maxClients,
      maxPerCredential: settings.maxClientsPerToken,
    }),
  })
  routes.route('/', ofLog)
  // The default log has its name also where there is no other.
  routes.route(named === undefined ? `/s/${DEFAULT_STREAM}` : NAMED, ofLog)
  routes.all('/*', refuseOthers)

  return {
    ...log,
    routes: routes as unknown as Hono,

    stream(name) {
      if (name === DEFAULT_STREAM) return log
      if (!isStreamName(name)) throw new MonitorError('invalid_setting', `The name of a stream is ${STREAM_NAME_RULE}.`)
      if (named === undefined) {
        throw new MonitorError('invalid_setting', 'This monitor has no named streams. Pass the option streams.')
      }
      return named.view(name)
    },

    async close() {
      draining = true
      await named?.close()
      await options.source.close()
      await streams.ended()
    },
  }
}

/** Answers what is under the base path and not a route of ours in our own form. */
function refuseOthers(c: Context): Response {
  const [, last] = /([^/]+)\/$/.exec(new URL(c.req.url).pathname) ?? []
  // Relative, so that it is right behind any proxy and names no host.
  if ((c.req.method === 'GET' || c.req.method === 'HEAD') && last !== undefined) return c.redirect(`../${last}`, 301)
  throw new MonitorError('not_found', 'There is nothing under this path.')
}
