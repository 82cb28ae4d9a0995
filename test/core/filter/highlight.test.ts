import { describe, expect, it } from 'vitest'
import { createHighlighter } from '../../../src/filter/highlight.ts'

function shown(q: string, text: string): string[] {
  return createHighlighter(q)(text).map(([start, end]) => text.slice(start, end))
}

describe('a highlighter', () => {
  it.each([
    ['', 'abc', []],
    ['""', 'abc', []],
    ['PAY "card refused"', 'Payment: Card refused, pay', ['Pay', 'Card refused', 'pay']],
    ['a -b', 'abab', ['a', 'a']],
    ['-(a OR b) c', 'abc', ['c']],
    ['-(-a)', 'abc', ['a']],
    ['NOT NOT a', 'abc', ['a']],
    ['a OR (b c)', 'abc', ['abc']],
    ['ab bc', 'abcd', ['abc']],
    ['/\\d+/ x', '12 x 345', ['12', 'x', '345']],
    ['/\\d+/ -/3/', '12 345', ['12', '345']],
    ['/A+/i', 'aab', ['aa']],
    ['/x*/', 'axxb', ['xx']],
    ['message:fail message:/d$/', 'failed', ['fail', 'd']],
    ['localhost:8080', 'on localhost:8080', ['localhost:8080']],
    ['user.id:"7" status>5 level:error ts>2026-01-01', '7 5 error', []],
    ['user:7*', 'user:7', []],
    ['s', 'İİs', ['s']],
    ['é', 'É😀é', ['É', 'é']],
  ])('%j shows of %j: %j', (q, text, parts) => {
    expect(shown(q, text)).toEqual(parts)
  })

  it('stops where nobody would read on, in a time that grows with the text', () => {
    expect(shown('a', 'a b '.repeat(1000))).toHaveLength(100)
    expect(shown('/a|a.*b/', 'a '.repeat(5000))).toHaveLength(100)
    expect(shown('/(a+)+$/', `${'a'.repeat(5000)}!`)).toEqual([])
  })
})
