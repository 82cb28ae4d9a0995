import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { MonitorError } from '../../../src/errors.ts'
import { compileFilter } from '../../../src/filter/filter.ts'
import { createHighlighter } from '../../../src/filter/highlight.ts'
import {
  MAX_NESTING,
  MAX_QUERY_LENGTH,
  MAX_REGEX_SIZE,
  MAX_TERMS,
  MAX_WILDCARD_NAMES,
} from '../../../src/filter/parse.ts'
import type { LogEntry } from '../../../src/log.ts'
import { createRandom } from '../../support/random.ts'

const ENTRY: LogEntry = {
  ts: '2026-11-23T10:00:00.000Z',
  level: 'error',
  message: 'Payment failed (card) http://x:8080/y a=b',
  context: { status: 503, user: { id: 7, names: ['ann', 'bob'] }, 'a.b': null },
}

describe('a query that cannot be meant', () => {
  it.each([
    ['a (b', 3, 'this ( is not closed'],
    ['(a (b) c', 1, 'this ( is not closed'],
    ['((a)', 1, 'this ( is not closed'],
    ['😀 (b', 3, 'this ( is not closed'],
    ['a ) b', 3, 'this ) closes nothing'],
    ['(a) )', 5, 'this ) closes nothing'],
    ['a ( ) b', 3, 'nothing in these parentheses'],
    ['("")', 1, 'nothing in these parentheses'],
    ['OR', 1, 'OR stands between two terms'],
    ['OR a', 1, 'OR stands between two terms'],
    ['a OR', 3, 'OR stands between two terms'],
    ['a OR OR b', 3, 'OR stands between two terms'],
    ['(a OR) b', 4, 'OR stands between two terms'],
    ['a OR ""', 3, 'OR stands between two terms'],
    ['AND a', 1, 'AND stands between two terms'],
    ['a AND', 3, 'AND stands between two terms'],
    ['a AND OR b', 3, 'AND stands between two terms'],
    ['a AND AND b', 3, 'AND stands between two terms'],
    ['NOT', 1, 'NOT stands before a term'],
    ['a NOT OR b', 3, 'NOT stands before a term'],
    ['(NOT) a', 2, 'NOT stands before a term'],
    ['a level:loud', 9, 'level is one of trace, debug'],
    ['level>"x y"', 7, 'level is one of trace, debug'],
    ['ts:yesterday', 4, 'ts is compared with a time'],
    ['ts>=2026-13-01', 5, 'ts is compared with a time'],
    ['ts:/2026/', 4, 'ts is compared with a time'],
    ['a>12x', 3, 'after > comes a number or a time'],
    ['a<"x"', 3, 'after < comes a number or a time'],
    ['a>=2026-02-30', 4, 'after >= comes a number or a time'],
    ['a:(b OR c)', 3, 'a list of values is written (a:a OR a:b)'],
    ['a /b(c/', 5, 'this ( is not closed'],
    ['a:/b**/', 6, 'there is nothing to repeat'],
    ['a:/((a{100}){100}){100}/', 13, 'the expression is too large'],
  ])('%j is refused at %s: %s', (q, place, problem) => {
    const refuse = (): unknown => compileFilter({ q })
    expect(refuse).toThrow(MonitorError)
    expect(refuse).toThrow(`q, character ${place}: `)
    expect(refuse).toThrow(problem)
    // The remedy comes after it, and it is a sentence.
    expect(refuse).toThrow(/: .+\. [A-Z].*\.$/)
    expect(() => createHighlighter(q)).toThrow(`q, character ${place}: `)
  })

  it('is what is beyond a limit', () => {
    const many = (count: number, term: (index: number) => string): string =>
      Array.from({ length: count }, (_, index) => term(index)).join(' ')
    const nested = (depth: number): string => `${'('.repeat(depth)}a${')'.repeat(depth)}`
    for (const [fits, over, problem] of [
      [many(MAX_TERMS, () => 'a'), many(MAX_TERMS + 1, () => 'a'), 'at most 256 terms'],
      [nested(MAX_NESTING), nested(MAX_NESTING + 1), 'deeper than 32'],
      [
        many(MAX_WILDCARD_NAMES, (index) => `a*${index}:1`),
        many(MAX_WILDCARD_NAMES + 1, (index) => `a*${index}:1`),
        'at most 8 names',
      ],
      [`/a{${MAX_REGEX_SIZE - 6}}/ x:/b{6}/`, `/a{${MAX_REGEX_SIZE - 6}}/ x:/b{7}/`, 'too large'],
      ['x'.repeat(MAX_QUERY_LENGTH), 'x'.repeat(MAX_QUERY_LENGTH + 1), 'at most 1024 characters'],
    ] as const) {
      expect(() => compileFilter({ q: fits }).matches(ENTRY)).not.toThrow()
      expect(() => compileFilter({ q: over })).toThrow(
        expect.objectContaining({ code: 'invalid_query', message: expect.stringContaining(problem) }),
      )
    }
  })
})

describe('whatever is written', () => {
  const PIECES = [
    ...'()"-/*:=<>.\\[]{}^$|+?@_ab17é ',
    ' ',
    ' ',
    ...[
      'OR ',
      'AND ',
      'NOT ',
      ' OR',
      'level',
      'level>=',
      'warn',
      'ts',
      'ts>',
      '2026-11-23',
      'message:',
      'user.id',
      'context.',
      'status',
      '__proto__',
      'constructor',
    ],
    ...['/(a+)+$/', '/i ', '{9}', '\\1', '(?=', '😀', '\ud800', '\u0000', '\n', '""', '>=500', ':*', '*.'],
  ]

  /** Compiles and runs a query; false when it is refused as the contract says. */
  function use(q: string): boolean {
    try {
      const filter = compileFilter({ q })
      expect(typeof filter.matches(ENTRY)).toBe('boolean')
      if (filter.key === '') expect(filter.matches(ENTRY)).toBe(true)
      for (const [start, end] of createHighlighter(q)(ENTRY.message)) {
        expect(start).toBeLessThan(end)
        expect(end).toBeLessThanOrEqual(ENTRY.message.length)
      }
      return true
    } catch (error) {
      if (!(error instanceof MonitorError)) throw error
      expect(error.code).toBe('invalid_query')
      expect(error.message).toMatch(/^q(?:, character [1-9]\d*: .+\. [A-Z].*| is at most 1024 .*)\.$/)
      return false
    }
  }

  it('is compiled or refused by the contract, 5,000 times', () => {
    const random = createRandom(5000)
    let refused = 0
    for (let run = 0; run < 5000; run++) {
      const q = Array.from({ length: random.int(1, 25) }, () => random.pick(PIECES)).join('')
      if (!use(q)) refused++
    }
    expect(refused).toBeGreaterThan(1000)
    expect(refused).toBeLessThan(4000)
  }, 30_000)

  it('is compiled or refused by the contract, as long as it may be', () => {
    const random = createRandom(1024)
    for (let run = 0; run < 100; run++) {
      let q = ''
      while (q.length < MAX_QUERY_LENGTH) q += random.pick(PIECES)
      use(q.slice(0, MAX_QUERY_LENGTH))
    }
    for (const piece of PIECES) use(piece.repeat(MAX_QUERY_LENGTH).slice(0, MAX_QUERY_LENGTH))
  }, 30_000)

  it('is compiled or refused by the contract, any text at all', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 60 }), (q) => void use(q)),
      { numRuns: 500 },
    )
  }, 30_000)
})
