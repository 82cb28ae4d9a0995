/** Which texts are kept as they came: only those that are what would be written. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { LEVELS, MAX_DEPTH } from '../../src/log.ts'
import { normalizeEntry } from '../../src/normalize.ts'
import { isOwnForm } from '../../src/own-form.ts'

const entry = (rest = '"context":{"a":1}'): string =>
  `{"ts":"2026-01-01T00:00:00.000Z","level":"info","message":"m",${rest}}`
const keeps = (text: string): boolean => isOwnForm(JSON.parse(text), text)

describe('text that is kept', () => {
  it.each([
    entry(),
    entry('"context":{}'),
    entry('"context":{"a":[],"b":{},"c":[1,"x",null,true,false,{"d":[[0.5]]}]}'),
    entry('"context":{"é":"日本語 🎉","":""}'),
    entry('"context":{"n":[0,-7,123456789,1001,-0.25,99999.125]}'),
  ])('%s', (text) => {
    expect(keeps(text)).toBe(true)
    expect(normalizeEntry(JSON.parse(text), 0, { text }).json).toBe(text)
    expect(JSON.stringify(normalizeEntry(JSON.parse(text), 0).entry)).toBe(text)
  })

  it.each([
    ['a field twice', '{"ts":"2026-01-01T00:00:00.000Z","level":"info","message":"secret","message":"m","context":{}}'],
    ['a field of the context twice', entry('"context":{"a":1,"a":2}')],
    ['a field twice, paid for with short numbers', entry('"context":{"x":"sssssss","x":"","n":[1e9,1e9]}')],
    ['another order', '{"level":"info","ts":"2026-01-01T00:00:00.000Z","message":"m","context":{}}'],
    ['a field more', entry('"context":{},"pid":1')],
    ['a field less', '{"ts":"2026-01-01T00:00:00.000Z","level":"info","message":"m"}'],
    ['a blank', entry('"context": {}')],
    ['a line break', entry('"context":\r{}')],
    ['an escape', entry('"context":{"a":"\\u0041"}')],
    ['a number in another spelling', entry('"context":{"n":1.0}')],
    ['a number that is none in JSON', entry('"context":{"n":1e400}')],
    ['a round number, which has a shorter spelling', entry('"context":{"n":1000}')],
    ['a time that is none', '{"ts":"2026-02-30T00:00:00.000Z","level":"info","message":"m","context":{}}'],
    ['a time in another form', '{"ts":"2026-01-01T00:00:00Z","level":"info","message":"m","context":{}}'],
    ['a level by another name', '{"ts":"2026-01-01T00:00:00.000Z","level":"WARN","message":"m","context":{}}'],
    ['a message that is no text', '{"ts":"2026-01-01T00:00:00.000Z","level":"info","message":7,"context":{}}'],
    ['a context that is a list', entry('"context":[]')],
    ['more than may be too large', entry(`"context":{"a":"${'x'.repeat(20_000)}"}`)],
    ['nesting that is too deep', entry(`"context":${'{"a":'.repeat(MAX_DEPTH)}{}${'}'.repeat(MAX_DEPTH)}`)],
  ])('not %s', (_, text) => {
    expect(keeps(text)).toBe(false)
  })

  it('is what would be written, whatever the entry', { timeout: 60_000 }, () => {
    const entries = fc.record({
      ts: fc
        .date({ min: new Date(0), max: new Date('9999-12-31'), noInvalidDate: true })
        .map((time) => time.toISOString()),
      level: fc.constantFrom(...LEVELS),
      message: fc.string({ unit: 'binary' }),
      context: fc.dictionary(fc.string(), fc.jsonValue()),
    })
    fc.assert(
      fc.property(entries, (value) => {
        const text = JSON.stringify(value)
        const input = JSON.parse(text)
        if (isOwnForm(input, text)) expect(JSON.stringify(input)).toBe(text)
        expect(normalizeEntry(input, 0, { text }).json).toBe(normalizeEntry(JSON.parse(text), 0).json)
      }),
      { numRuns: 500 },
    )
  })

  it('never has something that parsing loses', { timeout: 60_000 }, () => {
    // Pieces that make JSON longer or shorter than it need be, at random.
    const number = fc.constantFrom(
      '1e3',
      '1E9',
      '1000',
      '5',
      '0.001',
      '1e-3',
      '-0',
      '12.50',
      '1e21',
      '100000000000000000000',
    )
    const member = fc
      .tuple(fc.constantFrom('"a"', '"b"', '"a "'), fc.constantFrom(':', ': '), number)
      .map((parts) => parts.join(''))
    fc.assert(
      fc.property(fc.array(member, { maxLength: 8 }), (members) => {
        const text = entry(`"context":{${members.join(',')}}`)
        if (keeps(text)) expect(JSON.stringify(JSON.parse(text))).toBe(text)
      }),
      { numRuns: 3000 },
    )
  })
})
