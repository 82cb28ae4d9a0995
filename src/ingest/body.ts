/**
 * A request's body as text, piece by piece. Bytes are counted while they are read, on the wire and unzipped, so that neither a
 * chunked body nor a small archive of a large text gets further than the limit.
 */
import { MonitorError } from '../errors.ts'

/** What a body may cost. */
export interface BodyLimits {
  /** Most bytes, both as sent and unzipped. */
  readonly maxBody: number
  /** Most unzipped bytes for each byte sent, counted from {@link FREE_BYTES} on. */
  readonly maxGzipRatio: number
  /** Most time until the last byte, in milliseconds. */
  readonly bodyTimeoutMs: number
}

/** Unzipped bytes below which the ratio says nothing: a few repeated lines shrink to almost nothing and harm nobody. */
const FREE_BYTES = 1024 * 1024

/**
 * Bytes of a body whose length was announced up to which it is read at once. The server holds a body to its announced length, and
 * a stream costs several times what a small body does.
 */
const SMALL_BYTES = 1024 * 1024

/**
 * Reads a body.
 *
 * @throws MonitorError `body_too_large`, `body_timeout`, `unsupported_media_type` for an encoding other than gzip,
 * `invalid_body` for one that is not what it says
 */
export async function* readBody(
  request: Request,
  { maxBody: maxBytes, maxGzipRatio, bodyTimeoutMs }: BodyLimits,
): AsyncGenerator<string, undefined> {
  const length = Number(request.headers.get('Content-Length') ?? Number.NaN)
  if (length > maxBytes) throw tooLarge(maxBytes)
  const encoding = request.headers.get('Content-Encoding')?.trim().toLowerCase() ?? 'identity'
  if (encoding !== 'identity' && encoding !== 'gzip') {
    throw new MonitorError('unsupported_media_type', 'Content-Encoding is gzip or none.')
  }
  if (encoding === 'identity' && length <= SMALL_BYTES) {
    const text = await withTimeout(request.text(), bodyTimeoutMs)
    // A request that was made in the program may announce anything. One UTF-16 unit is one to three bytes.
    if (text.length * 3 > maxBytes && new TextEncoder().encode(text).length > maxBytes) throw tooLarge(maxBytes)
    yield text
    return undefined
  }
  if (request.body === null) return
  // On the wire counted apart: an unzipper may report a refusal before it as a fault of its own (workerd does).
  const wire = { bytes: 0 }
  const body =
    encoding === 'gzip'
      ? request.body
          .pipeThrough(counter(wire, maxBytes), { preventCancel: true })
          .pipeThrough(new DecompressionStream('gzip') as GenericTransform)
      : request.body
  const decoder = new TextDecoder()
  const reader: ReadableStreamDefaultReader<Uint8Array> = body.getReader()
  let bytes = 0
  let late = false
  const timer = setTimeout(() => {
    late = true
    // Answers the read that waits.
    reader.cancel().catch(() => undefined)
  }, bodyTimeoutMs)
  try {
    for (;;) {
      const { done, value } = await reader.read()
      if (late) throw tooLate(bodyTimeoutMs)
      if (done) break
      bytes += value.byteLength
      if (bytes > maxBytes) throw tooLarge(maxBytes)
      if (encoding === 'gzip' && bytes > FREE_BYTES && bytes > wire.bytes * maxGzipRatio) {
        throw new MonitorError('body_too_large', `A gzip body unzips to at most ${maxGzipRatio} times its size.`)
      }
      yield decoder.decode(value, { stream: true })
    }
  } catch (error) {
    if (wire.bytes > maxBytes) throw tooLarge(maxBytes)
    if (error instanceof MonitorError) throw error
    // A read that is cancelled ends on Node and fails on workerd.
    if (late) throw tooLate(bodyTimeoutMs)
    const what = encoding === 'gzip' ? 'The body is not valid gzip, or was cut off.' : 'The body was cut off.'
    throw new MonitorError('invalid_body', what, { cause: error })
  } finally {
    clearTimeout(timer)
    // What is left stays readable, for `discardBody`.
    if (encoding === 'gzip') await reader.cancel().catch(() => undefined)
    else reader.releaseLock()
  }
  yield decoder.decode()
  return undefined
}

async function withTimeout(text: Promise<string>, bodyTimeoutMs: number): Promise<string> {
  let giveUp: () => void = () => {}
  const late = new Promise<never>((_, reject) => {
    giveUp = () => reject(tooLate(bodyTimeoutMs))
  })
  const timer = setTimeout(giveUp, bodyTimeoutMs)
  try {
    return await Promise.race([text, late])
  } catch (error) {
    if (error instanceof MonitorError) throw error
    throw new MonitorError('invalid_body', 'The body was cut off.', { cause: error })
  } finally {
    clearTimeout(timer)
  }
}

/** Most bytes of a refused body that are read, and most milliseconds spent on it. */
const DISCARD_BYTES = 8 * 1024 * 1024
const DISCARD_MS = 1000

/**
 * Reads what is left of a body that was refused, within bounds, so that the refusal arrives: a server that closes a connection
 * with bytes unread resets it (RFC 9112, section 9.6), and the client sees a fault of the network and tries again.
 */
export async function discardBody(request: Request): Promise<void> {
  if (request.method === 'GET' || request.method === 'HEAD' || !request.body || request.body.locked) return
  const reader = request.body.getReader()
  const timer = setTimeout(() => reader.cancel().catch(() => undefined), DISCARD_MS)
  try {
    for (let bytes = 0; bytes < DISCARD_BYTES; ) {
      const { done, value } = await reader.read()
      if (done) break
      bytes += value.byteLength
    }
  } catch {
    // The client has gone: there is nobody to refuse.
  } finally {
    clearTimeout(timer)
    await reader.cancel().catch(() => undefined)
  }
}

type GenericTransform = TransformStream<Uint8Array, Uint8Array>

/** Counts what passes and fails when that is too much. */
function counter(passed: { bytes: number }, maxBytes: number): GenericTransform {
  return new TransformStream({
    transform(chunk, controller) {
      passed.bytes += chunk.byteLength
      if (passed.bytes > maxBytes) controller.error(tooLarge(maxBytes))
      else controller.enqueue(chunk)
    },
  })
}

function tooLate(bodyTimeoutMs: number): MonitorError {
  return new MonitorError('body_timeout', `The body was not complete within ${bodyTimeoutMs} ms.`)
}

function tooLarge(maxBytes: number): MonitorError {
  return new MonitorError(
    'body_too_large',
    `A body is at most ${maxBytes} bytes, also when unzipped. Send it in parts.`,
  )
}
