/**
 * From credentials to rights. A request carries a token in `Authorization: Bearer` (RFC 6750), or the session cookie that a
 * browser got for it, because native EventSource sends no headers of its own. Tokens never stand in a URL. Beside them an
 * operator may bring a check of their own.
 */
import type { Context, MiddlewareHandler } from 'hono'
import { deleteCookie, getSignedCookie, setSignedCookie } from 'hono/cookie'
import { timingSafeEqual } from 'hono/utils/buffer'
import { MonitorError } from '../errors.ts'
import { allowsStream, DEFAULT_STREAM } from '../streams.ts'
import type { Grant, Right, StreamToken } from '../token-list.ts'
import { createGuessLimit } from './guess-limit.ts'
import type { LogEnv } from './log-env.ts'
import type { ClientView } from './proxy.ts'

/** Whom an {@link Authenticate} has recognised. */
export interface Identity extends Grant {
  /** Of the person or program: streams are counted and retries are told apart by it. */
  readonly name: string
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
export interface Access {
  /** Name of the credential. */
  readonly credential: string
  readonly grants: readonly Grant[]
  /** When the credential ends, in milliseconds since the epoch. */
  readonly expires: number
}

/** By what somebody is let in; without any of it nobody is. */
export interface AuthOptions {
  readonly token?: string | undefined
  readonly readToken?: string | undefined
  readonly writeToken?: string | undefined
  readonly tokens?: readonly StreamToken[] | undefined
  readonly authenticate?: Authenticate | undefined
}

/** How long a session lasts: a working day, after which the page asks again. */
const SESSION_SECONDS = 12 * 60 * 60

const COOKIE = 'edgetail_session'

const UNKNOWN_TOKEN = 'The token is not known here.'

/** Who may do what. */
export interface Authenticator {
  /** Refuses everything while nobody could be let in. */
  requireConfigured(): void
  /** Lets a request with the right to its log pass, and sets `access`. */
  require(right: Right): MiddlewareHandler<LogEnv>
  /** Lets a request pass that has a right to any log, and sets `access`. */
  requireAnywhere(right: Right): MiddlewareHandler<LogEnv>
  /** Trades the bearer token of the request for the cookie. */
  openSession(c: Context<LogEnv>): Promise<Access>
  closeSession(c: Context): void
}

interface Credential {
  readonly name: string
  readonly token: string
  readonly grants: Grant[]
}

/** Whether a credential has a right to a log. */
export function may({ grants }: Pick<Access, 'grants'>, right: Right, stream: string): boolean {
  return grants.some(({ rights, streams }) => rights.includes(right) && allowsStream(streams, stream))
}

/** The rights to a log. */
export function rightsTo(access: Pick<Access, 'grants'>, stream: string): Right[] {
  return (['read', 'write'] as const).filter((right) => may(access, right, stream))
}

/** Makes the rules. */
export function createAuthenticator(options: AuthOptions, client: ClientView): Authenticator {
  const { token, readToken, writeToken, tokens = [], authenticate } = options
  const credentials: Credential[] = []
  /** The same token twice is one credential, which may do what both may. */
  function add(name: string, token: string | undefined, grant: Grant): void {
    if (token === undefined) return
    const known = credentials.find((credential) => credential.token === token)
    if (known === undefined) credentials.push({ name, token, grants: [grant] })
    else known.grants.push(grant)
  }
  add('token', token, { rights: ['read', 'write'] })
  add('read token', readToken, { rights: ['read'] })
  add('write token', writeToken, { rights: ['write'] })
  for (const [index, { token, ...grant }] of tokens.entries()) add(`token ${index}`, token, grant)
  // People type tokens when they sign in; programs that send a wrong one do it with every request.
  const signIns = createGuessLimit({ burst: 10, perSecond: 2 })
  const requests = createGuessLimit({ burst: 100, perSecond: 50 })

  async function byToken(authorization: string): Promise<Credential | undefined> {
    const presented = bearerOf(authorization)
    let found: Credential | undefined
    // Every token is compared, whatever the first ones say, so that the time does not tell which matched.
    for (const credential of credentials) {
      if (await timingSafeEqual(presented, credential.token, identity)) found = credential
    }
    return found
  }

  async function byCookie(c: Context): Promise<Access | undefined> {
    for (const credential of credentials) {
      const value = await getSignedCookie(c, sessionKey(credential), COOKIE, client.isHttps(c) ? 'host' : undefined)
      const expires = Number(value)
      if (value && expires > Date.now()) return { credential: credential.name, grants: credential.grants, expires }
    }
    return undefined
  }

  async function identify(c: Context<LogEnv>, right: Right): Promise<Access> {
    const authorization = c.req.header('Authorization')
    if (authorization !== undefined) {
      const credential = await byToken(authorization)
      if (credential !== undefined) {
        return { credential: credential.name, grants: credential.grants, expires: Number.POSITIVE_INFINITY }
      }
    } else {
      const session = await byCookie(c)
      if (session !== undefined) return fromBrowser(c, right, session)
    }
    const known = await authenticate?.(c.req.raw)
    const { expires = Number.POSITIVE_INFINITY } = known ?? {}
    if (known !== undefined && expires > Date.now()) {
      const { name, ambient = true } = known
      const access = { credential: `identity ${name}`, grants: [known], expires }
      return ambient ? fromBrowser(c, right, access) : access
    }
    if (authorization === undefined) throw unauthorized('Send the token as Authorization: Bearer, or sign in.')
    await requests.wrong(client.address(c))
    throw unauthorized(UNKNOWN_TOKEN)
  }

  /** A page of another origin can make a browser send what it sends by itself, but not say that it is ours. */
  function fromBrowser(c: Context<LogEnv>, right: Right, access: Access): Access {
    if (right === 'write' && may(access, right, c.get('edgetailStream')) && !isSameOrigin(c)) {
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
    requireConfigured() {
      if (credentials.length === 0 && authenticate === undefined) {
        throw new MonitorError(
          'not_configured',
          'No token is set, so nobody is let in. Set EDGETAIL_TOKEN (on Workers: wrangler secret put EDGETAIL_TOKEN).',
        )
      }
    },

    require: (right) => async (c, next) => {
      const access = await identify(c, right)
      if (!may(access, right, c.get('edgetailStream'))) throw forbidden(access, right)
      c.set('access', access)
      await next()
    },

    requireAnywhere: (right) => async (c, next) => {
      const access = await identify(c, right)
      if (!access.grants.some(({ rights }) => rights.includes(right))) throw forbidden(access, right)
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
      // A session that cannot be used here would only take the place of one that can.
      if (rightsTo(credential, c.get('edgetailStream')).length === 0) throw forbidden(credential, undefined)
      const expires = Date.now() + SESSION_SECONDS * 1000
      await setSignedCookie(c, COOKIE, String(expires), sessionKey(credential), {
        path: '/',
        httpOnly: true,
        sameSite: 'Strict',
        maxAge: SESSION_SECONDS,
        // With Secure on plain http the browser would drop the cookie; the prefix needs Secure.
        ...(client.isHttps(c) ? { secure: true, prefix: 'host' } : {}),
      })
      return { credential: credential.name, grants: credential.grants, expires }
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

/** Says the limits of whoever knows the credential, and nothing of which streams there are. */
function forbidden({ grants }: Pick<Access, 'grants'>, right: Right | undefined): MonitorError {
  const able = right === undefined ? grants : grants.filter(({ rights }) => rights.includes(right))
  if (able.length === 0) return new MonitorError('forbidden', `This credential does not have the right to ${right}.`)
  const names = [...new Set(able.flatMap(({ streams = [] }) => streams))]
  const where = names.map((name) => (name === DEFAULT_STREAM ? 'the default log' : `/s/${name}`)).join(', ')
  return new MonitorError('forbidden', `This credential is for other streams only: ${where}.`)
}

function unauthorized(message: string): MonitorError {
  return new MonitorError('unauthorized', message)
}
