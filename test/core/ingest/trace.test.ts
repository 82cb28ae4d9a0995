import { describe, expect, it } from 'vitest'
import { type Trace, traceOrigin, traceRecords } from '../../../src/ingest/trace.ts'
import type { LogEntry } from '../../../src/log.ts'
import { createRandom } from '../../support/random.ts'

const NOW = Date.parse('2026-11-23T12:00:00.000Z')

/** An invocation as workerd gives it. */
const TRACE = {
  event: {
    request: {
      url: 'https://user:hunter1@shop.example/pay?token=hunter2#hunter3',
      method: 'POST',
      headers: { 'cf-ray': '8c5a1b2c3d4e5f60', authorization: 'REDACTED', cookie: 'session=hunter4' },
      cf: { city: 'Austin' },
    },
    response: { status: 500 },
  },
  eventTimestamp: NOW - 1000,
  logs: [
    { timestamp: NOW - 900, level: 'log', message: ['paying', { orderId: 7 }] },
    { timestamp: NOW - 900, level: 'debug', message: ['%s took %d ms', 'card', 12] },
    {
      timestamp: NOW - 700,
      level: 'error',
      message: ['failed', 'RangeError: too far'],
      errorInfo: [null, { name: 'RangeError', message: 'too far', stack: '    at pay (worker.js:1:2)' }],
    },
    { timestamp: NOW - 500, level: 'warn', message: ['after'] },
  ],
  exceptions: [
    { timestamp: NOW - 600, name: 'TypeError', message: 'boom', stack: '    at Object.fetch (worker.js:3:4)' },
  ],
  diagnosticsChannelEvents: [],
  scriptName: 'shop',
  scriptVersion: { id: 'v-7' },
  entrypoint: 'default',
  outcome: 'exception',
  executionModel: 'stateless',
  truncated: false,
  cpuTime: 3,
  wallTime: 800,
}

function entries(trace: unknown, invocations: 'failed' | 'all' = 'failed'): LogEntry[] {
  return traceRecords(trace as Trace, invocations, NOW).map(({ entry, json }) => {
    expect(JSON.parse(json)).toEqual(entry)
    return entry
  })
}

/** The entry that tells how an invocation with this event ended. */
function ending(event: unknown, fields: object = {}): LogEntry {
  const [entry, ...others] = entries({ event, eventTimestamp: NOW, outcome: 'ok', ...fields }, 'all')
  expect(others).toEqual([])
  return entry as LogEntry
}

describe('traceRecords', () => {
  const worker = {
    script: 'shop',
    version: 'v-7',
    entrypoint: 'default',
    requestId: '8c5a1b2c3d4e5f60',
    event: { type: 'fetch', method: 'POST', url: 'https://shop.example/pay', status: 500 },
  }

  it('makes an entry of each line and exception, in the order of time, and one of the end', () => {
    expect(entries(TRACE)).toEqual([
      { ts: '2026-11-23T11:59:59.100Z', level: 'info', message: 'paying { orderId: 7 }', context: { worker } },
      { ts: '2026-11-23T11:59:59.100Z', level: 'debug', message: 'card took 12 ms', context: { worker } },
      {
        ts: '2026-11-23T11:59:59.300Z',
        level: 'error',
        message: 'failed RangeError: too far',
        context: {
          err: { type: 'RangeError', message: 'too far', stack: 'RangeError: too far\n    at pay (worker.js:1:2)' },
          worker,
        },
      },
      {
        ts: '2026-11-23T11:59:59.400Z',
        level: 'error',
        message: 'TypeError: boom',
        context: {
          err: { type: 'TypeError', message: 'boom', stack: 'TypeError: boom\n    at Object.fetch (worker.js:3:4)' },
          worker,
        },
      },
      { ts: '2026-11-23T11:59:59.500Z', level: 'warn', message: 'after', context: { worker } },
      {
        ts: '2026-11-23T11:59:59.800Z',
        level: 'error',
        message: 'POST https://shop.example/pay 500: exception',
        context: { worker: { ...worker, outcome: 'exception', cpuTimeMs: 3, wallTimeMs: 800 } },
      },
    ])
    expect(JSON.stringify(entries(TRACE))).not.toMatch(/hunter|Austin/)
  })

  it('keeps lines of one moment in their order, before an exception of that moment', () => {
    const logs = Array.from({ length: 50 }, (_, n) => ({ timestamp: NOW, level: 'log', message: [`line ${n}`] }))
    const exceptions = [{ timestamp: NOW, name: 'Error', message: 'boom' }]
    expect(entries({ logs, exceptions, outcome: 'ok' }).map(({ message }) => message)).toEqual([
      ...logs.map((_, n) => `line ${n}`),
      'Error: boom',
    ])
  })

  it('reads a lone JSON object as an entry of its own, under the level of the call', () => {
    const context = { worker: { script: 'shop' } }
    const of = (level: string, ...message: unknown[]): LogEntry | undefined =>
      entries({ scriptName: 'shop', logs: [{ timestamp: NOW, level, message }], outcome: 'ok' })[0]
    expect(of('error', { msg: 'structured', orderId: 7 })).toEqual({
      ts: '2026-11-23T12:00:00.000Z',
      level: 'error',
      message: 'structured',
      context: { ...context, orderId: 7 },
    })
    expect(of('log', '{"level":50,"time":1767323045678,"msg":"from pino","pid":7}')).toEqual({
      ts: '2026-01-02T03:04:05.678Z',
      level: 'error',
      message: 'from pino',
      context: { ...context, pid: 7 },
    })
    expect(of('warn', { severity: 'debug', message: 'x' })).toMatchObject({ level: 'debug' })
    expect(of('warn', { message: 'x', context: { a: 1 } })?.context).toEqual({ ...context, a: 1 })
    expect(of('warn', { message: 'x', context: 'text' })?.context).toEqual({ ...context, value: 'text' })
    expect(of('warn', { message: 'x', worker: 'mine' })?.context).toEqual({ worker: 'mine' })
    // With something beside it, or not whole, it is text.
    expect(of('log', { a: 1 }, 'b')?.message).toBe('{ a: 1 } b')
    expect(of('log', '{"a":')?.message).toBe('{"a":')
    expect(of('log', [1, 2])?.message).toBe('[ 1, 2 ]')
    expect(of('log', `${'{"a":'.repeat(100)}1${'}'.repeat(100)}`)?.message).toMatch(/^\{"a":\{"a":/)
  })

  it.each([
    ['log', 'info'],
    ['info', 'info'],
    ['debug', 'debug'],
    ['warn', 'warn'],
    ['error', 'error'],
    ['trace', 'trace'],
    ['new in 2030', 'info'],
  ])('takes console.%s for %s', (level, expected) => {
    expect(entries({ logs: [{ timestamp: NOW, level, message: ['x'] }], outcome: 'ok' })[0]?.level).toBe(expected)
  })

  it('has all errors of a line', () => {
    const errorInfo = ['one', 'two'].map((message) => ({ name: 'Error', message }))
    const [entry] = entries({ logs: [{ timestamp: NOW, level: 'log', message: ['x'], errorInfo }], outcome: 'ok' })
    expect(entry?.context).toMatchObject({ err: { message: 'one' }, errors: [{ message: 'two' }] })
  })

  it('leaves blank lines out, as standard input does', () => {
    const logs = [[], [''], [' \n'], ['x']].map((message) => ({ timestamp: NOW, level: 'log', message }))
    expect(entries({ logs, outcome: 'ok' }).map(({ message }) => message)).toEqual(['x'])
  })

  it('cuts a huge line and marks it', () => {
    const logs = [{ timestamp: NOW, level: 'log', message: ['é'.repeat(50_000), { a: 1 }] }]
    const [entry] = entries({ logs, outcome: 'ok' })
    expect(entry?.message.length).toBe(16 * 1024)
    expect(entry?.context.truncated).toEqual({ message: 100_009 })
  })
})

describe('how an invocation ended', () => {
  const url = 'https://a.example/x'
  const fetched = (status?: number): object => ({
    request: { url, method: 'GET', headers: {} },
    ...(status !== undefined && { response: { status } }),
  })

  it.each([
    ['fetch', fetched(200), `GET ${url} 200: ok`, { method: 'GET', url, status: 200 }],
    ['rpc', { rpcMethod: 'hi' }, 'rpc hi: ok', { method: 'hi' }],
    [
      'scheduled',
      { cron: '* * * * *', scheduledTime: NOW },
      'scheduled * * * * *: ok',
      { cron: '* * * * *', scheduledTime: NOW },
    ],
    ['alarm', { scheduledTime: new Date(NOW) }, 'alarm: ok', { scheduledTime: NOW }],
    ['queue', { queue: 'mail', batchSize: 3 }, 'queue mail: ok', { queue: 'mail', batchSize: 3 }],
    [
      'email',
      { mailFrom: 'a@x.example', rcptTo: 'b@y.example', rawSize: 9 },
      'email: ok',
      { from: 'a@x.example', to: 'b@y.example', bytes: 9 },
    ],
    ['tail', { consumedEvents: [{ scriptName: 'shop' }] }, 'tail: ok', {}],
    [
      'websocket',
      { getWebSocketEvent: { webSocketEventType: 'close', code: 1005, wasClean: true } },
      'websocket close: ok',
      { what: 'close', code: 1005, wasClean: true },
    ],
    ['hibernate', { reason: 'inactive' }, 'hibernate: ok', { reason: 'inactive' }],
    ['other', {}, 'other: ok', {}],
  ])('names the event %s', (type, event, message, fields) => {
    expect(ending(event)).toMatchObject({ level: 'info', message, context: { worker: { event: { type, ...fields } } } })
  })

  it.each([
    ['ok', 200, false, 'info'],
    ['ok', 404, false, 'warn'],
    ['ok', 503, false, 'error'],
    ['ok', 200, true, 'warn'],
    ['exception', undefined, false, 'error'],
    ['exceededCpu', 200, false, 'error'],
    ['exceededMemory', undefined, true, 'error'],
    ['canceled', undefined, false, 'warn'],
    ['responseStreamDisconnected', 200, false, 'warn'],
    [undefined, 200, false, 'error'],
  ])('counts the outcome %s with status %s, cut %s, as %s', (outcome, status, truncated, level) => {
    expect(ending(fetched(status), { outcome, truncated }).level).toBe(level)
  })

  it('is told only of those that failed, unless all are asked for', () => {
    expect(entries({ event: fetched(500), outcome: 'ok' })).toEqual([])
    expect(entries({ event: fetched(500), outcome: 'ok' }, 'all')).toHaveLength(1)
    expect(entries({ event: fetched(), outcome: 'canceled' })).toHaveLength(1)
    // Of this one lines are missing.
    const cut = entries({ event: fetched(200), outcome: 'ok', truncated: true })
    expect(cut.map(({ message }) => message)).toEqual([`GET ${url} 200: ok, some of what it logged is missing`])
  })

  it('is never before what was logged', () => {
    const logs = [{ timestamp: NOW + 5000, level: 'log', message: ['x'] }]
    const ended = entries({ event: fetched(200), eventTimestamp: NOW, logs, outcome: 'ok', wallTime: 0 }, 'all').at(-1)
    expect(ended?.ts).toBe('2026-11-23T12:00:05.000Z')
  })
})

describe('an event that is not what it should be', () => {
  const hostile: unknown = new Proxy(
    {},
    {
      get() {
        throw new Error('no')
      },
    },
  )

  it.each([
    ['nothing', {}],
    ['null', { event: null, logs: null, exceptions: null, outcome: null }],
    ['other types', { event: 'x', logs: 'x', exceptions: 7, eventTimestamp: 'x', outcome: 7, scriptName: {} }],
    ['what throws', hostile],
    [
      'what throws within',
      { event: hostile, logs: hostile, exceptions: hostile, scriptVersion: hostile, outcome: 'exception' },
    ],
    ['no address', { event: { request: { url: 'not a url?token=hunter2', method: 'GET' } }, outcome: 'exception' }],
    ['times out of range', { eventTimestamp: 1e300, wallTime: 1e300, outcome: 'exception' }],
  ])('still tells that it ended: %s', (_name, trace) => {
    const found = entries(trace)
    expect(found).toHaveLength(1)
    expect(found[0]).toMatchObject({ level: 'error', message: expect.stringMatching(/: (unknown|exception|7)$/) })
    expect(JSON.stringify(found)).not.toContain('hunter')
  })

  it('keeps the lines beside one that cannot be read', () => {
    const logs = [
      { timestamp: NOW, level: 'log', message: ['first'] },
      hostile,
      { message: [hostile] },
      { timestamp: Number.NaN, level: 7, message: 'no list' },
      null,
      { timestamp: -1, message: [{ message: 'last', ts: 'never' }] },
    ]
    expect(entries({ logs, exceptions: [hostile, null, { message: 'x' }], outcome: 'ok' })).toMatchObject([
      { message: 'first' },
      { message: '[unreadable]' },
      { message: 'no list', ts: '2026-11-23T12:00:00.000Z' },
      { message: 'last', ts: '2026-11-23T12:00:00.000Z', context: { ts: 'never' } },
      { message: 'Unknown exception', level: 'error' },
      { message: 'Unknown exception' },
      { message: 'x' },
    ])
  })

  it('is told from where it came, also when it throws', () => {
    expect(traceOrigin(TRACE)).toEqual({ script: 'shop', durableObjectId: undefined, isTail: false })
    expect(traceOrigin({ event: { consumedEvents: [] } }).isTail).toBe(true)
    expect(traceOrigin(hostile as Trace)).toEqual({ script: undefined, durableObjectId: undefined, isTail: false })
  })

  it('never throws, in 2,000 seeded ones', () => {
    const { pick, chance, int } = createRandom(5)
    const values = [
      undefined,
      null,
      0,
      -1,
      1e300,
      Number.NaN,
      '',
      'x',
      '{"level":"warn"}',
      [],
      {},
      hostile,
      NOW,
      10n,
      true,
    ]
    const any = (): unknown => pick(values)
    const sometimes = (value: unknown): unknown => (chance(0.7) ? value : any())
    const some = (make: () => unknown): unknown[] => Array.from({ length: int(0, 3) }, make)
    const broken: string[] = []
    for (let round = 0; round < 2000; round++) {
      const trace = {
        event: sometimes({
          request: sometimes({ url: any(), method: any(), headers: any() }),
          [pick(['cron', 'queue', 'reason', 'mailFrom', 'consumedEvents', 'x'])]: any(),
        }),
        eventTimestamp: any(),
        logs: sometimes(
          some(() => sometimes({ timestamp: any(), level: any(), message: sometimes(some(any)), errorInfo: any() })),
        ),
        exceptions: sometimes(some(() => sometimes({ timestamp: any(), name: any(), message: any(), stack: any() }))),
        outcome: any(),
        truncated: any(),
        wallTime: any(),
      }
      for (const { entry, json } of traceRecords(trace, 'all', NOW)) {
        if (Object.keys(entry).join() !== 'ts,level,message,context' || Number.isNaN(Date.parse(entry.ts)))
          broken.push(json)
      }
    }
    expect(broken).toEqual([])
  })
})
