/** The monitor's numbers about itself, for Prometheus and what reads its format. */
import type { Handler } from 'hono'
import { accepts } from 'hono/accepts'
import { toMonitorError } from '../errors.ts'
import { EXPOSITION_TYPES } from '../exposition.ts'
import type { LogEnv } from '../http/log-env.ts'
import { DEFAULT_STREAM } from '../streams.ts'
import { inTime } from './health.ts'

/**
 * `GET /metrics`: Prometheus text, or OpenMetrics to those who accept it. Also while the source cannot serve.
 *
 * @param list - the names of the logs beside the default one, whose numbers are also those of the monitor as a whole
 */
export function metricsRoute(list: () => Promise<readonly string[]>): Handler<LogEnv> {
  return async (c) => {
    const { source, metrics, onError } = c.get('edgetailLog')
    const isWhole = c.get('edgetailStream') === DEFAULT_STREAM
    // At once: a scraper waits no longer for both than for one.
    const [status, names] = await Promise.all([
      inTime(source.status()).catch((error: unknown) => {
        // That it cannot be reached is what `edgetail_source_up` tells; a fault of ours is more than that.
        if (toMonitorError(error).code !== 'source_unavailable') onError(error, 'source')
        return undefined
      }),
      isWhole ? inTime(list()).catch(() => undefined) : undefined,
    ])
    const type = accepts(c, {
      header: 'Accept',
      supports: ['text/plain', 'application/openmetrics-text'],
      default: 'text/plain',
    })
    const format = type === 'text/plain' ? 'text' : 'openmetrics'
    return c.body(metrics.render(format, status, names?.length), 200, { 'Content-Type': EXPOSITION_TYPES[format] })
  }
}
