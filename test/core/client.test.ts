/** The push client against a receiver that does as it is told. Time is fake. */
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import { createPushClient, type PushClient, type PushClientOptions } from '../../src/client/push.ts'
import { createMonitor, MonitorError, memorySource } from '../../src/index.ts'

interface Received {
  readonly at: number
  readonly url: string
  readonly headers: Headers
  readonly init: RequestInit
  readonly lines: readonly { level: string; message: string; ts: string; context: Record<string, unknown> }[]
}

type Reply = (received: Received) => Response | Promise<Response>

const accept: Reply = ({ lines }) => Response.json({ accepted: lines.length, rejected: [] }, { status: 202 })
const answer =
  (status: number, headers: Record<string, string> = {}): Reply =>
  () =>
    Response.json({ error: { code: 'x', message: `said ${status}` } }, { status, headers })
const fail: Reply = () => {
  throw new TypeError('fetch failed', { cause: Object.assign(new Error(''), { code: 'ECONNREFUSED' }) })
}

/** A client, what it sent, and what it said. The replies are given in turn, the last one for ever. */
function bench(options: Partial<PushClientOptions> = {}, ...replies: Reply[]) {
  const received: Received[] = []
  const errors: string[] = []
  const client = createPushClient({
    url: 'http://receiver.test/monitor/',
    token: 'secret',
    onError: (error, stage) => {
      expect(error).toBeInstanceOf(MonitorError)
      expect(stage).toBe('push')
      errors.push((error as Error).message)
    },
    fetch: async (url, init) => {
      const request: Received = {
        at: performance.now(),
        url,
        headers: new Headers(init.headers),
        init,
        lines: await linesOf(init),
      }
      received.push(request)
      const reply = replies[received.length - 1] ?? replies.at(-1) ?? accept
      return await reply(request)
    },
    ...options,
  })
  onTestFinished(() => client.close(0))
  return { client, received, errors, messages: () => received.map(({ lines }) => lines.map(({ message }) => message)) }
}

async function linesOf({ body, headers }: RequestInit): Promise<Received['lines']> {
  const zipped = new Headers(headers).get('Content-Encoding') === 'gzip'
  const stream = new Response(body as BodyInit).body as ReadableStream<Uint8Array<ArrayBuffer>>
  const text = await new Response(zipped ? stream.pipeThrough(new DecompressionStream('gzip')) : stream).text()
  expect(text.endsWith('\n')).toBe(true)
  return text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line))
}

/** Lets so much time pass. Streams and zipping take turns of the real event loop. */
async function pass(ms: number): Promise<void> {
  await turns()
  await vi.advanceTimersByTimeAsync(ms)
  await turns()
}

const realTimeout = globalThis.setTimeout

async function turns(): Promise<void> {
  for (let turn = 0; turn < 4; turn++) await new Promise((resolve) => realTimeout(resolve, 1))
}

function logMany(client: PushClient, count: number, from = 0): void {
  for (let n = from; n < from + count; n++) client.info(`m${n}`)
}

beforeEach(
  () =>
    void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance', 'Date'], now: 1_700_000_000_000 }),
)
afterEach(() => {
  vi.useRealTimers()
  vi.restoreAllMocks()
})

describe('a push client', () => {
  it('sends what was logged together, as it was at that time, with the token in its header only', async () => {
    const { client, received } = bench()
    const context: Record<string, unknown> = { list: [1], big: 12n }
    context.self = context
    client.log('error', 'failed', context)
    context.list = 'changed'
    client.warn('second', new Error('boom'))
    client.push({ level: 20, msg: 'from pino', time: 1_600_000_000_000 })
    await pass(199)
    expect(received).toEqual([])
    await pass(1)
    expect(received).toHaveLength(1)
    const [{ url, headers, lines, init }] = received as [Received]
    expect(url).toBe('http://receiver.test/monitor/logs')
    expect(Object.fromEntries(headers)).toEqual({
      authorization: 'Bearer secret',
      'content-type': 'application/x-ndjson',
      'idempotency-key': expect.stringMatching(/^[0-9a-f]{24}-1$/),
    })
    expect(JSON.stringify([url, lines, init.body])).not.toContain('secret')
    expect(lines).toMatchObject([
      {
        level: 'error',
        message: 'failed',
        ts: '2023-11-14T22:13:20.000Z',
        context: { list: [1], big: 12, self: '[Circular]' },
      },
      { level: 'warn', message: 'second', context: { type: 'Error', message: 'boom' } },
      { level: 'debug', message: 'from pino', ts: '2020-09-13T12:26:40.000Z' },
    ])
    expect(client.stats()).toEqual({ pending: 0, delivered: 3, dropped: 0, refused: 0 })
    client.fatal('third')
    client.trace('t')
    client.debug('d')
    await pass(200)
    expect(received[1]?.headers.get('Idempotency-Key')).toBe(headers.get('Idempotency-Key')?.replace(/1$/, '2'))
    expect(received[1]?.lines.map(({ level }) => level)).toEqual(['fatal', 'trace', 'debug'])
  })

  it('divides what is too much for a batch, sends a full one at once, and keeps the order with one request at a time', async () => {
    let open = 0
    let most = 0
    const { client, received, messages } = bench({ batchBytes: 1000 }, async (request) => {
      most = Math.max(most, ++open)
      await new Promise((resolve) => setTimeout(resolve, 50))
      open--
      return accept(request)
    })
    logMany(client, 100)
    await pass(0)
    expect(received.length).toBe(1)
    await pass(10_000)
    expect(messages().flat()).toEqual(Array.from({ length: 100 }, (_, n) => `m${n}`))
    expect(received.length).toBeGreaterThan(5)
    expect(most).toBe(1)
    for (const { init } of received) expect((init.body as string).length).toBeLessThanOrEqual(1000 + 20)
  })

  it('does not send a second time what is under way when it is flushed', async () => {
    const { client, received } = bench({}, async (request) => {
      await new Promise((resolve) => setTimeout(resolve, 1000))
      return accept(request)
    })
    client.info('a')
    await pass(200)
    const flushed = client.flush()
    await pass(1200)
    await flushed
    expect(received).toHaveLength(1)
  })

  it('zips a large body and not a small one', async () => {
    const { client, received } = bench()
    client.info('x'.repeat(100_000))
    await pass(200)
    await pass(0)
    client.info('y')
    await pass(200)
    expect(received.map(({ headers }) => headers.get('Content-Encoding'))).toEqual(['gzip', null])
    expect((received[0]?.init.body as ArrayBuffer).byteLength).toBeLessThan(2000)
    const plain = bench({ gzip: false })
    plain.client.info('x'.repeat(100_000))
    await pass(200)
    expect(plain.received[0]?.headers.has('Content-Encoding')).toBe(false)
  })

  it('sends again with the same key and bytes until it is taken, later and later, and tells it once', async () => {
    vi.spyOn(Math, 'random').mockReturnValue(1)
    const { client, received, errors, messages } = bench({}, fail, answer(503), answer(500), answer(429), accept)
    client.info('a')
    await pass(200)
    client.info('b')
    await pass(20_000)
    expect(messages()).toEqual([['a'], ['a'], ['a'], ['a'], ['a'], ['b']])
    expect(new Set(received.slice(0, 5).map(({ headers }) => headers.get('Idempotency-Key'))).size).toBe(1)
    const waits = received.slice(1, 5).map(({ at }, index) => at - (received[index] as Received).at)
    expect(waits).toEqual([250, 500, 1000, 2000])
    expect(errors).toEqual([
      'http://receiver.test/monitor/logs cannot be reached (ECONNREFUSED). The entries wait and are sent again.',
    ])
    expect(client.stats()).toEqual({ pending: 0, delivered: 2, dropped: 0, refused: 0 })
  })

  it('jitters its waits from nothing to the whole', async () => {
    vi.spyOn(Math, 'random').mockReturnValue(0)
    const { client, received } = bench({}, fail, fail, accept)
    client.info('a')
    await pass(200)
    await pass(0)
    expect(received.map(({ at }) => at - (received[0] as Received).at)).toEqual([0, 0, 0])
  })

  it.each([
    ['7', 7000],
    [new Date(1_700_000_000_000 + 9200).toUTCString(), 8800],
    ['86400', 600_000],
    ['soon', 0],
  ])('waits as long as Retry-After says: %s', async (value, ms) => {
    vi.spyOn(Math, 'random').mockReturnValue(0)
    const { client, received } = bench({}, answer(503, { 'Retry-After': value }), accept)
    client.info('a')
    await pass(200)
    await pass(Math.max(0, ms - 1))
    expect(received).toHaveLength(ms === 0 ? 2 : 1)
    await pass(1)
    expect(received).toHaveLength(2)
  })

  it('gives up a request that is not answered in time and repeats it', async () => {
    const { client, received, errors } = bench(
      { timeoutMs: 1000 },
      ({ init }) =>
        new Promise((_, reject) => init.signal?.addEventListener('abort', () => reject(init.signal?.reason as Error))),
      accept,
    )
    client.info('a')
    await pass(200)
    await pass(999)
    expect(received[0]?.init.signal?.aborted).toBe(false)
    await pass(1)
    await pass(250)
    expect(received).toHaveLength(2)
    expect(errors[0]).toContain('it did not answer in time')
  })

  it('divides a batch that the receiver finds too large, and sends less from then on', async () => {
    const limit: Reply = (request) =>
      JSON.stringify(request.lines).length > 600 ? answer(413)(request) : accept(request)
    const { client, messages, errors, received } = bench({}, limit)
    logMany(client, 40)
    await pass(200)
    await pass(10_000)
    const taken = messages().filter((_, index) => JSON.stringify(received[index]?.lines).length <= 600)
    expect(taken.flat()).toEqual(Array.from({ length: 40 }, (_, n) => `m${n}`))
    expect(new Set(received.map(({ headers }) => headers.get('Idempotency-Key'))).size).toBe(received.length)
    client.info('x'.repeat(700))
    await pass(200)
    await pass(200)
    expect(errors).toEqual(['http://receiver.test/monitor/logs answered 413: said 413 1 entry was lost.'])
    expect(client.stats()).toEqual({ pending: 0, delivered: 40, dropped: 0, refused: 1 })
  })

  it.each([
    401, 403, 404, 400, 415, 301, 200,
  ])('counts what is refused with %i, and tells it once a minute', async (status) => {
    vi.spyOn(Math, 'random').mockReturnValue(0.9)
    const { client, errors, received } = bench({}, answer(status))
    client.info('a')
    await pass(200)
    expect(errors).toHaveLength(1)
    expect(errors[0]).toMatch(/^http:\/\/receiver\.test.* 1 entry was lost\.$/)
    for (let n = 0; n < 58; n++) {
      client.info('b')
      await pass(1000)
    }
    expect(errors).toHaveLength(1)
    // Nor is the receiver hammered.
    expect(received.length).toBeLessThan(58)
    await pass(20_000)
    client.info('c')
    await pass(20_000)
    expect(errors).toHaveLength(2)
    expect(errors[1]).toContain('59 entries were lost.')
    expect(client.stats()).toEqual({ pending: 0, delivered: 0, dropped: 0, refused: 60 })
  })

  it('counts and tells lines that were rejected, and what cannot be sent at all', async () => {
    const { client, errors } = bench({}, () =>
      Response.json({ accepted: 1, rejected: [{ line: 2, error: 'An entry is bad.' }] }, { status: 202 }),
    )
    client.info('a')
    client.info('b')
    await pass(200)
    expect(errors).toEqual(['The monitor rejected entries: An entry is bad. 1 entry was lost.'])
    client.push('no object')
    expect(client.stats()).toEqual({ pending: 0, delivered: 1, dropped: 0, refused: 2 })
    await client.close()
    expect(errors[1]).toBe('An entry cannot be sent. An entry is a JSON object. 1 entry was lost.')
  })

  it('drops the oldest when the buffer is full, and says how many in their place', async () => {
    let isDown = true
    const { client, messages, received } = bench({ maxBufferEntries: 10, timeoutMs: 500 }, (request) =>
      isDown ? fail(request) : accept(request),
    )
    logMany(client, 3)
    await pass(200)
    logMany(client, 133, 3)
    await pass(3000)
    expect(client.stats()).toEqual({ pending: 13, delivered: 0, dropped: 123, refused: 0 })
    isDown = false
    await pass(12_000)
    // The batch under way stays whole.
    const sent = received.findIndex(({ lines }) => lines.length > 3)
    expect(messages()[sent - 1]).toEqual(['m0', 'm1', 'm2'])
    const last = Array.from({ length: 10 }, (_, n) => `m${126 + n}`)
    expect(messages()[sent]).toEqual(['edgetail client dropped 123 entries', ...last])
    expect(received[sent]?.lines[0]).toMatchObject({ level: 'warn', context: { dropped: 123 } })
    expect(client.stats()).toEqual({ pending: 0, delivered: 13, dropped: 123, refused: 0 })
  })

  it('holds the buffer to its bytes', async () => {
    const { client } = bench({ maxBufferBytes: 5000 }, fail)
    for (let n = 0; n < 50; n++) client.info('x'.repeat(400))
    const { pending, dropped } = client.stats()
    expect(pending + dropped).toBe(50)
    expect(pending).toBe(Math.floor(5000 / (400 + 72)))
    client.info('y'.repeat(6000))
    expect(client.stats()).toMatchObject({ pending: 0, dropped: 51 })
  })

  it('flushes at once, and no longer than it may', async () => {
    vi.spyOn(Math, 'random').mockReturnValue(1)
    const { client, received } = bench({}, fail, fail, fail, fail, fail, fail, accept)
    client.info('a')
    const done = vi.fn()
    void client.flush(1000).then(done)
    await pass(0)
    expect(received).toHaveLength(1)
    await pass(999)
    expect(done).not.toHaveBeenCalled()
    await pass(10)
    expect(done).toHaveBeenCalled()
    expect(client.stats().pending).toBe(1)
    // Somebody waits: it does not wait for seconds between.
    void client.flush(20_000)
    await pass(3000)
    expect(client.stats()).toMatchObject({ pending: 0, delivered: 1 })
    await client.flush()
  })

  it('closes in time, tells what it leaves behind, and takes nothing more', async () => {
    const { client, errors, received } = bench({}, fail)
    logMany(client, 7)
    const closed = client.close(1000)
    expect(client.close()).toBe(closed)
    await pass(1000)
    await closed
    const refused = 'http://receiver.test/monitor/logs cannot be reached (ECONNREFUSED).'
    expect(errors.at(-1)).toBe(`${refused} 7 entries were not delivered.`)
    const before = received.length
    client.info('late')
    await pass(60_000)
    expect(received).toHaveLength(before)
    expect(errors.at(-1)).toBe('The client is closed and takes no more entries. 1 entry was lost.')
    expect(client.stats()).toEqual({ pending: 0, delivered: 0, dropped: 7, refused: 1 })
  })

  it('tells in the end why the rest was not taken', async () => {
    const full: Reply = () => Response.json({ error: { message: 'No room for another stream.' } }, { status: 507 })
    const { client, errors } = bench({}, full)
    logMany(client, 1)
    const closed = client.close(1000)
    await pass(1000)
    await closed
    const said = 'http://receiver.test/monitor/logs answered 507: No room for another stream.'
    expect(errors).toEqual([`${said} The entries wait and are sent again.`, `${said} 1 entry was not delivered.`])
  })

  it('tells in the end when an answer took too long, whatever the one before said', async () => {
    const { client, errors } = bench({}, answer(503), accept, () => new Promise(() => {}))
    logMany(client, 1)
    await pass(2000)
    expect(client.stats().delivered).toBe(1)
    logMany(client, 2)
    await pass(300)
    // The request is under way in the background, and is not waited for any longer.
    const closed = client.close(1000)
    await pass(1100)
    await closed
    expect(errors.at(-1)).toBe('http://receiver.test/monitor/logs took too long. 2 entries were not delivered.')
  })

  it('survives an onError that throws, and a fetch that does', async () => {
    const told = vi.spyOn(console, 'error').mockImplementation(() => {})
    const { client } = bench({
      onError: () => {
        throw new Error('no')
      },
      fetch: () => {
        throw new Error('not even a promise')
      },
    })
    client.info('a')
    await pass(200)
    expect(told).toHaveBeenCalledTimes(1)
    expect(client.stats().pending).toBe(1)
  })

  it('says by itself what is wrong, without the token', async () => {
    const told = vi.spyOn(console, 'error').mockImplementation(() => {})
    const { client } = bench({ onError: undefined }, answer(401))
    client.info('a')
    await pass(200)
    expect(told.mock.calls).toEqual([
      ['edgetail: http://receiver.test/monitor/logs answered 401: said 401 1 entry was lost.'],
    ])
  })

  it.each([
    [{ url: undefined }, /^url is/],
    [{ url: 'receiver.test' }, /^url is/],
    [{ url: 'ftp://receiver.test' }, /^url is/],
    [{ url: 'http://me:secret@receiver.test' }, /^url is/],
    [{ url: 'http://receiver.test/monitor#token=secret' }, /^url is/],
    [{ token: 'secret\n' }, /^token is/],
    [{ flushMs: -1 }, /^flushMs is/],
    [{ timeoutMs: Number.NaN }, /^timeoutMs is/],
    [{ maxBufferEntries: 0 }, /^maxBufferEntries is/],
  ])('refuses %j, and does not repeat it', (options, sentence) => {
    const make = (): PushClient => createPushClient({ url: 'http://receiver.test', ...options } as PushClientOptions)
    expect(make).toThrow(sentence)
    expect(make).toThrow(expect.objectContaining({ code: 'invalid_setting' }))
    expect(make).not.toThrow(/secret/)
  })
})

describe('a push client and a real monitor', () => {
  it('stores each entry once, also when the answers are lost', async () => {
    vi.useRealTimers()
    vi.spyOn(Math, 'random').mockReturnValue(0)
    const monitor = createMonitor({ source: memorySource(), token: 'secret' })
    let requests = 0
    const client = createPushClient({
      url: 'http://receiver.test',
      token: 'secret',
      batchBytes: 500,
      onError: () => {},
      fetch: async (url, init) => {
        const response = await monitor.routes.request(url.replace('http://receiver.test', ''), init)
        if (++requests % 2 === 1) throw new TypeError('The answer was lost.')
        return response
      },
    })
    for (let n = 0; n < 60; n++) client.info(`m${n}`, { n })
    await client.flush()
    const entries = await monitor.getLastLogs(1000)
    expect(entries.map(({ context }) => context.n)).toEqual(Array.from({ length: 60 }, (_, n) => n))
    expect(requests).toBeGreaterThan(15)
    await client.close()
    await monitor.close()
  })
})
