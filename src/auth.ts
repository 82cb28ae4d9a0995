/**
 * From credentials to rights. A request carries a token in `Authorization: Bearer` (RFC 6750), or the session cookie that a
 * browser got for it, because native EventSource sends no headers of its own. Tokens never stand in a URL.
 */
import type { Context, MiddlewareHandler } from 'hono'
import { deleteCookie, getSignedCookie, setSignedCookie } from 'hono/cookie'
import { timingSafeEqual } from 'hono/utils/buffer'
import { MonitorError } from './errors.ts'

/** What a token allows. */
type Right = 'read' | 'write'

/** What a request may do. */
interface Access {
  readonly rights: readonly Right[]
  /** When the credential ends, in milliseconds since the epoch. */
  readonly expires: number
}

/** The tokens, at least one of which must be set for anybody to be let in. */
export interface Tokens {
  readonly token?: string | undefined
  readonly readToken?: string | undefined
  readonly writeToken?: string | undefined
}

/** What the middleware leaves for the routes. */
export type AuthEnv = { Variables: { access: Access } }

/** How long a session lasts: a working day, after which the page asks again. */
const SESSION_SECONDS = 12 * 60 * 60

const UNKNOWN_TOKEN = 'The token is not known here.'

const COOKIE = 'edgetail_session'

/** Who may do what. */
export interface Authenticator {
  /** Refuses everything while no token is set. */
  readonly requireConfigured: MiddlewareHandler
  /** Lets a request with the right pass, and sets `access`. */
  require(right: Right): MiddlewareHandler<AuthEnv>
  /** Trades the bearer token of the request for the cookie. */
  openSession(c: Context): Promise<Access>
  closeSession(c: Context): void
}

interface Credential {
  readonly token: string
  readonly rights: readonly Right[]
}

/** Makes the rules for a set of tokens. */
export function createAuthenticator({ token, readToken, writeToken }: Tokens): Authenticator {
  const credentials: Credential[] = []
  if (token !== undefined) credentials.push({ token, rights: ['read', 'write'] })
  if (readToken !== undefined) credentials.push({ token: readToken, rights: ['read'] })
  if (writeToken !== undefined) credentials.push({ token: writeToken, rights: ['write'] })

  async function byToken(presented: string): Promise<Credential | undefined> {
    let found: Credential | undefined
    let rights: readonly Right[] = []
    // Every token is compared, whatever the first ones say, so that the time does not tell which matched.
    for (const credential of credentials) {
      if (await timingSafeEqual(presented, credential.token, identity)) {
        rights = [...new Set([...rights, ...credential.rights])]
        found ??= credential
      }
    }
    return found === undefined ? undefined : { ...found, rights }
  }

  async function byCookie(c: Context): Promise<Access | undefined> {
    for (const credential of credentials) {
      const value = await getSignedCookie(c, sessionKey(credential), COOKIE, isHttps(c) ? 'host' : undefined)
      const expires = Number(value)
      if (value && expires > Date.now()) return { rights: credential.rights, expires }
    }
    return undefined
  }

  async function authenticate(c: Context, right: Right): Promise<Access> {
    const authorization = c.req.header('Authorization')
    if (authorization !== undefined) {
      const credential = await byToken(bearerOf(authorization))
      if (credential === undefined) throw unauthorized(UNKNOWN_TOKEN)
      return { rights: credential.rights, expires: Number.POSITIVE_INFINITY }
    }
    const access = await byCookie(c)
    if (access === undefined) throw unauthorized('Send the token as Authorization: Bearer, or sign in.')
    if (right === 'write' && !isSameOrigin(c)) {
      throw new MonitorError('forbidden', 'A session writes only from a page of this origin.')
    }
    return access
  }

  return {
    requireConfigured: async (_c, next) => {
      if (credentials.length === 0) {
        throw new MonitorError(
          'not_configured',
          'No token is set, so nobody is let in. Set EDGETAIL_TOKEN (on Workers: wrangler secret put EDGETAIL_TOKEN).',
        )
      }
      await next()
    },

    require: (right) => async (c, next) => {
      const access = await authenticate(c, right)
      if (!access.rights.includes(right)) {
        throw new MonitorError('forbidden', `This token does not have the right to ${right}.`)
      }
      c.set('access', access)
      await next()
    },

    async openSession(c) {
      const authorization = c.req.header('Authorization')
      if (authorization === undefined) throw unauthorized('Send the token as Authorization: Bearer.')
      const credential = await byToken(bearerOf(authorization))
      if (credential === undefined) throw unauthorized(UNKNOWN_TOKEN)
      const expires = Date.now() + SESSION_SECONDS * 1000
      await setSignedCookie(c, COOKIE, String(expires), sessionKey(credential), {
        path: '/',
        httpOnly: true,
        sameSite: 'Strict',
        maxAge: SESSION_SECONDS,
        // With Secure on plain http the browser would drop the cookie; the prefix needs Secure.
        ...(isHttps(c) ? { secure: true, prefix: 'host' } : {}),
      })
      return { rights: credential.rights, expires }
    },

    closeSession(c) {
      deleteCookie(c, COOKIE, { path: '/', ...(isHttps(c) ? { secure: true, prefix: 'host' as const } : {}) })
    },
  }
}

/** The key that signs sessions of a token: another token makes every session of the old one void. */
function sessionKey({ token }: Credential): string {
  return `edgetail session\n${token}`
}

/**
 * Hono compares both hashes and then the texts, each without stopping early. The comparison of the texts is what counts; two
 * SHA-256 per token and request would cost more than the rest of a write.
 */
function identity(text: string): string {
  return text
}

/** The token of an Authorization header, or a text that no token equals. */
function bearerOf(authorization: string): string {
  return /^Bearer +([\x21-\x7e]+) *$/i.exec(authorization)?.[1] ?? ''
}

function isHttps(c: Context): boolean {
  return c.req.url.startsWith('https:')
}

/** Whether a page of this origin sent the request. A client that says neither is no browser, and not one of our page's. */
function isSameOrigin(c: Context): boolean {
  const site = c.req.header('Sec-Fetch-Site')
  if (site !== undefined) return site === 'same-origin'
  return c.req.header('Origin') === new URL(c.req.url).origin
}

function unauthorized(message: string): MonitorError {
  return new MonitorError('unauthorized', message)
}
