/** Whether the monitor can serve, for load balancers and people. */
import type { Handler } from 'hono'
import { MonitorError } from '../errors.ts'
import type { LogSource } from '../source.ts'

/** `GET /health`: 503 while draining or while the source is not ready. */
export function healthRoute(source: LogSource, isDraining: () => boolean): Handler {
  return async (c) => {
    if (isDraining()) throw new MonitorError('draining', 'The server is stopping.')
    return c.json({ status: 'ok', ...(await source.status()) })
  }
}
