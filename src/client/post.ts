/** One request to the monitor, and what its answer means for the batch. */
import { type ErrorCode, MonitorError } from '../errors.ts'

/** The part of `fetch` that is used. */
export type Fetch = (url: string, init: RequestInit) => Promise<Response>

/** Where and how to send. */
export interface PostOptions {
  /** Of `POST /logs`. */
  readonly target: string
  readonly token: string | undefined
  readonly gzip: boolean
  readonly fetch: Fetch
}

/** A batch as it goes out: the same bytes under the same key, however often. */
export interface PostBatch {
  readonly lines: readonly string[]
  readonly key: string
}

/** What became of a batch. */
export type Answer =
  /** It is in the source, but for these lines. */
  | { readonly type: 'taken'; readonly rejected: number; readonly reason: string }
  /** Nothing of it was kept, because it is too large. */
  | { readonly type: 'too large'; readonly error: MonitorError }
  /** It would be refused again. */
  | { readonly type: 'refused'; readonly error: MonitorError }
  /** It may be taken another time; `said` is why it was not, one sentence. */
  | { readonly type: 'unavailable'; readonly said: string; readonly error: MonitorError; readonly retryAfterMs: number }

/**
 * Body above which it is zipped, in UTF-16 units. Below, it fits a few packets either way, and zipping costs more than it saves.
 */
const GZIP_LENGTH = 4 * 1024

/** Longest `Retry-After` that is believed, in milliseconds: a wrong one must not silence a program for a day. */
const MAX_RETRY_AFTER_MS = 10 * 60_000

/** Longest text of a foreign answer that is quoted, in UTF-16 units. */
const MAX_QUOTE = 200

/** Statuses that say that the same request may succeed later, beside those from 500 on. */
const RETRYABLE = new Set([408, 425, 429])

/** Statuses with a code of their own. */
const CODES: Readonly<Record<number, ErrorCode>> = {
  400: 'invalid_body',
  401: 'unauthorized',
  403: 'forbidden',
  404: 'not_found',
  405: 'method_not_allowed',
  415: 'unsupported_media_type',
}

/** Sends a batch. Never rejects. */
export async function post(
  { target, token, gzip, fetch }: PostOptions,
  { lines, key }: PostBatch,
  { signal, keepalive = false }: { readonly signal: AbortSignal; readonly keepalive?: boolean },
): Promise<Answer> {
  try {
    const text = `${lines.join('\n')}\n`
    // A page that is going away has no time to zip.
    const zipped = gzip && !keepalive && text.length > GZIP_LENGTH
    const response = await fetch(target, {
      method: 'POST',
      headers: {
        ...(token !== undefined && { Authorization: `Bearer ${token}` }),
        'Content-Type': 'application/x-ndjson',
        'Idempotency-Key': key,
        ...(zipped && { 'Content-Encoding': 'gzip' }),
      },
      body: zipped ? await zip(text) : text,
      // The token goes where it was meant to go and nowhere else. Workers know no 'error' here.
      redirect: 'manual',
      signal,
      ...(keepalive && { keepalive }),
    })
    return read(target, response, await response.text())
  } catch (error) {
    const reason = signal.aborted ? 'it did not answer in time' : reasonOf(error)
    return unavailable(`${target} cannot be reached (${reason}).`, 0, error)
  }
}

function read(target: string, { status, headers }: Response, text: string): Answer {
  const body = parse(text)
  if (status === 202) {
    const [first] = body.rejected ?? []
    return { type: 'taken', rejected: body.rejected?.length ?? 0, reason: first?.error ?? '' }
  }
  const quote = body.error?.message?.slice(0, MAX_QUOTE) ?? ''
  const said = `${target} answered ${status}${quote === '' ? '.' : `: ${quote}`}`
  if (status === 413) return { type: 'too large', error: new MonitorError('body_too_large', said) }
  if (status >= 500 || RETRYABLE.has(status)) {
    return unavailable(said, retryAfterMs(headers.get('Retry-After')))
  }
  // Browsers do not tell the status of a redirect that they do not follow.
  if (status === 0 || (status >= 300 && status < 400)) {
    return refused('not_found', `${target} redirects. Set url to the address that it leads to.`)
  }
  if (status < 300) return refused('not_found', `${said} That is no edgetail monitor. Set url to its base path.`)
  return refused(CODES[status] ?? 'invalid_body', said)
}

function refused(code: ErrorCode, message: string): Answer {
  return { type: 'refused', error: new MonitorError(code, message) }
}

function unavailable(said: string, retryAfterMs: number, cause?: unknown): Answer {
  const error = new MonitorError('source_unavailable', `${said} The entries wait and are sent again.`, { cause })
  return { type: 'unavailable', said, error, retryAfterMs }
}

/** What an answer may hold. */
interface AnswerBody {
  readonly rejected?: readonly { readonly error?: string }[]
  readonly error?: { readonly message?: string }
}

/** The parts of an answer that are what they should be; anything may answer in the monitor's place. */
function parse(text: string): AnswerBody {
  let body: { rejected?: unknown; error?: { message?: unknown } | null } | null
  try {
    body = JSON.parse(text)
  } catch {
    return {}
  }
  const message = body?.error?.message
  return {
    ...(Array.isArray(body?.rejected) && { rejected: body.rejected }),
    ...(typeof message === 'string' && { error: { message } }),
  }
}

/** Milliseconds of a `Retry-After` (RFC 9110, section 10.2.3): seconds or a date; 0 for none. */
function retryAfterMs(value: string | null): number {
  if (value === null) return 0
  const ms = /^\s*\d+\s*$/.test(value) ? Number(value) * 1000 : Date.parse(value) - Date.now()
  return Number.isNaN(ms) ? 0 : Math.min(Math.max(ms, 0), MAX_RETRY_AFTER_MS)
}

async function zip(text: string): Promise<ArrayBuffer> {
  const stream = new Blob([text]).stream().pipeThrough(new CompressionStream('gzip'))
  return await new Response(stream).arrayBuffer()
}

/** Why a request failed. Node's fetch says "fetch failed" and has the reason as cause, at times with an empty message. */
function reasonOf(error: unknown): string {
  const { cause, message } = error as { cause?: { code?: string; message?: string }; message?: string }
  return cause?.code ?? cause?.message ?? message ?? String(error)
}
