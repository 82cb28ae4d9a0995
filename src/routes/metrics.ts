/** The monitor's numbers about itself, for Prometheus and what reads its format. */
import type { Handler } from 'hono'
import { accepts } from 'hono/accepts'
import { toMonitorError } from '../errors.ts'
import { EXPOSITION_TYPES } from '../exposition.ts'
import type { LogEnv } from '../http/log-env.ts'
import { DEFAULT_STREAM } from '../streams.ts'
import { readStatus } from './health.ts'

/**
 * `GET /metrics`: Prometheus text, or OpenMetrics to those who accept it. Also while the source cannot serve.
 *
 * @param list - the names of the logs beside the default one, whose numbers are also those of the monitor as a whole
 */
export function metricsRoute(list: () => Promise<readonly string[]>): Handler<LogEnv> {
  return async (c) => {
    const { source, metrics, onError } = c.get('edgetailLog')
    const status = await readStatus(source).catch((error: unknown) => {
      // That it cannot be reached is what `edgetail_source_up` tells; a fault of ours is more than that.
      if (toMonitorError(error).code !== 'source_unavailable') onError(error, 'source')
      return undefined
    })
    const isWhole = c.get('edgetailStream') === DEFAULT_STREAM
    const streams = isWhole
      ? await list().then(
          ({ length }) => length,
          () => undefined,
        )
      : undefined
    const type = accepts(c, {
      header: 'Accept',
      supports: ['text/plain', 'application/openmetrics-text'],
      default: 'text/plain',
    })
    const format = type === 'text/plain' ? 'text' : 'openmetrics'
    return c.body(metrics.render(format, status, streams), 200, { 'Content-Type': EXPOSITION_TYPES[format] })
  }
}
