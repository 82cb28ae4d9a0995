/** Sign-in and sign-out of a browser: the token for a cookie that native EventSource sends along. */
import type { Handler } from 'hono'
import type { Authenticator } from '../http/auth.ts'

/** `POST /session` */
export function openSessionRoute(auth: Authenticator): Handler {
  return async (c) => {
    const { rights, expires } = await auth.openSession(c)
    return c.json({ rights, expires: new Date(expires).toISOString() })
  }
}

/** `DELETE /session` */
export function closeSessionRoute(auth: Authenticator): Handler {
  return (c) => {
    auth.closeSession(c)
    return c.body(null, 204)
  }
}
