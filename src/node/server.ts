/** The shipped server: the monitor's routes over HTTP on Node, and a stop that loses nothing. */
import type { Server as HttpServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { serve } from '@hono/node-server'
import { Hono } from 'hono'
import { type ErrorReporter, reportToConsole } from '../errors.ts'
import { createMetrics } from '../metrics.ts'
import { createMonitor, type Monitor } from '../monitor.ts'
import type { Settings } from '../settings.ts'
import type { LogSource } from '../source.ts'
import type { LogDirectory } from '../streams.ts'
import { openStore } from './open-store.ts'
import { serverRequestLog } from './request-log.ts'

/** Most time that a stop takes, in milliseconds: process managers kill after ten seconds, some after five. */
export const STOP_MS = 4000

/** Options of {@link startServer}. */
export interface ServerOptions extends Settings {
  /** Where entries are kept. @default by the settings: a file, Redis, or memory */
  readonly source?: LogSource | undefined
  /** Where named streams are kept. @default beside the entries that the settings name; with a `source` of one's own nowhere */
  readonly streams?: LogDirectory | undefined
  /** Logs the server's own requests into the monitor, so that there is something to see. @default false */
  readonly logRequests?: boolean | undefined
  /** Runs before the server listens, which it does not when this rejects. @default nothing */
  readonly prepare?: ((monitor: Monitor) => Promise<void>) | undefined
  /** Told of failures in the background. @default console.error */
  readonly onError?: ErrorReporter | undefined
}

/** A server that listens. */
export interface Server {
  /** Where it listens, with the port that it got. */
  readonly origin: string
  readonly monitor: Monitor
  /**
   * Refuses new work, ends every stream after what was accepted before, and stops listening. Connections that have not ended
   * by themselves in time are cut. Idempotent.
   *
   * @param withinMs - in milliseconds @default 4000
   */
  close(withinMs?: number): Promise<void>
}

/**
 * Starts a server.
 *
 * @throws the error of `listen`, such as `EADDRINUSE`
 * @throws what `prepare` rejects with
 * @throws MonitorError `invalid_setting` when the file or the Redis that the settings name cannot be used
 * @example
 * const server = await startServer(readSettings(process.env))
 */
export async function startServer(options: ServerOptions): Promise<Server> {
  const { base, host, port, logRequests = false, onError = reportToConsole } = options
  const metrics = createMetrics()
  const { source, streams } =
    options.source === undefined
      ? await openStore(options, metrics.counting(onError))
      : { source: options.source, streams: undefined }
  const monitor = createMonitor({ ...options, source, streams: options.streams ?? streams, onError, metrics })
  const app = new Hono()
  if (logRequests) app.use(serverRequestLog(monitor, base))
  app.route(base, monitor.routes)
  // People type the host alone.
  if (base !== '') app.get('/', (c) => c.redirect(base))

  const listen = (resolve: (server: HttpServer) => void, reject: (error: unknown) => void): void => {
    const starting = serve({ fetch: app.fetch, hostname: host, port }, () => {
      starting.off('error', reject)
      resolve(starting)
    }) as HttpServer
    starting.on('error', reject)
  }
  let server: HttpServer
  try {
    await options.prepare?.(monitor)
    server = await new Promise<HttpServer>(listen)
  } catch (error) {
    // What was opened for a server that is none would keep its file or its connections.
    if (options.source === undefined) await monitor.close()
    throw error
  }
  const { port: bound } = server.address() as AddressInfo

  let closing: Promise<void> | undefined
  async function close(withinMs: number): Promise<void> {
    const closed = new Promise((resolve) => server.close(resolve))
    // `close` ends only the connections that are idle now; those of the streams become so when the streams have ended.
    const idle = setInterval(() => server.closeIdleConnections(), 20)
    await Promise.race([monitor.close().then(() => closed), deadline(withinMs)])
    clearInterval(idle)
    server.closeAllConnections()
    await closed
  }

  return {
    origin: `http://${host.includes(':') ? `[${host}]` : host}:${bound}`,
    monitor,
    close: (withinMs = STOP_MS) => {
      closing ??= close(withinMs)
      return closing
    },
  }
}

/**
 * Stops the server at SIGTERM or SIGINT and exits with status 0. A second signal exits at once.
 *
 * @returns a function that takes the handlers off again
 */
export function closeOnSignals(server: { close(): Promise<void> }): () => void {
  let stopping = false
  const stop = (signal: NodeJS.Signals): void => {
    if (stopping) process.exit(signal === 'SIGINT' ? 130 : 143)
    stopping = true
    server.close().then(
      () => process.exit(0),
      (error: unknown) => {
        console.error('edgetail: the stop failed:', error)
        process.exit(1)
      },
    )
  }
  process.on('SIGTERM', stop).on('SIGINT', stop)
  return () => process.off('SIGTERM', stop).off('SIGINT', stop)
}

function deadline(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms).unref()
  })
}
