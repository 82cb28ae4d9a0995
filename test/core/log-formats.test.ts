/** Lines as loggers write them, and values as programs hold them. */
import { describe, expect, it } from 'vitest'
import { type LogEntry, MAX_DEPTH } from '../../src/log.ts'
import { createRecord, normalizeEntry } from '../../src/normalize.ts'

const NOW = Date.parse('2025-03-01T12:00:00.000Z')

const read = (line: string): LogEntry => normalizeEntry(JSON.parse(line), NOW).entry

describe('the lines of', () => {
  it('pino', () => {
    const line =
      '{"level":50,"time":1714979289123,"pid":4242,"hostname":"web-1","reqId":"r-7","err":{"type":"TypeError","message":"x is undefined","stack":"TypeError: x is undefined\\n    at f (a.js:1:1)"},"msg":"request failed"}'
    expect(read(line)).toEqual({
      ts: '2024-05-06T07:08:09.123Z',
      level: 'error',
      message: 'request failed',
      context: {
        pid: 4242,
        hostname: 'web-1',
        reqId: 'r-7',
        err: {
          type: 'TypeError',
          message: 'x is undefined',
          stack: 'TypeError: x is undefined\n    at f (a.js:1:1)',
        },
      },
    })
  })

  it('bunyan', () => {
    const line =
      '{"name":"shop","hostname":"web-1","pid":4242,"level":40,"msg":"slow query","time":"2024-05-06T07:08:09.123Z","v":0}'
    expect(read(line)).toEqual({
      ts: '2024-05-06T07:08:09.123Z',
      level: 'warn',
      message: 'slow query',
      context: { name: 'shop', hostname: 'web-1', pid: 4242, v: 0 },
    })
  })

  it('winston', () => {
    const line =
      '{"level":"warn","message":"disk at 91%","service":"store","stack":"Error: full\\n    at g","timestamp":"2024-05-06T07:08:09.123Z"}'
    expect(read(line)).toEqual({
      ts: '2024-05-06T07:08:09.123Z',
      level: 'warn',
      message: 'disk at 91%',
      context: { service: 'store', stack: 'Error: full\n    at g' },
    })
  })

  it('ECS with dotted names', () => {
    const line =
      '{"@timestamp":"2024-05-06T07:08:09.123Z","log.level":"ERROR","message":"boom","ecs.version":"8.11.0","log.logger":"app.Main"}'
    expect(read(line)).toEqual({
      ts: '2024-05-06T07:08:09.123Z',
      level: 'error',
      message: 'boom',
      context: { 'ecs.version': '8.11.0', 'log.logger': 'app.Main' },
    })
  })

  it('ECS with nested objects', () => {
    const line =
      '{"@timestamp":"2024-05-06T07:08:09.123Z","log":{"level":"warning","logger":"app.Main"},"message":"boom","ecs":{"version":"8.11.0"}}'
    expect(read(line)).toEqual({
      ts: '2024-05-06T07:08:09.123Z',
      level: 'warn',
      message: 'boom',
      context: { log: { logger: 'app.Main' }, ecs: { version: '8.11.0' } },
    })
    const bare = read('{"log":{"level":"fatal"}}')
    expect([bare.level, bare.message, bare.context]).toEqual(['fatal', '', {}])
    expect(read('{"log":{"level":"odd"}}')).toMatchObject({ level: 'info', context: { level: 'odd' } })
    expect(read('{"level":"debug","log":{"level":"odd"}}')).toMatchObject({
      level: 'debug',
      context: { log: { level: 'odd' } },
    })
  })

  it('Caddy', () => {
    const line =
      '{"level":"info","ts":1714979289.1234567,"logger":"http.log.access","msg":"handled request","request":{"method":"GET","uri":"/"},"status":200}'
    expect(read(line)).toEqual({
      ts: '2024-05-06T07:08:09.123Z',
      level: 'info',
      message: 'handled request',
      context: { logger: 'http.log.access', request: { method: 'GET', uri: '/' }, status: 200 },
    })
  })

  it('Docker', () => {
    const line = '{"log":"listening on 8080\\n","stream":"stderr","time":"2024-05-06T07:08:09.123456789Z"}'
    expect(read(line)).toEqual({
      ts: '2024-05-06T07:08:09.123Z',
      level: 'info',
      message: 'listening on 8080',
      context: { stream: 'stderr' },
    })
  })

  it('Google Cloud', () => {
    const line = '{"severity":"CRITICAL","message":"out of quota","timestamp":"2024-05-06T07:08:09Z","trace":"t/1"}'
    expect(read(line)).toEqual({
      ts: '2024-05-06T07:08:09.000Z',
      level: 'fatal',
      message: 'out of quota',
      context: { trace: 't/1' },
    })
  })
})

describe('two fields for one thing', () => {
  it('the first is read and the other is kept', () => {
    const entry = read('{"message":"a","msg":"b","log":"c","level":30,"severity":"x","ts":0,"time":"t"}')
    expect(entry).toEqual({
      ts: '1970-01-01T00:00:00.000Z',
      level: 'info',
      message: 'a',
      context: { msg: 'b', log: 'c', severity: 'x', time: 't' },
    })
  })
})

describe('createRecord', () => {
  const create = (message: unknown, context?: unknown): LogEntry => createRecord('error', message, context, NOW).entry

  it('makes a snapshot that later changes do not reach', () => {
    const context = { list: [1] }
    const { entry, json } = createRecord('error', 'failed', context, NOW)
    context.list.push(2)
    expect(json).toBe('{"ts":"2025-03-01T12:00:00.000Z","level":"error","message":"failed","context":{"list":[1]}}')
    expect(JSON.stringify(entry)).toBe(json)
  })

  it('takes a level as a careless program gives it', () => {
    const of = (level: unknown): LogEntry => createRecord(level as 'info', 'm', undefined, NOW).entry
    expect(of('WARNING').level).toBe('warn')
    expect(of('"odd"')).toMatchObject({ level: 'info', context: { level: '"odd"' } })
    expect(of(undefined)).toEqual({ ts: '2025-03-01T12:00:00.000Z', level: 'info', message: 'm', context: {} })
  })

  it.each([
    [undefined, {}],
    [null, {}],
    ['text', { value: 'text' }],
    [7, { value: 7 }],
    [[1, 2], { value: [1, 2] }],
    [new Date(0), { value: '1970-01-01T00:00:00.000Z' }],
    [
      { big: 12n, bigger: 2n ** 60n },
      { big: 12, bigger: '1152921504606846976' },
    ],
    [
      { map: new Map([['a', 1]]), set: new Set([1]) },
      { map: { a: 1 }, set: [1] },
    ],
    [
      { none: undefined, nan: Number.NaN, symbol: Symbol('s') },
      { nan: null, symbol: 'Symbol(s)' },
    ],
  ])('case %#: keeps a context as far as JSON can say it', (context, expected) => {
    expect(create('m', context).context).toEqual(expected)
  })

  it('keeps errors with their fields, causes and parts', () => {
    const cause = new AggregateError([new Error('refused')], 'no address')
    const error = Object.assign(new TypeError('bad', { cause }), { code: 'E_BAD' })
    const expected = {
      type: 'TypeError',
      message: 'bad',
      stack: error.stack,
      code: 'E_BAD',
      cause: { type: 'AggregateError', errors: [{ message: 'refused' }] },
    }
    expect(create('m', error).context).toMatchObject(expected)
    expect(create('m', { err: error }).context).toMatchObject({ err: expected })
    expect(create(error).message).toBe(error.stack)
  })

  it('ends in cycles, also in cycles of errors and maps that branch', () => {
    const object: { self?: unknown } = {}
    object.self = object
    expect(create('m', object).context).toEqual({ self: '[Circular]' })
    const error: Error & { a?: unknown; b?: unknown } = new Error('x')
    const map = new Map<string, unknown>([['error', error]])
    Object.assign(error, { a: error, b: map, c: [error, map] })
    expect(create('m', { error }).context).toMatchObject({ error: { a: '[Circular]', c: ['[Circular]', {}] } })
  })

  it('cuts what is nested too deep rather than lose the entry', () => {
    const deep = JSON.parse('['.repeat(3 * MAX_DEPTH) + ']'.repeat(3 * MAX_DEPTH)) as unknown
    expect(JSON.stringify(create('m', deep).context)).toContain('"[Array]"')
    expect(JSON.stringify(create('m', { deep }).context)).toContain('"[Array]"')
    expect(create(deep).message).toContain('"[Array]"')
  })

  it('keeps the entry when the context cannot be read', () => {
    const context = {
      get broken(): never {
        throw new Error('no')
      },
    }
    expect(create('still here', context)).toMatchObject({ message: 'still here', context: { value: '[unreadable]' } })
  })
})
