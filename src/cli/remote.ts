/** A monitor somewhere else: its address as people type it, its token, and what went wrong in a sentence. */
import { type ErrorCode, MonitorError } from '../errors.ts'
import { isObject } from '../log.ts'
import { harmlessLine } from './terminal-text.ts'

/** Path of the monitor in an address that has none: the default of both servers. */
const DEFAULT_BASE = '/monitor'

/** Longest wait for the headers of an answer, in milliseconds. */
const ANSWER_MS = 20_000

/** Longest wait that a server can ask for with `Retry-After`, in milliseconds. */
const MAX_RETRY_AFTER_MS = 5 * 60 * 1000

/** Most characters of a server's own words that are shown. */
const MAX_WORDS = 300

/** Where a monitor is. */
export interface Address {
  /** Its base URL, without a slash at its end. */
  readonly base: string
  /** The token of a link as the server prints it, `http://host/monitor#token=…`. */
  readonly token: string | undefined
}

/** Why there is no answer that can be used. */
interface Refusal {
  readonly error: MonitorError
  /** Whether trying again is of no use. */
  readonly isFinal: boolean
  /** Earliest next try in milliseconds, 0 where the server says nothing. */
  readonly retryAfterMs: number
}

/** A request. */
export interface RemoteRequest {
  /** Below the base, such as `/stream`. */
  readonly path: string
  readonly query: Readonly<Record<string, string | undefined>>
  readonly headers?: Readonly<Record<string, string>>
  /** The media type of a usable answer. */
  readonly accept: 'text/event-stream' | 'application/json'
  readonly signal: AbortSignal
}

/** A monitor that can be asked. */
export interface Remote {
  /** Its base URL. */
  readonly base: string
  /**
   * Sends a `GET`. Rejects only when its signal aborts. Redirects are not followed, since they may lead the token elsewhere.
   */
  get(request: RemoteRequest): Promise<{ response: Response } | { refusal: Refusal }>
}

/**
 * Reads an address. A host alone means `https`, on this machine `http`, and without a path the default base; the address of
 * the stream is taken for that of its monitor.
 *
 * @throws MonitorError `invalid_setting`; the text is not repeated, since it may hold a token
 */
export function parseAddress(text: string): Address {
  const isLocal = /^(?:localhost|127\.[\d.]+|\[::1\])(?:[:/#]|$)/i.test(text)
  const full = /^[a-z][a-z\d+.-]*:\/\//i.test(text) ? text : `${isLocal ? 'http' : 'https'}://${text}`
  const url = URL.canParse(full) ? new URL(full) : undefined
  if (url === undefined || !/^https?:$/.test(url.protocol)) {
    throw invalid('The address is no URL, such as http://127.0.0.1:8787/monitor.')
  }
  if (url.username !== '' || url.password !== '') {
    throw invalid('The address holds a user or a password. The token comes from EDGETAIL_TOKEN.')
  }
  if (url.search !== '') {
    throw invalid('The address holds a query. Use --level, --q and --tail, and EDGETAIL_TOKEN for the token.')
  }
  const token = new URLSearchParams(url.hash.slice(1)).get('token') ?? undefined
  // A link as the server prints it is whole: without a path its base is the root.
  const isWhole = url.pathname !== '/' || token !== undefined
  const path = isWhole ? url.pathname.replace(/\/+$/, '').replace(/\/stream$/, '') : DEFAULT_BASE
  return { base: url.origin + path, token }
}

/**
 * Makes a remote.
 *
 * @throws MonitorError `invalid_setting` when the token cannot stand in a header
 */
export function createRemote(base: string, token: string): Remote {
  if (!/^[\x21-\x7e]{1,4096}$/.test(token)) {
    throw invalid('The token is not 1 to 4096 visible ASCII characters without blanks.')
  }
  const authorization = `Bearer ${token}`
  return {
    base,
    async get({ path, query, headers, accept, signal }) {
      const given = Object.entries(query).filter((pair): pair is [string, string] => pair[1] !== undefined)
      const late = new AbortController()
      const timer = setTimeout(() => late.abort(), ANSWER_MS)
      const giveUp = (): void => late.abort()
      // Not taken off: the same signal ends the body.
      signal.addEventListener('abort', giveUp, { once: true })
      try {
        signal.throwIfAborted()
        const response = await fetch(`${base}${path}?${new URLSearchParams(given)}`, {
          headers: { ...headers, accept, authorization },
          redirect: 'manual',
          signal: late.signal,
        })
        const refusal = await refusalOf(response, base, accept)
        return refusal === undefined ? { response } : { refusal }
      } catch (error) {
        signal.throwIfAborted()
        const message = late.signal.aborted
          ? `${base} does not answer.`
          : `${base} cannot be reached: ${describeFailure(error)}.`
        return {
          refusal: {
            error: new MonitorError('source_unavailable', message, { cause: error }),
            isFinal: false,
            retryAfterMs: 0,
          },
        }
      } finally {
        clearTimeout(timer)
      }
    },
  }
}

/** Why an answer cannot be used; undefined when it can. */
async function refusalOf(response: Response, base: string, accept: string): Promise<Refusal | undefined> {
  const { status, headers } = response
  const type = headers.get('content-type')?.split(';', 1)[0]?.trim().toLowerCase() ?? ''
  if (status === 200 && type === accept) return undefined
  const words = await ownWords(response)
  const refuse = (code: ErrorCode, message: string, isFinal = false): Refusal => ({
    error: new MonitorError(code, message),
    isFinal,
    retryAfterMs: retryAfterMs(headers.get('retry-after')),
  })
  if (status === 200) {
    const what = type === '' ? 'something without a type' : harmlessLine(type)
    return refuse('not_found', `${base} answers with ${what}: it is not the address of an edgetail monitor.`)
  }
  if (status === 401) return refuse('unauthorized', `${base} does not know this token. Check EDGETAIL_TOKEN.`, true)
  if (status === 403) return refuse('forbidden', `${base} does not let this token read. ${words ?? ''}`.trim(), true)
  if (status === 400) return refuse('invalid_query', words ?? `${base} does not understand the request.`, true)
  if (status === 404 && words !== undefined) return refuse('not_found', `${base} refuses (404). ${words}`)
  if (status === 404) {
    return refuse('not_found', `There is no edgetail at ${base} (404). Its address ends with its base, often /monitor.`)
  }
  if (status >= 300 && status < 400) {
    const target = harmlessLine(headers.get('location') ?? 'nowhere')
    return refuse('not_found', `${base} redirects to ${target}. Use that address if you trust it with the token.`)
  }
  return refuse('source_unavailable', `${base} refuses (${status}). ${words ?? ''}`.trim())
}

/** The sentence in an error answer, made harmless; undefined when it is not one of edgetail's. */
async function ownWords(response: Response): Promise<string | undefined> {
  if (!response.headers.get('content-type')?.startsWith('application/json')) {
    await response.body?.cancel()
    return undefined
  }
  const body: unknown = await response.json().catch(() => undefined)
  const error = isObject(body) && isObject(body.error) ? body.error : {}
  return typeof error.message === 'string' ? harmlessLine(error.message).slice(0, MAX_WORDS) : undefined
}

/** Reads `Retry-After` (RFC 9110, section 10.2.3): seconds or a date. */
function retryAfterMs(value: string | null): number {
  if (value === null) return 0
  const ms = /^\d+$/.test(value) ? Number(value) * 1000 : Date.parse(value) - Date.now()
  return Number.isNaN(ms) ? 0 : Math.min(Math.max(0, ms), MAX_RETRY_AFTER_MS)
}

/** What people are told of a connection that failed, by the code of its error. */
const FAILURES: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nothing listens there',
  ENOTFOUND: 'its name is not known',
  EAI_AGAIN: 'its name cannot be looked up now',
  EHOSTUNREACH: 'there is no way to it',
  ENETUNREACH: 'there is no way to it',
  ETIMEDOUT: 'it does not answer',
  UND_ERR_CONNECT_TIMEOUT: 'it does not answer',
  ECONNRESET: 'the connection was cut',
  UND_ERR_SOCKET: 'the connection was cut',
  ERR_SSL_WRONG_VERSION_NUMBER: 'it does not speak TLS, try http://',
  ERR_SSL_PACKET_LENGTH_TOO_LONG: 'it does not speak TLS, try http://',
}

/** Why a request failed, without a full stop. */
export function describeFailure(error: unknown): string {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error
  const { code = '', message } = cause as NodeJS.ErrnoException
  if (/CERT|SIGNATURE/.test(code)) {
    return `its certificate is not trusted (${code}); NODE_EXTRA_CA_CERTS names further authorities`
  }
  return FAILURES[code] ?? harmlessLine(message).replace(/\.$/, '')
}

function invalid(message: string): MonitorError {
  return new MonitorError('invalid_setting', message)
}
