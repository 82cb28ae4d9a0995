/** Headers of a write, checked. */
import type { Context } from 'hono'
import { MonitorError } from '../errors.ts'
import type { LogEnv } from '../http/log-env.ts'

/** The media type of the body in lower case, without its parameters; empty where none is named. */
export function mediaType(c: Context): string {
  return c.req.header('Content-Type')?.split(';', 1)[0]?.trim().toLowerCase() ?? ''
}

/**
 * Checks that a text body is UTF-8.
 *
 * @throws MonitorError `unsupported_media_type` when it is announced as something else
 */
export function requireUtf8(c: Context): void {
  const charset =
    /;\s*charset\s*=\s*"?([^";\s]*)/i.exec(c.req.header('Content-Type') ?? '')?.[1]?.toLowerCase() ?? 'utf-8'
  if (!['utf-8', 'utf8', 'us-ascii'].includes(charset)) {
    throw new MonitorError('unsupported_media_type', 'The body is UTF-8 (RFC 8259, section 8.1).')
  }
}

/**
 * What makes a repeat known: the `Idempotency-Key` header (draft-ietf-httpapi-idempotency-key-header) within the credential,
 * since two senders may count from 1.
 *
 * @throws MonitorError `invalid_header` for a key that cannot be used
 */
export function idempotencyKey(c: Context<LogEnv>): string | undefined {
  const key = c.req.header('Idempotency-Key')
  if (key === undefined) return undefined
  if (!/^[\x20-\x7e]{1,255}$/.test(key)) {
    throw new MonitorError('invalid_header', 'Idempotency-Key is 1 to 255 visible ASCII characters.')
  }
  return `${c.get('access').credential} ${key}`
}
