/** Sign-in and sign-out of a browser: the token for a cookie that native EventSource sends along. */
import type { Handler } from 'hono'
import { type Authenticator, rightsTo } from '../http/auth.ts'
import type { LogEnv } from '../http/log-env.ts'

/** `POST /session` */
export function openSessionRoute(auth: Authenticator): Handler<LogEnv> {
  return async (c) => {
    const access = await auth.openSession(c)
    const { expires } = access
    return c.json({ rights: rightsTo(access, c.get('edgetailStream')), expires: new Date(expires).toISOString() })
  }
}

/** `DELETE /session` */
export function closeSessionRoute(auth: Authenticator): Handler {
  return (c) => {
    auth.closeSession(c)
    return c.body(null, 204)
  }
}
