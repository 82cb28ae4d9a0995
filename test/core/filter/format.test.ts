import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { compileFilter } from '../../../src/filter/filter.ts'
import { formatTerm } from '../../../src/filter/format.ts'
import type { JsonObject, LogEntry } from '../../../src/log.ts'

function entry(context: JsonObject): LogEntry {
  return { ts: '2026-11-23T10:00:00.000Z', level: 'warn', message: 'card "refused"', context }
}

describe('a term for a value', () => {
  it.each([
    [['level'], 'warn', 'level:"warn"'],
    [['ts'], '2026-11-23T10:00:00.000Z', 'ts:"2026-11-23T10:00:00.000Z"'],
    [['message'], 'card "refused"', 'message:"card ""refused"""'],
    [['context', 'user', 'id'], 7, 'user.id:"7"'],
    [['context', 'level'], 'audit', 'context.level:"audit"'],
    [['context', 'context', 'x'], true, 'context.context.x:"true"'],
    [['context', 'a b', 'c*'], null, '"a b.c*":"null"'],
    [['context', 'say "hi"'], 'a:b', '"say ""hi""":"a:b"'],
    [['context', 'list'], ['x'], 'list:*'],
    [['context', 'x-'], 1, '"x-":"1"'],
  ])('of %j and %j is written %s', (path, value, term) => {
    expect(formatTerm(path, value)).toBe(term)
    let context: unknown = value
    for (const key of path.slice(1).reverse()) context = { [key]: context }
    const matching = entry(path[0] === 'context' ? (context as JsonObject) : {})
    expect(compileFilter({ q: term }).matches(matching)).toBe(true)
    expect(compileFilter({ q: `-${term}` }).matches(matching)).toBe(false)
  })

  it('finds the entry that it was made from, and no other value', () => {
    const key = fc.string({ minLength: 1, maxLength: 8 })
    const value = fc.oneof(
      fc.string({ maxLength: 20 }),
      fc.integer(),
      fc.double({ noNaN: true, noDefaultInfinity: true }),
      fc.boolean(),
      fc.constant(null),
    )
    fc.assert(
      fc.property(fc.array(key, { minLength: 1, maxLength: 3 }), value, (keys, found) => {
        const path = ['context', ...keys]
        const make = (own: unknown): LogEntry =>
          entry(keys.reduceRight<unknown>((inner, name) => ({ [name]: inner }), own) as JsonObject)
        // What JSON keeps of it: -0 is 0.
        const stored: unknown = JSON.parse(JSON.stringify(found))
        const q = formatTerm(path, stored)
        expect(compileFilter({ q }).matches(make(stored))).toBe(true)
        expect(compileFilter({ q: `-${q}` }).matches(make(stored))).toBe(false)
        expect(compileFilter({ q }).matches(make(`${String(stored)}x`))).toBe(false)
      }),
      { numRuns: 300 },
    )
  })
})
