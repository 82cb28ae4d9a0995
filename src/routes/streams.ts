/** The names of the logs, for the viewer's menu and for programs. */
import type { Handler } from 'hono'
import { may } from '../http/auth.ts'
import type { LogEnv } from '../http/log-env.ts'
import { DEFAULT_STREAM } from '../streams.ts'

/**
 * `GET /streams`: those that the credential may read, sorted, and the one that the path is of.
 *
 * @param list - the names beside the default one
 */
export function streamsRoute(list: () => Promise<readonly string[]>): Handler<LogEnv> {
  return async (c) => {
    const names = [DEFAULT_STREAM, ...(await list())].filter((name) => may(c.get('access'), 'read', name))
    return c.json({ stream: c.get('edgetailStream'), streams: names.sort().map((name) => ({ name })) })
  }
}
