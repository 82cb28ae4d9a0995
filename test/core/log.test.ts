import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type LogRecord, MAX_DEPTH, parseRecord } from '../../src/log.ts'
import { normalizeEntry } from '../../src/normalize.ts'
import { MAX_CONTEXT_BYTES, MAX_MESSAGE_BYTES } from '../../src/truncate.ts'

const NOW = Date.parse('2025-03-01T12:00:00.000Z')
const ARRIVAL = '2025-03-01T12:00:00.000Z'

const normalize = (input: unknown): LogRecord['entry'] => normalizeEntry(input, NOW).entry
const bytes = (text: string): number => new TextEncoder().encode(text).length
const nested = (levels: number): unknown => JSON.parse(`${'{"a":'.repeat(levels - 1)}{}${'}'.repeat(levels - 1)}`)

describe('an entry', () => {
  it('has ts, level, message and context in this order, also when nothing was given', () => {
    expect(normalizeEntry({}, NOW).json).toBe(`{"ts":"${ARRIVAL}","level":"info","message":"","context":{}}`)
  })

  it.each([undefined, null, 'text', 5, true, [], [{}]])('is refused when it is %j', (input) => {
    expect(() => normalizeEntry(input)).toThrow(expect.objectContaining({ code: 'invalid_entry' }))
  })

  it('never fails on a JSON object, is JSON.stringify of itself, and is unchanged when it comes in again', () => {
    const field = fc.constantFrom('message', 'msg', 'log', 'level', 'severity', 'log.level', 'ts', 'time', 'context')
    const key = fc.oneof(field, fc.constantFrom('__proto__', 'constructor', 'toString', 'err'), fc.string())
    const value = fc.oneof(fc.jsonValue({ stringUnit: 'binary' }), fc.dictionary(key, fc.jsonValue()))
    fc.assert(
      fc.property(fc.dictionary(key, value), (input) => {
        const { entry, json } = normalizeEntry(JSON.parse(JSON.stringify(input)), NOW)
        expect(json).toBe(JSON.stringify(entry))
        expect(json).not.toMatch(/[\r\n]/)
        expect(entry.ts).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/)
        expect(normalizeEntry(JSON.parse(json)).json).toBe(json)
        expect(JSON.stringify(parseRecord(json).entry)).toBe(json)
      }),
    )
  })
})

describe('ts', () => {
  it.each([
    ['2024-05-06T07:08:09.123Z', '2024-05-06T07:08:09.123Z'],
    ['2024-05-06T07:08:09Z', '2024-05-06T07:08:09.000Z'],
    ['2024-05-06T07:08:09.1Z', '2024-05-06T07:08:09.100Z'],
    ['2024-05-06T07:08:09.123456789Z', '2024-05-06T07:08:09.123Z'],
    ['2024-05-06T09:08:09.123+02:00', '2024-05-06T07:08:09.123Z'],
    ['2024-05-06T03:38:09.123-0330', '2024-05-06T07:08:09.123Z'],
    ['2024-05-06 07:08:09,123', '2024-05-06T07:08:09.123Z'],
    ['2024-05-06T07:08:09', '2024-05-06T07:08:09.000Z'],
    ['2024-05-06', '2024-05-06T00:00:00.000Z'],
    [1714979289, '2024-05-06T07:08:09.000Z'],
    [1714979289.1234, '2024-05-06T07:08:09.123Z'],
    [1714979289123, '2024-05-06T07:08:09.123Z'],
    [1714979289123456, '2024-05-06T07:08:09.123Z'],
    [1714979289123000000, '2024-05-06T07:08:09.123Z'],
    ['1714979289123', '2024-05-06T07:08:09.123Z'],
    [0, '1970-01-01T00:00:00.000Z'],
    [-1.5, '1969-12-31T23:59:58.500Z'],
  ])('%s is read as %s', (ts, expected) => {
    expect(normalize({ ts })).toEqual({ ts: expected, level: 'info', message: '', context: {} })
  })

  it.each([
    'yesterday',
    '',
    '2024-13-01T00:00:00Z',
    '2024-02-30T00:00:00Z',
    '2024-05-06T25:00:00Z',
    1e300,
    true,
    [1],
    { seconds: 1 },
  ])('%j cannot be read: it stays in the context', (ts) => {
    expect(normalize({ ts })).toMatchObject({ ts: ARRIVAL, context: { ts } })
  })

  it('is the arrival time when absent or null', () => {
    expect(normalize({ ts: null })).toEqual({ ts: ARRIVAL, level: 'info', message: '', context: {} })
  })

  it('survives being sent in any of the four units', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1e11, max: 4e12 }), (millis) => {
        const expected = new Date(millis).toISOString()
        for (const ts of [millis / 1e3, millis, millis * 1e3, `${millis}000000`]) {
          expect(normalize({ ts }).ts).toBe(expected)
        }
      }),
    )
  })
})

describe('level', () => {
  const read: [string | number, string][] = [
    ...['trace', 'debug', 'info', 'warn', 'error', 'fatal'].map((name): [string, string] => [name, name]),
    ['WARNING', 'warn'],
    ['Err', 'error'],
    ...['crit', 'CRITICAL', 'alert', 'Emerg', 'panic'].map((name): [string, string] => [name, 'fatal']),
    ['notice', 'info'],
    [10, 'trace'],
    [30, 'info'],
    [35, 'info'],
    [49.5, 'warn'],
    [60, 'fatal'],
    [1000, 'fatal'],
    [3, 'trace'],
    [-1, 'trace'],
    ['50', 'error'],
  ]
  it.each(read)('%s is %s', (level, expected) => {
    expect(normalize({ level })).toEqual({ ts: ARRIVAL, level: expected, message: '', context: {} })
  })

  it.each(['verbose', 'constructor', '', true, { a: 1 }])('%j is unknown: info, and kept in the context', (level) => {
    expect(normalize({ level })).toMatchObject({ level: 'info', context: { level } })
  })
})

describe('message', () => {
  it.each([
    'two\nlines\r\n',
    '\u001b[31mred\u001b[0m',
    '日本語 👩‍👩‍👧 \u0000 \u2028',
    '',
  ])('%j is kept as it is', (message) => {
    expect(normalize({ message }).message).toBe(message)
  })

  it.each([5, false, null, ['a', 1], { a: { b: 1 } }])('%j becomes its JSON text', (message) => {
    expect(normalize({ message }).message).toBe(JSON.stringify(message))
  })
})

describe('context', () => {
  it('takes every other field, and on a clash the own context wins', () => {
    const input = {
      err: { stack: 's' },
      stack: 't',
      user: 1,
      level: 'odd',
      context: { user: 2, level: 'own', more: 3 },
    }
    expect(normalize(input).context).toEqual({ err: { stack: 's' }, stack: 't', user: 2, level: 'own', more: 3 })
  })

  it.each([['text'], [7], [false], [['a']]])('%j is kept as context.value', (context) => {
    expect(normalize({ a: 1, value: 2, context }).context).toEqual({ a: 1, value: context })
  })

  it('is empty when null or absent', () => {
    expect(normalize({ context: null }).context).toEqual({})
  })

  it('keeps the keys of prototypes as data and pollutes nothing', () => {
    const text = '"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}},"hasOwnProperty":1'
    for (const body of [`{${text}}`, `{"context":{${text}}}`, `{"a":1,"context":{${text}}}`]) {
      const { entry, json } = normalizeEntry(JSON.parse(body), NOW)
      expect(json).toContain(text)
      expect(Object.getPrototypeOf(entry.context)).toBe(Object.prototype)
    }
    expect({}).not.toHaveProperty('polluted')
  })

  it('may be nested as deep as the limit and no deeper', () => {
    expect(JSON.stringify(normalize({ context: nested(MAX_DEPTH) }).context)).toBe(JSON.stringify(nested(MAX_DEPTH)))
    const refused = expect.objectContaining({ code: 'invalid_entry' })
    const deep = nested(200_000)
    for (const input of [{ context: nested(MAX_DEPTH + 1) }, deep, { message: deep }, { level: deep }, { ts: deep }]) {
      expect(() => normalizeEntry(input)).toThrow(refused)
    }
  })
})

describe('what is too large', () => {
  it('is kept whole up to the limit', () => {
    const input = { message: 'é'.repeat(MAX_MESSAGE_BYTES / 2), context: { a: 'x'.repeat(MAX_CONTEXT_BYTES - 8) } }
    expect(normalize(input)).toEqual({ ts: ARRIVAL, level: 'info', ...input })
  })

  it('is cut and marked with the original sizes', () => {
    const message = `${'x'.repeat(MAX_MESSAGE_BYTES - 2)}€uro`
    const context = { first: 1, text: 'y'.repeat(MAX_CONTEXT_BYTES), last: [true] }
    const entry = normalize({ message, context })
    expect(entry.message).toBe('x'.repeat(MAX_MESSAGE_BYTES - 2))
    expect(entry.context).toMatchObject({
      first: 1,
      text: expect.stringMatching(/^y{65000,}$/),
      truncated: { message: bytes(message), context: bytes(JSON.stringify(context)) },
    })
  })

  it('stays within the limit when a full context gets the mark of a cut message', () => {
    const context = { a: 'x'.repeat(MAX_CONTEXT_BYTES - 8) }
    const entry = normalize({ message: 'm'.repeat(MAX_MESSAGE_BYTES + 1), context })
    expect(bytes(JSON.stringify(entry.context))).toBeLessThanOrEqual(MAX_CONTEXT_BYTES)
    expect(entry.context.truncated).toEqual({ message: MAX_MESSAGE_BYTES + 1, context: MAX_CONTEXT_BYTES })
  })

  it('keeps a byte order mark, and whole characters also between escapes', () => {
    for (let shift = 0; shift < 16; shift++) {
      const message = `\ufeff${'a'.repeat(shift)}${'"😀'.repeat(20_000)}`
      const { entry, json } = normalizeEntry({ message, context: { message } }, NOW)
      expect(message.startsWith(entry.message)).toBe(true)
      expect(message.startsWith(String(entry.context.message))).toBe(true)
      expect(json).not.toMatch(/\\ud[89a-f]/)
    }
  })

  it('is never over the limit, never split inside a character, and never empty', () => {
    const unit = fc.constantFrom('a', 'é', '€', '😀', '"', '\\', '\n', '\u0001', '\u2028', '\ufeff')
    const text = fc.tuple(fc.string({ unit, minLength: 1, maxLength: 9 }), fc.nat(5)).map(([s, shift]) => {
      return 'a'.repeat(shift) + s.repeat(Math.ceil((MAX_CONTEXT_BYTES * 1.1) / bytes(s)))
    })
    const wrap = fc.constantFrom<(text: string) => unknown>(
      (t) => ({ t }),
      (t) => ({ list: [1, [t, t]] }),
      (t) => Object.fromEntries(Array.from(t.slice(0, 9000), (char, i) => [`${char}${i}`, { char }])),
      (t) => ({ [t]: 1, kept: 2 }),
    )
    fc.assert(
      fc.property(text, wrap, (message, make) => {
        const { entry, json } = normalizeEntry({ message, context: make(message) }, NOW)
        expect(json).toBe(JSON.stringify(entry))
        expect(message.startsWith(entry.message)).toBe(true)
        expect(bytes(entry.message)).toBeGreaterThan(MAX_MESSAGE_BYTES - 4)
        expect(bytes(entry.message)).toBeLessThanOrEqual(MAX_MESSAGE_BYTES)
        expect(bytes(JSON.stringify(entry.context))).toBeLessThanOrEqual(MAX_CONTEXT_BYTES)
        expect(Object.keys(entry.context).length).toBeGreaterThan(1)
        expect(entry.context).toHaveProperty('truncated.message', bytes(message))
        expect(json.isWellFormed() && !/\\ud[89a-f]/.test(json)).toBe(true)
      }),
      { numRuns: 40 },
    )
  })
})
