import { describe, expect, it } from 'vitest'
import { discardBody, readBody } from '../../../src/ingest/body.ts'

const LIMIT = 10_000
const LIMITS = { maxGzipRatio: 100, bodyTimeoutMs: 30_000 }

type Body = string | Uint8Array | ReadableStream<Uint8Array> | null

function post(body: Body, headers: Record<string, string> = {}): Request {
  return new Request('http://x/', { method: 'POST', body, headers, duplex: 'half' } as RequestInit)
}

async function read(body: Body, headers?: Record<string, string>, limit = LIMIT): Promise<string> {
  let text = ''
  for await (const piece of readBody(post(body, headers), { ...LIMITS, maxBody: limit })) text += piece
  return text
}

function streamOf(...parts: (string | Uint8Array)[]): ReadableStream<Uint8Array> {
  return new ReadableStream({
    start(controller) {
      for (const part of parts) controller.enqueue(typeof part === 'string' ? new TextEncoder().encode(part) : part)
      controller.close()
    },
  })
}

async function gzip(body: string | Uint8Array): Promise<Uint8Array> {
  const packed = streamOf(body).pipeThrough(new CompressionStream('gzip') as TransformStream<Uint8Array, Uint8Array>)
  return new Uint8Array(await new Response(packed).arrayBuffer())
}

/** A body that would go on for ever, and how much of it was taken. */
function endless(part: Uint8Array): {
  body: ReadableStream<Uint8Array>
  taken: () => number
  isCancelled: () => boolean
} {
  let taken = 0
  let cancelled = false
  const body = new ReadableStream<Uint8Array>({
    pull(controller) {
      taken += part.length
      controller.enqueue(part.slice())
    },
    cancel() {
      cancelled = true
    },
  })
  return { body, taken: () => taken, isCancelled: () => cancelled }
}

const noise = (size: number): Uint8Array => crypto.getRandomValues(new Uint8Array(size))
const GZIP = { 'Content-Encoding': 'gzip' }
const tooLarge = { code: 'body_too_large', message: expect.stringContaining(`at most ${LIMIT} bytes`) }

describe('text', () => {
  it('is read whole, and nothing from no body', async () => {
    expect(await read('grün 😀')).toBe('grün 😀')
    expect(await read('')).toBe('')
    expect(await read(null)).toBe('')
  })

  it('may be cut inside a character', async () => {
    const bytes = new TextEncoder().encode('a😀é')
    expect(await read(streamOf(...Array.from(bytes, (byte) => Uint8Array.of(byte))))).toBe('a😀é')
  })

  it('loses a byte order mark at its start and nowhere else', async () => {
    expect(await read('\ufeff{"a":"\ufeff"}')).toBe('{"a":"\ufeff"}')
    expect(await read(streamOf(Uint8Array.of(0xef), Uint8Array.of(0xbb, 0xbf, 0x61)))).toBe('a')
  })

  it('keeps what is around invalid UTF-8, also when a character is cut off at the end', async () => {
    expect(await read(Uint8Array.of(0x61, 0xff, 0x62))).toBe('a\ufffdb')
    expect(await read(streamOf(Uint8Array.of(0x61, 0xf0), Uint8Array.of(0x9f)))).toBe('a\ufffd')
  })
})

describe('the limit', () => {
  it('lets exactly so many bytes through', async () => {
    expect(await read('x'.repeat(LIMIT))).toBe('x'.repeat(LIMIT))
    expect(await read(streamOf('x'.repeat(LIMIT - 1), 'y'))).toMatch(/xy$/)
    await expect(read('x'.repeat(LIMIT + 1))).rejects.toMatchObject(tooLarge)
  })

  it('counts bytes, not characters', async () => {
    await expect(read(streamOf('é'.repeat(LIMIT / 2 + 1)))).rejects.toMatchObject(tooLarge)
  })

  it('refuses by the announced length before it reads', async () => {
    const { body, taken } = endless(noise(100))
    const before = taken()
    await expect(read(body, { 'Content-Length': String(LIMIT + 1) })).rejects.toMatchObject(tooLarge)
    expect(taken() - before).toBeLessThanOrEqual(100)
  })

  it('ends a chunked body that goes on for ever soon after it', async () => {
    const { body, taken, isCancelled } = endless(new Uint8Array(1000).fill(0x61))
    await expect(read(body)).rejects.toMatchObject(tooLarge)
    expect(taken()).toBeLessThan(LIMIT + 20_000)
    expect(isCancelled()).toBe(false)
  })

  it('does not believe a length that is announced too small', async () => {
    await expect(read(streamOf('x'.repeat(LIMIT + 1)), { 'Content-Length': '5' })).rejects.toMatchObject(tooLarge)
  })

  it('holds for unzipped bytes, however small they are on the wire', async () => {
    const bomb = await gzip(new Uint8Array(20_000_000))
    expect(bomb.length).toBeLessThan(50_000)
    await expect(read(bomb, GZIP, 50_000)).rejects.toMatchObject({ code: 'body_too_large' })
    expect(await read(await gzip('x'.repeat(LIMIT)), GZIP)).toHaveLength(LIMIT)
    await expect(read(await gzip('x'.repeat(LIMIT + 1)), GZIP)).rejects.toMatchObject(tooLarge)
  })

  it('holds for zipped bytes on the wire', async () => {
    const packed = await gzip(noise(LIMIT * 3))
    await expect(read(streamOf(packed), GZIP)).rejects.toMatchObject(tooLarge)
    const parts = Array.from({ length: 30 }, (_, index) => packed.slice(index * 1000, (index + 1) * 1000))
    await expect(read(streamOf(...parts), GZIP)).rejects.toMatchObject(tooLarge)
    // A comment in the header, of which nothing is left when it is unzipped.
    const small = await gzip('x')
    small[3] = 0x10
    const comment = new Uint8Array(LIMIT + 1).fill(0x61)
    const commented = (length: number): ReadableStream<Uint8Array> =>
      streamOf(small.slice(0, 10), comment.slice(0, length), Uint8Array.of(0), small.slice(10))
    expect(await read(commented(100), GZIP)).toBe('x')
    await expect(read(commented(LIMIT), GZIP)).rejects.toMatchObject(tooLarge)
  })
})

describe('gzip', () => {
  it.each(['gzip', 'GZIP', ' gzip '])('is unzipped when the encoding is %j', async (encoding) => {
    expect(await read(await gzip('grün'), { 'Content-Encoding': encoding })).toBe('grün')
  })

  it('may be empty, and arrive byte by byte', async () => {
    expect(await read(await gzip(''), GZIP)).toBe('')
    const packed = await gzip('{"message":"é"}')
    expect(await read(streamOf(...Array.from(packed, (byte) => Uint8Array.of(byte))), GZIP)).toBe('{"message":"é"}')
  })

  it('that is none, is damaged or is cut off is an invalid body', async () => {
    const packed = await gzip(noise(2000))
    const damaged = packed.slice()
    damaged.fill(0x55, 20, 200)
    for (const body of ['{"plain":1}', damaged, packed.slice(0, 1500), packed.slice(0, -4), packed.slice(0, 5)]) {
      await expect(read(body, GZIP)).rejects.toMatchObject({ code: 'invalid_body' })
    }
  })

  it.each(['br', 'deflate', 'gzip, gzip', 'zstd'])('is the only encoding: %s is refused', async (encoding) => {
    await expect(read('x', { 'Content-Encoding': encoding })).rejects.toMatchObject({ code: 'unsupported_media_type' })
  })

  it('may be announced as identity, which is none', async () => {
    expect(await read('plain', { 'Content-Encoding': 'identity' })).toBe('plain')
  })
})

describe('a reader of a body', () => {
  it('that stops early leaves the rest to be discarded, within bounds', async () => {
    for (const headers of [{}, GZIP]) {
      const { body, taken, isCancelled } = endless(new Uint8Array(100_000).fill(0x61))
      const request = post(body, headers)
      await expect(async () => {
        for await (const _ of readBody(request, { ...LIMITS, maxBody: LIMIT })) break
        throw new Error('stopped')
      }).rejects.toThrow()
      await discardBody(request)
      expect(isCancelled()).toBe(true)
      expect(taken()).toBeGreaterThan(1_000_000)
      expect(taken()).toBeLessThan(10_000_000)
    }
  })

  it('that was read to its end has nothing to discard', async () => {
    const request = post('{}')
    for await (const _ of readBody(request, { ...LIMITS, maxBody: LIMIT }));
    await discardBody(request)
    await discardBody(new Request('http://x/'))
  })

  it('is told when the sender breaks off', async () => {
    let sent = false
    const body = new ReadableStream<Uint8Array>({
      pull(controller) {
        if (sent) controller.error(new Error('ECONNRESET 10.0.0.7'))
        else controller.enqueue(new TextEncoder().encode('{"a":1}\n'))
        sent = true
      },
    })
    await expect(read(body)).rejects.toMatchObject({ code: 'invalid_body', message: 'The body was cut off.' })
  })
})
