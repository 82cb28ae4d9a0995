import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { FORMATS, isComplaint, readLine } from '../../../src/ingest/formats.ts'
import type { Reading } from '../../../src/ingest/reading.ts'
import { isLevel } from '../../../src/log.ts'

const EXAMPLES = FORMATS.flatMap(({ name, examples }) => examples.map((example) => [name, example] as const))

/** What stands in the examples beside a level, by how they start. */
const DETAILS: Record<string, Partial<Reading>> = {
  '203.0.113.9 - alice': {
    ts: '2026-11-23T09:00:00.000Z',
    context: {
      remoteAddress: '203.0.113.9',
      user: 'alice',
      method: 'GET',
      path: '/cart?id=7',
      protocol: 'HTTP/1.1',
      status: 502,
      bytes: 157,
      referer: 'https://shop.example/',
      userAgent: 'Mozilla/5.0',
    },
  },
  '127.0.0.1 - -': {
    level: 'warn',
    ts: '2026-11-23T10:00:00.000Z',
    context: {
      remoteAddress: '127.0.0.1',
      method: 'GET',
      path: '/missing',
      protocol: 'HTTP/1.0',
      status: 404,
      bytes: 153,
    },
  },
  'GET /cart 500': { context: { method: 'GET', path: '/cart', status: 500 } },
  '<34>1 ': {
    level: 'fatal',
    ts: '2026-11-23T10:00:00.003Z',
    context: { host: 'web-1', app: 'su', pid: 42, msgid: 'ID47' },
  },
  '<34>Oct': { level: 'fatal', context: { host: 'web-1', app: 'su', pid: 42 } },
  'Oct 11': { context: { host: 'web-1', app: 'app', pid: 42 } },
  'time=2026': { ts: '2026-11-23T10:00:00.123Z', context: { order: 7, took: '1.5s' } },
  '4242:M': { level: 'warn' },
  'npm warn': { level: 'warn' },
  'panic: ': { level: 'fatal' },
  'app.py:7: ': { level: 'warn' },
  'WARN: ': { level: 'warn' },
  '[warn]': { level: 'warn' },
  'WARNING:root': { level: 'warn' },
  '(node:4242)': { level: 'warn' },
  '2026-11-23T10:00:00.123+01:00': { ts: '2026-11-23T09:00:00.123Z' },
  '2026-11-23 10:00:00.123 UTC': { ts: '2026-11-23T10:00:00.123Z' },
  '2026-11-23T10:00:00.123456Z 0': { ts: '2026-11-23T10:00:00.123Z' },
  '[2026-11-23T10:00:00Z ERROR': { ts: '2026-11-23T10:00:00.000Z' },
}

describe('the table', () => {
  it.each(EXAMPLES)('%s: %s', (name, example) => {
    expect(FORMATS.find(({ read }) => read(example) !== undefined)?.name).toBe(name)
    const [, details] = Object.entries(DETAILS).find(([start]) => example.startsWith(start)) ?? []
    const { level, ts, context } = readLine(example)
    expect({ level, ts, context }).toEqual({ level: 'error', ts: undefined, context: undefined, ...details })
  })

  it('uses every detail that stands above', () => {
    for (const start of Object.keys(DETAILS)) {
      expect(
        EXAMPLES.filter(([, example]) => example.startsWith(start)),
        start,
      ).toHaveLength(1)
    }
  })
})

it.each([
  'no errors found',
  'error rate 0',
  'error',
  '0 errors, 0 warnings',
  'errors: 0',
  'No ERROR found',
  '10:00:00 finished without ERROR',
  '2026-11-23 10:00:00 error budget is fine',
  '[1/3] Checking 5 ERROR handlers',
  '[error rate] 0',
  '- error: a list item',
  'Error handling works',
  'Exception handling is on',
  'Warning lights are off',
  'Fatal attraction',
  'panic room',
  'Traceback of a route',
  'please set level=debug',
  'a=1 b=2',
  'retry=3 after an error: none',
  'Nothing [error] here',
  'see https://example.org/error: it is a page',
  '<b>error</b>',
  '<192>too large for a priority',
  '/api/error 500',
  'I1123 is a room',
  'npm error-free',
])('%j says nothing of a level', (line) => {
  expect(readLine(line).level).toBeUndefined()
})

it.each([
  ['INFO: no errors found', 'info'],
  ['[info] error rate 0', 'info'],
  ['10:00:00 DEBUG ERROR is a word', 'debug'],
  ['TRACE x', 'trace'],
  ['CRITICAL:root:x', 'fatal'],
  ['127.0.0.1 - - [23/Nov/2026:10:00:00 +0000] "GET /error HTTP/1.1" 200 5', 'info'],
  ['<6>error is a word', 'info'],
  ['<7>x', 'debug'],
  ['level=warning msg="error: none"', 'warn'],
  ['lvl=dbug msg=x', 'debug'],
])('%j is of the level that it names first', (line, level) => {
  expect(readLine(line).level).toBe(level)
})

describe('a time', () => {
  it.each([
    ['2026-11-23T10:00:00Z x', '2026-11-23T10:00:00.000Z'],
    ['2026-11-23 10:00:00,5+0130 x', '2026-11-23T08:30:00.500Z'],
    ['[2026-11-23 10:00:00.1234 GMT] x', '2026-11-23T10:00:00.123Z'],
    ['2026-11-23T10:00:00-08:00', '2026-11-23T18:00:00.000Z'],
  ])('%j is read', (line, ts) => {
    expect(readLine(line).ts).toBe(ts)
  })

  it.each([
    '2026-11-23T10:00:00 x',
    '2026-11-23 10:00:00 CET x',
    '10:00:00Z x',
    '2026/11/23 10:00:00 x',
    '2026-13-23T10:00:00Z x',
    '2026-02-30T10:00:00Z x',
    'at 2026-11-23T10:00:00Z x',
    '127.0.0.1 - - [23/Nix/2026:10:00:00 +0000] "GET / HTTP/1.1" 200 5',
  ])('%j has none that can be relied on', (line) => {
    expect(readLine(line).ts).toBeUndefined()
  })
})

describe('logfmt', () => {
  it('gives its fields to the context, with numbers and truth values as such', () => {
    const line =
      'ts=2026-11-23T10:00:00Z lvl=warn msg="say \\"hi\\"" a=7 b=-1.5 c=007 d=true e= f="x y" g=12345678901234567890'
    expect(readLine(line)).toEqual({
      level: 'warn',
      ts: '2026-11-23T10:00:00.000Z',
      context: { a: 7, b: -1.5, c: '007', d: true, e: '', f: 'x y', g: '12345678901234567890' },
    })
  })

  it('keeps a level and a time that cannot be read', () => {
    expect(readLine('time=noon level=odd msg=x')).toEqual({ context: { ts: 'noon', level: 'odd' } })
  })
})

it('takes an access log with a request that is none, and escapes', () => {
  const line = '::1 - - [23/Nov/2026:10:00:00 +0000] "\\x16\\x03 \\"" 400 0 "-" "a \\"b\\""'
  expect(readLine(line)).toMatchObject({
    level: 'warn',
    context: { remoteAddress: '::1', request: '\\x16\\x03 \\"', status: 400, bytes: 0, userAgent: 'a \\"b\\"' },
  })
})

it('a complaint is what a logger says, not an exception itself, nor an answer', () => {
  expect(isComplaint('10:00:00 ERROR payment failed')).toBe(true)
  expect(isComplaint('[warn] x')).toBe(true)
  expect(isComplaint('INFO x')).toBe(false)
  expect(isComplaint('Error: x')).toBe(false)
  expect(isComplaint('127.0.0.1 - - [23/Nov/2026:10:00:00 +0000] "GET / HTTP/1.1" 500 5')).toBe(false)
})

it('never fails, and names only levels that there are', () => {
  const unit = fc.constantFrom(
    ...'[]<>()=:|"\\ -/.,\t',
    '1',
    '2026-11-23T10:00:00Z',
    'ERROR',
    'level',
    'msg',
    'é',
    'x',
    '<34>',
  )
  fc.assert(
    fc.property(fc.string({ unit, maxLength: 40 }), (line) => {
      const { level } = readLine(line)
      expect(level === undefined || isLevel(level)).toBe(true)
    }),
    { numRuns: 2000 },
  )
})

it.each([
  ['"', '127.0.0.1 - - [23/Nov/2026:10:00:00 +0000] "'],
  ['\\', '127.0.0.1 - - [23/Nov/2026:10:00:00 +0000] "'],
  ['\\"', 'a="'],
  ['a', ''],
  ['a.', ''],
  ['a=', ''],
  ['a=b ', ''],
  ['[', '10:00:00 '],
  [' ', '10:00:00'],
  ['1:', ''],
  ['a:', 'x:1:in '],
  ['(', 'x:1:in `'],
  ['-', '1 - - '],
])('a line of a million %j is read in no time', (unit, start) => {
  const line = start + unit.repeat(1_000_000 / unit.length)
  const started = performance.now()
  readLine(line)
  isComplaint(line)
  expect(performance.now() - started).toBeLessThan(1000)
})
