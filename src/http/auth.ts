/**
 * From credentials to rights. A request carries a token in `Authorization: Bearer` (RFC 6750), or the session cookie that a
 * browser got for it, because native EventSource sends no headers of its own. Tokens never stand in a URL. Beside them an
 * operator may bring a check of their own.
 */
import type { Context, MiddlewareHandler } from 'hono'
import { deleteCookie, getSignedCookie, setSignedCookie } from 'hono/cookie'
import { timingSafeEqual } from 'hono/utils/buffer'
import { MonitorError } from '../errors.ts'
import { createGuessLimit } from './guess-limit.ts'
import type { ClientView } from './proxy.ts'

/** What a credential allows. */
export type Right = 'read' | 'write'

/** Whom an {@link Authenticate} has recognised. */
export interface Identity {
  /** Of the person or program: streams are counted and retries are told apart by it. */
  readonly name: string
  readonly rights: readonly Right[]
  /** When this ends, in milliseconds since the epoch; streams end before it. @default never */
  readonly expires?: number | undefined
  /**
   * Whether a browser sends the credential by itself, as it does a cookie. Then a write must come from a page of this origin.
   * @default true
   */
  readonly ambient?: boolean | undefined
}

/** A check of one's own. Resolves to undefined for a request that it does not know. */
export type Authenticate = (request: Request) => Promise<Identity | undefined> | Identity | undefined

/** What a request may do. */
interface Access {
  /** Name of the credential. */
  readonly credential: string
  readonly rights: readonly Right[]
  /** When the credential ends, in milliseconds since the epoch. */
  readonly expires: number
}

/** By what somebody is let in; without any of it nobody is. */
export interface AuthOptions {
  readonly token?: string | undefined
  readonly readToken?: string | undefined
  readonly writeToken?: string | undefined
  readonly authenticate?: Authenticate | undefined
}

/** What the middleware leaves for the routes. */
export type AuthEnv = { Variables: { access: Access } }

/** How long a session lasts: a working day, after which the page asks again. */
const SESSION_SECONDS = 12 * 60 * 60

const COOKIE = 'edgetail_session'

const UNKNOWN_TOKEN = 'The token is not known here.'

/** Who may do what. */
export interface Authenticator {
  /** Refuses everything while nobody could be let in. */
  readonly requireConfigured: MiddlewareHandler
  /** Lets a request with the right pass, and sets `access`. */
  require(right: Right): MiddlewareHandler<AuthEnv>
  /** Trades the bearer token of the request for the cookie. */
  openSession(c: Context): Promise<Access>
  closeSession(c: Context): void
}

interface Credential {
  readonly name: string
  readonly token: string
  readonly rights: readonly Right[]
}

/** Makes the rules. */
export function createAuthenticator(options: AuthOptions, client: ClientView): Authenticator {
  const { token, readToken, writeToken, authenticate } = options
  const credentials: Credential[] = []
  if (token !== undefined) credentials.push({ name: 'token', token, rights: ['read', 'write'] })
  if (readToken !== undefined) credentials.push({ name: 'read token', token: readToken, rights: ['read'] })
  if (writeToken !== undefined) credentials.push({ name: 'write token', token: writeToken, rights: ['write'] })
  // People type tokens when they sign in; programs that send a wrong one do it with every request.
  const signIns = createGuessLimit({ burst: 10, perSecond: 2 })
  const requests = createGuessLimit({ burst: 100, perSecond: 50 })

  async function byToken(authorization: string): Promise<Credential | undefined> {
    const presented = bearerOf(authorization)
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
      const value = await getSignedCookie(c, sessionKey(credential), COOKIE, client.isHttps(c) ? 'host' : undefined)
      const expires = Number(value)
      if (value && expires > Date.now()) return { credential: credential.name, rights: credential.rights, expires }
    }
    return undefined
  }

  async function identify(c: Context, right: Right): Promise<Access> {
    const authorization = c.req.header('Authorization')
    if (authorization !== undefined) {
      const credential = await byToken(authorization)
      if (credential !== undefined) {
        return { credential: credential.name, rights: credential.rights, expires: Number.POSITIVE_INFINITY }
      }
    } else {
      const session = await byCookie(c)
      if (session !== undefined) return fromBrowser(c, right, session)
    }
    const known = await authenticate?.(c.req.raw)
    const { expires = Number.POSITIVE_INFINITY } = known ?? {}
    if (known !== undefined && expires > Date.now()) {
      const { name, rights, ambient = true } = known
      const access = { credential: `identity ${name}`, rights, expires }
      return ambient ? fromBrowser(c, right, access) : access
    }
    if (authorization === undefined) throw unauthorized('Send the token as Authorization: Bearer, or sign in.')
    await requests.wrong(client.address(c))
    throw unauthorized(UNKNOWN_TOKEN)
  }

  /** A page of another origin can make a browser send what it sends by itself, but not say that it is ours. */
  function fromBrowser(c: Context, right: Right, access: Access): Access {
    if (right === 'write' && access.rights.includes('write') && !isSameOrigin(c)) {
      throw new MonitorError('forbidden', 'What a browser sends by itself writes only from a page of this origin.')
    }
    return access
  }

  /** A client that says neither is no browser, and not one of our page's. */
  function isSameOrigin(c: Context): boolean {
    const site = c.req.header('Sec-Fetch-Site')
    return site === undefined ? c.req.header('Origin') === client.origin(c) : site === 'same-origin'
  }

  return {
    requireConfigured: async (_c, next) => {
      if (credentials.length === 0 && authenticate === undefined) {
        throw new MonitorError(
          'not_configured',
          'No token is set, so nobody is let in. Set EDGETAIL_TOKEN (on Workers: wrangler secret put EDGETAIL_TOKEN).',
        )
      }
      await next()
    },

    require: (right) => async (c, next) => {
      const access = await identify(c, right)
      if (!access.rights.includes(right)) {
        throw new MonitorError('forbidden', `This credential does not have the right to ${right}.`)
      }
      c.set('access', access)
      await next()
    },

    async openSession(c) {
      const authorization = c.req.header('Authorization')
      if (authorization === undefined) throw unauthorized('Send the token as Authorization: Bearer.')
      const credential = await byToken(authorization)
      if (credential === undefined) {
        await signIns.wrong(client.address(c))
        throw unauthorized(UNKNOWN_TOKEN)
      }
      const expires = Date.now() + SESSION_SECONDS * 1000
      await setSignedCookie(c, COOKIE, String(expires), sessionKey(credential), {
        path: '/',
        httpOnly: true,
        sameSite: 'Strict',
        maxAge: SESSION_SECONDS,
        // With Secure on plain http the browser would drop the cookie; the prefix needs Secure.
        ...(client.isHttps(c) ? { secure: true, prefix: 'host' } : {}),
      })
      return { credential: credential.name, rights: credential.rights, expires }
    },

    closeSession(c) {
      deleteCookie(c, COOKIE, { path: '/', ...(client.isHttps(c) ? { secure: true, prefix: 'host' as const } : {}) })
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

function unauthorized(message: string): MonitorError {
  return new MonitorError('unauthorized', message)
}
