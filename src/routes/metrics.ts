/** The monitor's numbers about itself, for Prometheus and what reads its format. */
import type { Handler } from 'hono'
import { accepts } from 'hono/accepts'
import { type ErrorReporter, toMonitorError } from '../errors.ts'
import { EXPOSITION_TYPES } from '../exposition.ts'
import type { AuthEnv } from '../http/auth.ts'
import type { Metrics } from '../metrics.ts'
import type { LogSource } from '../source.ts'
import { readStatus } from './health.ts'

/** `GET /metrics`: Prometheus text, or OpenMetrics to those who accept it. Also while the source cannot serve. */
export function metricsRoute(source: LogSource, metrics: Metrics, onError: ErrorReporter): Handler<AuthEnv> {
  return async (c) => {
    const status = await readStatus(source).catch((error: unknown) => {
      // That it cannot be reached is what `edgetail_source_up` tells; a fault of ours is more than that.
      if (toMonitorError(error).code !== 'source_unavailable') onError(error, 'source')
      return undefined
    })
    const type = accepts(c, {
      header: 'Accept',
      supports: ['text/plain', 'application/openmetrics-text'],
      default: 'text/plain',
    })
    const format = type === 'text/plain' ? 'text' : 'openmetrics'
    return c.body(metrics.render(format, status), 200, { 'Content-Type': EXPOSITION_TYPES[format] })
  }
}
