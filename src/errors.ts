/**
 * One error class for everything that edgetail refuses or fails at. Its code is what callers switch on; its message is a
 * sentence that names the remedy and is safe to show to a client. What must stay inside goes into `cause`.
 */

/** Every code, with the HTTP status it is answered with and whether the same request may succeed later. */
const CODES = {
  /** No credential, or one that is not known. */
  unauthorized: { status: 401, retryable: false },
  /** A known credential without the right that the route needs, or a cookie's write from another origin. */
  forbidden: { status: 403, retryable: false },
  /** No such route under the base path. */
  not_found: { status: 404, retryable: false },
  /** The route exists, the method does not. */
  method_not_allowed: { status: 405, retryable: false },
  /** A query value that cannot be used; the message names it. */
  invalid_query: { status: 400, retryable: false },
  /** A body in which no entry could be accepted. */
  invalid_body: { status: 400, retryable: false },
  /** A single entry that cannot be accepted; the others of its request may be. */
  invalid_entry: { status: 400, retryable: false },
  /** A setting or option that cannot be used; the message names it. */
  invalid_setting: { status: 503, retryable: false },
  /** A header value that cannot be used; the message names it. */
  invalid_header: { status: 400, retryable: false },
  /** The body came too slowly. */
  body_timeout: { status: 408, retryable: true },
  /** More bytes than the limit allows, compressed or not. */
  body_too_large: { status: 413, retryable: false },
  /** A media type or content encoding that is not taken. */
  unsupported_media_type: { status: 415, retryable: false },
  /** As many streams are open as the limit allows. */
  too_many_clients: { status: 503, retryable: true },
  /**
   * Another named stream would be one too many. 507, since it is room that the server lacks until its operator makes some: not the
   * client's haste (429), nor a trouble that passes by itself (503).
   */
  too_many_streams: { status: 507, retryable: false },
  /** No token is set, so that nobody can be let in. */
  not_configured: { status: 503, retryable: false },
  /** The server is stopping. */
  draining: { status: 503, retryable: true },
  /** The source cannot be reached, or was lost while a stream read from it. */
  source_unavailable: { status: 503, retryable: true },
  /** A fault of ours. */
  internal: { status: 500, retryable: true },
} as const

/** A code of {@link MonitorError}. */
export type ErrorCode = keyof typeof CODES

/** All of them. */
export const ERROR_CODES: readonly ErrorCode[] = Object.keys(CODES) as ErrorCode[]

/** HTTP statuses that a {@link MonitorError} is answered with. */
export type ErrorStatus = (typeof CODES)[ErrorCode]['status']

/**
 * What edgetail throws and answers with. `message` never holds internal text or a secret; `cause` may.
 */
export class MonitorError extends Error {
  override readonly name = 'MonitorError'
  /** What went wrong, to switch on. */
  readonly code: ErrorCode

  constructor(code: ErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options)
    this.code = code
  }

  /** The HTTP status that this error is answered with. */
  get status(): ErrorStatus {
    return CODES[this.code].status
  }

  /** Whether the same request may succeed later. */
  get retryable(): boolean {
    return CODES[this.code].retryable
  }
}

/**
 * Any thrown value as a {@link MonitorError}. One that is not ours becomes `internal` and keeps its text only in `cause`,
 * since a foreign message may quote a path, a query or a credential.
 */
export function toMonitorError(error: unknown): MonitorError {
  if (error instanceof MonitorError) return error
  return new MonitorError('internal', 'The monitor failed. Its operator finds the cause in the server log.', {
    cause: error,
  })
}

/** The refusal when all places are taken. */
export function tooManyClients(): MonitorError {
  return new MonitorError('too_many_clients', 'All places for clients are taken. Try again in a moment.')
}

/** The refusal when all places for named streams are taken. @param max - how many there are */
export function tooManyStreams(max: number): MonitorError {
  return new MonitorError(
    'too_many_streams',
    `EDGETAIL_MAX_STREAMS (in code: maxStreams) allows ${max} named streams, and all places are taken. Use a stream that there is, or raise it.`,
  )
}

/** Where a failure in the background may happen. */
export const ERROR_STAGES = ['append', 'listener', 'stream', 'request', 'source', 'push'] as const

/** Where one happened. */
export type ErrorStage = (typeof ERROR_STAGES)[number]

/** The one reporter of failures that no caller waits for. */
export type ErrorReporter = (error: unknown, stage: ErrorStage) => void

/** The reporter of those who name none. */
export function reportToConsole(error: unknown, stage: ErrorStage): void {
  console.error(`edgetail: ${stage} failed:`, error)
}
