/** Which texts are kept as they came: only those that are what would be written. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { LEVELS } from '../../src/log.ts'
import { normalizeEntry } from '../../src/normalize.ts'
import { readOwnForm } from '../../src/own-form.ts'

const entry = (rest = '"context":{"a":1}'): string =>
  `{"ts":"2026-01-01T00:00:00.000Z","level":"info","message":"m",${rest}}`
const keeps = (text: string): boolean => readOwnForm(text) !== undefined

describe('text that is kept', () => {
  it.each([
    entry(),
    entry('"context":{}'),
    entry('"context":{"a":[],"b":{},"c":[1,"x",null,true,false,{"d":0.5}],"e":{"f":{"g":-1.25},"h":[]}}'),
    entry('"context":{"quoted":"\\"\\\\","lines":"\\r\\n\\t","colour":"\\u001b[31m"}'),
    entry('"context":{"é":"日本語 🎉","":""}'),
    entry('"context":{"n":[0,-7,123456789,1000,-0.25,99999.125,0.000001,999999999999999]}'),
  ])('%s', (text) => {
    expect(keeps(text)).toBe(true)
    expect(readOwnForm(text)).toMatchObject({ json: text, level: 'info', entry: JSON.parse(text) })
    expect(JSON.stringify(normalizeEntry(JSON.parse(text), 0).entry)).toBe(text)
  })

  it.each([
    ['a field twice', '{"ts":"2026-01-01T00:00:00.000Z","level":"info","message":"secret","message":"m","context":{}}'],
    ['another order', '{"level":"info","ts":"2026-01-01T00:00:00.000Z","message":"m","context":{}}'],
    ['a field more', entry('"context":{},"pid":1')],
    ['a field less', '{"ts":"2026-01-01T00:00:00.000Z","level":"info","message":"m"}'],
    ['a blank', entry('"context": {}')],
    ['a line break', entry('"context":\r{}')],
    ['an escape that need not be', entry('"context":{"a":"\\u0041"}')],
    ['an escape of capitals', entry('"context":{"a":"\\u001B"}')],
    ['an escape that has a shorter form', entry('"context":{"a":"\\u000a"}')],
    ['an escape in a name', entry('"context":{"pass\\u0077ord":"x"}')],
    ['a control character', entry('"context":{"a":"\t"}')],
    ['half a text', entry('"context":{"a":"x}')],
    ['more behind it', `${entry()}{}`],
    ['a number of too many digits', entry('"context":{"n":1234567890123456}')],
    ['a number that is written with an exponent', entry('"context":{"n":0.0000001}')],
    ['a negative zero', entry('"context":{"n":-0}')],
    ['a number in another spelling', entry('"context":{"n":1.0}')],
    ['a number that is none in JSON', entry('"context":{"n":1e400}')],
    ['a time that is none', '{"ts":"2026-02-30T00:00:00.000Z","level":"info","message":"m","context":{}}'],
    ['a time in another form', '{"ts":"2026-01-01T00:00:00Z","level":"info","message":"m","context":{}}'],
    ['a level by another name', '{"ts":"2026-01-01T00:00:00.000Z","level":"WARN","message":"m","context":{}}'],
    ['a message that is no text', '{"ts":"2026-01-01T00:00:00.000Z","level":"info","message":7,"context":{}}'],
    ['a context that is a list', entry('"context":[]')],
    ['more than may be too large', entry(`"context":{"a":"${'x'.repeat(20_000)}"}`)],
    ['nesting that no pattern of ours follows', entry('"context":{"a":{"b":{"c":{}}}}')],
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
        const own = readOwnForm(text)
        if (own !== undefined) expect(own).toMatchObject({ json: text, level: value.level, entry: input })
        expect(own?.json ?? text).toBe(normalizeEntry(input, 0).json)
      }),
      { numRuns: 500 },
    )
  })

  it('never has something that parsing loses', { timeout: 60_000 }, () => {
    // Pieces that JSON.stringify would write otherwise, and some that it would not.
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
    const member = fc.tuple(fc.constantFrom('"a"', '"b"', '"a "', '"c"', '"d"'), fc.constantFrom(':', ': '), number)

    fc.assert(
      fc.property(fc.uniqueArray(member, { maxLength: 4, selector: ([name]) => name }), (members) => {
        const text = entry(`"context":{${members.map((parts) => parts.join('')).join(',')}}`)
        if (keeps(text)) expect(JSON.stringify(JSON.parse(text))).toBe(text)
      }),
      { numRuns: 3000 },
    )
  })
})
