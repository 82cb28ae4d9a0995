/** Whether the monitor can serve, for load balancers and people. */
import type { Handler } from 'hono'
import { MonitorError } from '../errors.ts'
import type { LogEnv } from '../http/log-env.ts'

/** Longest wait for the source, in milliseconds: most probes give up after a few seconds and would learn no reason. */
const READY_MS = 4000

/** `GET /health`: 503 while the source is not ready. */
export function healthRoute(): Handler<LogEnv> {
  return async (c) => {
    const { entries, clients } = await inTime(c.get('edgetailLog').source.status())
    return c.json({ status: 'ok', entries, clients })
  }
}

/**
 * What a source answers.
 *
 * @throws MonitorError `source_unavailable` also when it does not answer in time
 */
export function inTime<Answer>(answer: Promise<Answer>): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const late = (): void =>
      reject(new MonitorError('source_unavailable', 'The log source does not answer. Try again in a moment.'))
    const timer = setTimeout(late, READY_MS)
    answer.finally(() => clearTimeout(timer)).then(resolve, reject)
  })
}
