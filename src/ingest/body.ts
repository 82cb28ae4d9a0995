/**
 * A request's body, as text piece by piece or as bytes. Bytes are counted while they are read, on the wire and unzipped, so that
 * neither a chunked body nor a small archive of a large text gets further than the limit.
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

/** Told how many bytes of a body were read, as they came, whether it was taken or not. */
export type ByteCounter = (bytes: number) => void

/** Unzipped bytes below which the ratio says nothing: a few repeated lines shrink to almost nothing and harm nobody. */
const FREE_BYTES = 1024 * 1024

/**
 * Bytes of a body whose length was announced up to which it is read at once. The server holds a body to its announced length, and
 * a stream costs several times what a small body does.
 */
const SMALL_BYTES = 1024 * 1024

/**
 * Reads a body as text.
 *
 * @throws MonitorError `body_too_large`, `body_timeout`, `unsupported_media_type` for an encoding other than gzip,
 * `invalid_body` for one that is not what it says
 */
export async function* readBody(
  request: Request,
  limits: BodyLimits,
  count?: ByteCounter,
): AsyncGenerator<string, undefined> {
  if (isSmall(request, limits)) {
    const text = await withTimeout(request.text(), limits.bodyTimeoutMs)
    count?.(announcedLength(request))
    // A request that was made in the program may announce anything. One UTF-16 unit is one to three bytes.
    if (text.length * 3 > limits.maxBody && new TextEncoder().encode(text).length > limits.maxBody) {
      throw tooLarge(limits.maxBody)
    }
    yield text
    return undefined
  }
  const decoder = new TextDecoder()
  for await (const piece of readPieces(request, limits, count)) yield decoder.decode(piece, { stream: true })
  yield decoder.decode()
  return undefined
}

/**
 * Reads a body whole.
 *
 * @throws as {@link readBody}
 */
export async function readBytes(request: Request, limits: BodyLimits, count?: ByteCounter): Promise<Uint8Array> {
  if (isSmall(request, limits)) {
    const bytes = new Uint8Array(await withTimeout(request.arrayBuffer(), limits.bodyTimeoutMs))
    count?.(bytes.length)
    if (bytes.length > limits.maxBody) throw tooLarge(limits.maxBody)
    return bytes
  }
  const pieces: Uint8Array[] = []
  let length = 0
  for await (const piece of readPieces(request, limits, count)) {
    pieces.push(piece)
    length += piece.length
  }
  const bytes = new Uint8Array(length)
  let at = 0
  for (const piece of pieces) {
    bytes.set(piece, at)
    at += piece.length
  }
  return bytes
}

/** Whether a body is read at once. */
function isSmall(request: Request, { maxBody }: BodyLimits): boolean {
  return announcedLength(request) <= Math.min(SMALL_BYTES, maxBody) && encodingOf(request) === 'identity'
}

/** NaN where none was announced. */
function announcedLength(request: Request): number {
  return Number(request.headers.get('Content-Length') ?? Number.NaN)
}

function encodingOf(request: Request): string {
  return request.headers.get('Content-Encoding')?.trim().toLowerCase() ?? 'identity'
}

/** Reads a body, unzipped, as it arrives. */
async function* readPieces(
  request: Request,
  { maxBody: maxBytes, maxGzipRatio, bodyTimeoutMs }: BodyLimits,
  count: ByteCounter | undefined,
): AsyncGenerator<Uint8Array, undefined> {
  if (announcedLength(request) > maxBytes) throw tooLarge(maxBytes)
  const encoding = encodingOf(request)
  if (encoding !== 'identity' && encoding !== 'gzip') {
    throw new MonitorError('unsupported_media_type', 'Content-Encoding is gzip or none.')
  }
  if (request.body === null) return undefined
  // On the wire counted apart: an unzipper may report a refusal before it as a fault of its own (workerd does).
  const wire = { bytes: 0 }
  const body =
    encoding === 'gzip'
      ? request.body
          .pipeThrough(counter(wire, maxBytes), { preventCancel: true })
          .pipeThrough(new DecompressionStream('gzip') as GenericTransform)
      : request.body
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
      yield value
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
    count?.(encoding === 'gzip' ? wire.bytes : bytes)
    // What is left stays readable, for `discardBody`.
    if (encoding === 'gzip') await reader.cancel().catch(() => undefined)
    else reader.releaseLock()
  }
  return undefined
}

async function withTimeout<Body>(body: Promise<Body>, bodyTimeoutMs: number): Promise<Body> {
  let giveUp: () => void = () => {}
  const late = new Promise<never>((_, reject) => {
    giveUp = () => reject(tooLate(bodyTimeoutMs))
  })
  const timer = setTimeout(giveUp, bodyTimeoutMs)
  try {
    return await Promise.race([body, late])
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
