/**
 * The monitor: a source with routes before it. Mount `routes` in any Hono app; log into it from the same program.
 */
import { Hono } from 'hono'
import { cors } from 'hono/cors'
import { type ErrorReporter, MonitorError, reportToConsole, toMonitorError } from './errors.ts'
import type { FilterQuery } from './filter/filter.ts'
import { type Authenticate, createAuthenticator } from './http/auth.ts'
import { createHeartbeat } from './http/heartbeat.ts'
import { markOwn } from './http/own-requests.ts'
import { createClientView } from './http/proxy.ts'
import { discardBody } from './ingest/body.ts'
import type { LogEntry } from './log.ts'
import { type LevelMethods, type Logger, levelMethods } from './logger.ts'
import { createMetrics, type EntryWay, type Metrics, meterSource } from './metrics.ts'
import { createRecord } from './normalize.ts'
import { redactSource } from './redact.ts'
import { unheard } from './reentry.ts'
import { healthRoute } from './routes/health.ts'
import { readLogsRoute, writeLogsRoute } from './routes/logs.ts'
import { metricsRoute } from './routes/metrics.ts'
import { otlpErrors, otlpLogsRoute } from './routes/otlp.ts'
import { closeSessionRoute, openSessionRoute } from './routes/session.ts'
import { createStreams, streamRoute } from './routes/stream.ts'
import { viewerRoute } from './routes/viewer.ts'
import { type MonitorSettings, resolveMonitorSettings } from './settings.ts'
import type { LogSource } from './source.ts'

/** Longest time between two looks at the open streams, in milliseconds: a client that is stuck is found by them too. */
const MAX_TICK_MS = 5000

/** Options of {@link createMonitor}. */
export interface MonitorOptions extends MonitorSettings {
  /** Where entries are kept. The monitor owns it: closing the one closes the other. */
  readonly source: LogSource
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
  /** What it counts about itself, where others count into it too. @default createMetrics() */
  readonly metrics?: Metrics | undefined
}

/** A monitor. What it is given to log is stored; what goes wrong with it is told to `onError`. */
export interface Monitor extends Logger, LevelMethods {
  /** `stream`, `logs`, `v1/logs`, `session`, `health`, `metrics` and the viewer page, relative to wherever they are mounted. */
  readonly routes: Hono
  /** Where its entries are kept. What is appended through it is redacted first. */
  readonly source: LogSource
  /** Its source for entries that come in by another way than the program's own, which the metrics tell apart. */
  sourceOf(way: EntryWay): LogSource
  /**
   * Calls a listener with every entry from now on.
   *
   * @returns a function that ends it
   */
  onLog(listener: (entry: LogEntry) => void, filter?: FilterQuery): () => void
  /** The last entries, oldest first. @param count - at most so many, 100 if left out */
  getLastLogs(count?: number): Promise<LogEntry[]>
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
  const { onError: report = reportToConsole, waitUntil, metrics = createMetrics() } = options
  // What it prints is not captured: an entry that cannot be stored would make another one.
  const onError = metrics.counting((error, stage) => unheard(() => report(error, stage)))
  const settings = resolveMonitorSettings(options)
  const redacted = redactSource(options.source, settings.redact)
  const sources = new Map<EntryWay, LogSource>()
  const sourceOf = (way: EntryWay): LogSource => {
    const source = sources.get(way) ?? meterSource(redacted, metrics, way)
    sources.set(way, source)
    return source
  }
  const source = sourceOf('source')
  const auth = createAuthenticator(
    { ...settings, authenticate: options.authenticate },
    createClientView(settings.trustedHeaders),
  )
  const streams = createStreams()
  let draining = false

  const routes = new Hono()
  routes.onError(async (error, c) => {
    await discardBody(c.req.raw)
    const known = toMonitorError(error)
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
    markOwn(c)
    await next()
    c.header('X-Content-Type-Options', 'nosniff')
    if (!c.res.headers.has('Cache-Control')) c.header('Cache-Control', 'no-store')
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
  routes.use('/v1/logs', otlpErrors())
  routes.use(auth.requireConfigured)

  const refuseWhileDraining = async (_c: unknown, next: () => Promise<void>): Promise<void> => {
    if (draining) throw new MonitorError('draining', 'The server is stopping. Connect again in a moment.')
    await next()
  }
  const stream = streamRoute({
    source,
    streams,
    heartbeat: createHeartbeat(Math.min(settings.heartbeatMs / 4, MAX_TICK_MS)),
    heartbeatMs: settings.heartbeatMs,
    maxClients: settings.maxClients,
    maxPerCredential: settings.maxClientsPerToken,
    metrics,
    onError,
  })
  routes.get('/stream', refuseWhileDraining, auth.require('read'), stream)
  routes.get('/logs', auth.require('read'), readLogsRoute(source))
  routes.post('/logs', refuseWhileDraining, auth.require('write'), writeLogsRoute(sourceOf, settings, metrics))
  routes.post(
    '/v1/logs',
    refuseWhileDraining,
    auth.require('write'),
    otlpLogsRoute(sourceOf('otlp'), settings, metrics),
  )
  routes.post('/session', openSessionRoute(auth))
  routes.delete('/session', closeSessionRoute(auth))
  routes.get(
    '/health',
    healthRoute(source, () => draining),
  )
  routes.get('/metrics', auth.require('read'), metricsRoute(source, metrics, onError))
  routes.route('/', viewerRoute())
  refuseOthers(routes, {
    '/stream': 'GET',
    '/logs': 'GET, POST',
    '/v1/logs': 'POST',
    '/session': 'POST, DELETE',
    '/health': 'GET',
    '/viewer.js': 'GET',
    '/metrics': 'GET',
    '/': 'GET',
  })

  const log: Logger['log'] = (level, message, context) => {
    try {
      const stored = sourceOf('log').append([createRecord(level, message, context)])
      const settled = stored.catch((error: unknown) => onError(error, 'append'))
      waitUntil?.(settled)
    } catch (error) {
      onError(error, 'append')
    }
  }

  return {
    routes,
    source,
    sourceOf,

    log,
    ...levelMethods(log),

    onLog(listener, filter) {
      const stop = new AbortController()
      const follow = async (): Promise<void> => {
        for await (const item of await source.subscribe({ filter, signal: stop.signal })) {
          if (item.type !== 'batch') continue
          for (const { id: _, ...entry } of item.entries()) {
            // A batch may be under way when the listener is taken off.
            if (stop.signal.aborted) return
            try {
              listener(entry)
            } catch (error) {
              onError(error, 'listener')
            }
          }
        }
      }
      follow().catch((error: unknown) => onError(error, 'source'))
      return () => stop.abort()
    },

    async getLastLogs(count = 100) {
      const { entries } = await source.history({ tail: count })
      return entries.map(({ id: _, ...entry }) => entry)
    },

    async close() {
      draining = true
      await source.close()
      await streams.ended()
    },
  }
}

/** Answers what is under the base path and not a route of ours in our own form. */
function refuseOthers(routes: Hono, methods: Record<string, string>): void {
  for (const [path, allowed] of Object.entries(methods)) {
    routes.all(path, (c) => {
      c.header('Allow', allowed)
      throw new MonitorError('method_not_allowed', `This path takes ${allowed}.`)
    })
  }
  routes.all('/*', (c) => {
    const [, last] = /([^/]+)\/$/.exec(new URL(c.req.url).pathname) ?? []
    // Relative, so that it is right behind any proxy and names no host.
    if ((c.req.method === 'GET' || c.req.method === 'HEAD') && last !== undefined) return c.redirect(`../${last}`, 301)
    throw new MonitorError('not_found', 'There is nothing under this path.')
  })
}
