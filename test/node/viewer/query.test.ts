import { describe, expect, it } from 'vitest'
import { compileFilter } from '../../../src/filter/filter.ts'
import type { JsonObject, LogEntry } from '../../../src/log.ts'
import {
  FILTER_HELP,
  highlighterOf,
  markMatches,
  splitAtFault,
  valueTerm,
  withTerm,
} from '../../../src/viewer/app/model/query.ts'

function entry(message: string, context: JsonObject = {}): LogEntry {
  return { ts: '2026-11-23T10:06:00.000Z', level: 'error', message, context }
}

function passes(q: string, tested: LogEntry): boolean {
  return compileFilter({ q }).matches(tested)
}

/** A text with its marked parts in brackets. */
function marked(q: string, text: string): string {
  return markMatches(text, highlighterOf(q)(text))
    .map((part) => (part.marked ? `[${part.text}]` : part.text))
    .join('')
}

describe('marks', () => {
  it.each([
    ['error', 'An Error, error', 'An [Error], [error]'],
    ['"out of memory" -noise level>=warn', 'noise: out of memory, warn', 'noise: [out of memory], warn'],
    ['/in \\d+ms/', 'GET /health in 35ms', 'GET /health [in 35ms]'],
    ['user=ann OR bob', 'user=ann bob', '[user=ann] [bob]'],
    ['user.id:"7"', 'user 7', 'user 7'],
    ['stan', 'İstanbul', 'İ[stan]bul'],
    ['', 'text', 'text'],
    ['x', '', ''],
    // Of a link, while the server cannot be reached to refuse it.
    ['(x', 'x', 'x'],
  ])('for %s are where %s has it', (q, text, expected) => {
    expect(marked(q, text)).toBe(expected)
  })

  it('go on from one colour into the next', () => {
    const ranges = highlighterOf('refused')('card refused')
    expect(markMatches('card ref', ranges)).toEqual([
      { text: 'card ', marked: false },
      { text: 'ref', marked: true },
    ])
    expect(markMatches('used', ranges, 8)).toEqual([{ text: 'used', marked: true }])
    expect(markMatches('!', ranges, 12)).toEqual([{ text: '!', marked: false }])
  })
})

describe('the term for a value', () => {
  it.each([
    [['message'], 'say "no" \\d', 'message:"say ""no"" \\d"'],
    [['context', 'order', 'id'], 7, 'order.id:"7"'],
    [['context', 'level'], 'audit', 'context.level:"audit"'],
    [['context', 'tags', 1], 'eu', 'tags:"eu"'],
    [['context', 'items', 0, 'sku'], 'pen', 'items.sku:"pen"'],
    [['context', 'grid', 1, 0], null, 'grid:"null"'],
    [['context', 'rows', 1, '0'], 'x', 'rows.1.0:"x"'],
  ])('at %j is %j as %s', (path, value, term) => {
    expect(valueTerm(path, value)).toBe(term)
    const tested = entry('say "no" \\d', {
      order: { id: 7 },
      level: 'audit',
      tags: ['billing', 'eu'],
      items: [{ sku: 'pen' }],
      grid: [[1], [null]],
      rows: [{ 0: 'y' }, { 0: 'x' }],
    })
    expect(passes(term, tested)).toBe(true)
    expect(passes(`-${term}`, tested)).toBe(false)
  })
})

describe('a further term', () => {
  const term = 'user:"ann"'

  it.each([
    ['', 'user:"ann"'],
    ['  ', 'user:"ann"'],
    [' a b ', 'a b user:"ann"'],
    ['a OR b', '(a OR b) user:"ann"'],
    ['x (a OR b)', 'x (a OR b) user:"ann"'],
    ['(a OR b)', '(a OR b) user:"ann"'],
    ['-(a OR b)', '-(a OR b) user:"ann"'],
    ['(a b) c', '(a b) c user:"ann"'],
    // Not closed.
    ['"a b', '"a b" user:"ann"'],
    ['a OR "b', '(a OR "b") user:"ann"'],
    ['name:"a ""b""', 'name:"a ""b""" user:"ann"'],
    // Words with a parenthesis.
    ['a OR f(x', '(a OR f(x ) user:"ann"'],
    ['f(x', 'f(x user:"ann"'],
    // There already.
    ['a user:"ann" b', 'a user:"ann" b'],
    ['user:"ann"', 'user:"ann"'],
    ['user:"ann" OR b', '(user:"ann" OR b) user:"ann"'],
  ])('joins %j to %j', (q, joined) => {
    expect(withTerm(q, term)).toBe(joined)
    const others = [entry('a b c x f(x)'), entry('a'), entry('b'), entry('', { name: 'a "b"' }), entry('')]
    for (const other of others) {
      for (const user of ['ann', 'bob']) {
        const tested = { ...other, context: { ...other.context, user } }
        expect(passes(joined, tested)).toBe(passes(q, tested) && user === 'ann')
      }
    }
  })

  it('can be one that must not hold', () => {
    expect(withTerm('a OR b', term, true)).toBe('(a OR b) -user:"ann"')
    expect(withTerm('-user:"ann"', term, true)).toBe('-user:"ann"')
    expect(withTerm('user:"ann"', term, true)).toBe('user:"ann" -user:"ann"')
  })

  it('stands first where it would become a part of what is there', () => {
    expect(passes('/health path:"a/ b"', entry('/health', { path: 'a/ b' }))).toBe(false)
    const joined = withTerm('/health', 'path:"a/ b"')
    expect(joined).toBe('path:"a/ b" /health')
    expect(passes(joined, entry('/health', { path: 'a/ b' }))).toBe(true)
  })

  it('loses nothing of a filter that cannot be read or grows too long', () => {
    expect(withTerm('(a OR b', term)).toBe('(a OR b user:"ann"')
    const long = `${'a'.repeat(1000)} OR ${'b'.repeat(18)}`
    expect(withTerm(long, term)).toBe(`(${long}) user:"ann"`)
  })
})

describe('the place of a fault', () => {
  it.each([
    ['(a OR b', ['', '(a OR b']],
    ['level:loud', ['level:', 'loud']],
    ['  🍐🍐 status>=5xx ', ['🍐🍐 status>=', '5xx']],
  ])('in %j is between %j', (q, parts) => {
    expect(splitAtFault(q, refusal(q.trim()))).toEqual(parts)
  })

  it('is not known where the server names none', () => {
    expect(splitAtFault('x'.repeat(1025), refusal('x'.repeat(1025)))).toBeUndefined()
    expect(splitAtFault('x', '')).toBeUndefined()
  })
})

it('shows examples in the help that do what it says', () => {
  const found = entry('Card refused in 12ms', { user: { name: 'Bob' }, path: '/api/pay', status: 503 })
  const others = {
    ...entry('refunds: a card', { status: 499 }),
    ts: '2026-11-23T09:00:00.000Z',
    level: 'info',
  } as const
  for (const { q } of FILTER_HELP) {
    expect(passes(q, found), q).toBe(true)
    expect(passes(q, { ...others, message: q === '-health' ? 'health' : others.message }), q).toBe(false)
  }
})

function refusal(q: string): string {
  try {
    compileFilter({ q })
  } catch (error) {
    return (error as Error).message
  }
  throw new Error(`${q} is not refused.`)
}
