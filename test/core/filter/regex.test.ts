import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { MonitorError } from '../../../src/errors.ts'
import { compileRegex, type Regex } from '../../../src/filter/regex.ts'
import { createRandom } from '../../support/random.ts'

const MAX_SIZE = 400

function compile(source: string, ignoreCase = false): Regex {
  return compileRegex(source, {
    ignoreCase,
    maxSize: MAX_SIZE,
    fail: (at, problem) => new MonitorError('invalid_query', `${at}: ${problem}`),
  })
}

/** Steps of one test for each character of the text. */
function cost(regex: Regex, text: string): number {
  const before = regex.work
  regex.test(text)
  return (regex.work - before) / text.length
}

describe('an expression', () => {
  it.each([
    ['', 'a', true],
    ['b', 'abc', true],
    ['^b', 'abc', false],
    ['c$', 'abc', true],
    ['^$', '', true],
    ['^$', 'a', false],
    ['a.c', 'a\nc', false],
    ['a.c', 'a😀c', true],
    ['^.$', '😀', true],
    ['[^a]', 'a', false],
    ['^[😀-😂]$', '😁', true],
    ['\\bcat\\b', 'the cat.', true],
    ['\\bcat\\b', 'concat', false],
    ['\\Bcat', 'concat', true],
    ['a{2}', 'aba', false],
    ['^a{2,3}$', 'aaaa', false],
    ['^a{2,}$', 'aaaa', true],
    ['^(?:ab?){0}$', '', true],
    ['a{', 'a{', true],
    ['a{,2}', 'a{,2}', true],
    ['{"a"', '{"a":1}', true],
    [']', ']', true],
    ['(?<year>\\d{4})-\\d\\d', '2026-11', true],
    ['\\x41\\u0042\\u{43}', 'ABC', true],
    ['\\/\\.\\*\\-', '/.*-', true],
    ['[\\]\\-a]', '-', true],
    ['[\\w-]+$', 'a-b', true],
    ['[a-]', '-', true],
    ['[]', 'a', false],
    ['[^]', '\n', true],
    ['[\\b]', '\b', true],
    ['\\s', '\u3000', true],
    ['a|', 'b', true],
    ['^(a|b|)$', '', true],
    ['\ud83d', '😀', false],
    ['x(abc|abd)y', 'xabdy', true],
  ])('%j says of %j: %s', (source, text, matches) => {
    expect(compile(source).test(text)).toBe(matches)
  })

  it('knows letters in the other case', () => {
    for (const [source, text] of [
      ['ÄÖ', 'äö'],
      ['[a-z]+$', 'ABC'],
      ['k', '\u212a'],
      ['^[^a]$', 'B'],
    ] as const) {
      expect(compile(source, true).test(text), source).toBe(true)
    }
    expect(compile('[^a]', true).test('A')).toBe(false)
    expect(compile('[^a]', false).test('A')).toBe(true)
  })

  it.each([
    ['a)', '1: this ) closes nothing'],
    ['x(a', '1: this ( is not closed'],
    ['x[a', '1: this [ is not closed'],
    ['*a', '0: there is nothing to repeat'],
    ['a**', '2: there is nothing to repeat'],
    ['a{2}{3}', '4: there is nothing to repeat'],
    ['a|+', '2: there is nothing to repeat'],
    ['a{3,2}', '1: the numbers in the braces'],
    ['[b-a]', '1: the range is in the wrong order'],
    ['a\\', '1: a backslash ends the pattern'],
    ['(a)\\1', '3: back-references are not supported'],
    ['\\k<a>', '0: back-references are not supported'],
    ['a(?=b)', '1: look-around is not supported'],
    ['a(?!b)', '1: look-around is not supported'],
    ['(?<=a)b', '0: look-around is not supported'],
    ['(?<!a)b', '0: look-around is not supported'],
    ['(?i)a', '0: this kind of group is not supported'],
    ['\\p{L}', '0: \\p is not supported'],
    ['\\u{110000}', '0: there is no such character'],
    ['\\01', '0: write \\x00'],
    ['a{401}', '1: the expression is too large'],
    ['a{99999999999999999999}', '1: the expression is too large'],
    ['((a{100}){100}){100}', '9: the expression is too large'],
    ['(((){1000}){1000}){1000}', '4: the expression is too large'],
    ['a{0,300}b{0,300}', '1: the expression is too large'],
    ['('.repeat(51), '50: groups are nested deeper than 50'],
  ])('%j is refused: %s', (source, error) => {
    expect(() => compile(source)).toThrow(
      expect.objectContaining({ message: expect.stringMatching(new RegExp(`^${quote(error)}`)) }),
    )
  })

  it('finds the leftmost match, the longest there', () => {
    expect(compile('b|bc').find('abcd')).toEqual([1, 3])
    expect(compile('\\d+').find('a12b345', 3)).toEqual([4, 7])
    expect(compile('\\d+').find('a12b345', 2)).toEqual([2, 3])
    expect(compile('^a').find('aa', 1)).toBeUndefined()
    expect(compile('\\bb').find('ab', 1)).toBeUndefined()
    expect(compile('x*').find('ab')).toEqual([0, 0])
    expect(compile('.').find('😀')).toEqual([0, 2])
    expect(compile('a+b|a').find('aaac')).toEqual([0, 1])
    expect(compile('z').find('abc')).toBeUndefined()
  })
})

describe('beside the engine of JavaScript', () => {
  const ATOMS = [
    ...'abc1 .^$',
    '\\d',
    '\\w',
    '\\s',
    '\\S',
    '[ab]',
    '[^a]',
    '[a-c]',
    '[^\\w]',
    '\\b',
    '😀',
    '\\n',
    'é',
    '[\\d-]',
    '[]',
    '[^]',
    '[A-Z]',
  ]
  const QUANTIFIERS = ['*', '+', '?', '{2}', '{0,2}', '{1,}', '*?', '+?', '{0}']
  const CHARACTERS = [...'abc1 -.AZzÉé_', '\n', '😀']

  const random = createRandom(20261123)
  function pattern(depth: number): string {
    if (depth === 0 || random.chance(0.4)) return random.pick(ATOMS)
    const part = (): string => pattern(depth - 1)
    switch (random.int(0, 3)) {
      case 0:
        return part() + part()
      case 1:
        return `(${part()}|${part()})`
      case 2:
        return `(?:${part()})${random.pick(QUANTIFIERS)}`
      default:
        return `(${part()}|)`
    }
  }

  it('matches the same texts', () => {
    let matched = 0
    for (let run = 0; run < 2000; run++) {
      const source = pattern(4)
      const ignoreCase = random.chance(0.3)
      const theirs = new RegExp(source, ignoreCase ? 'iu' : 'u')
      const ours = compile(source, ignoreCase)
      for (let each = 0; each < 5; each++) {
        const text = Array.from({ length: random.int(0, 8) }, () => random.pick(CHARACTERS)).join('')
        const expected = theirs.exec(text)
        const where = `/${source}/${theirs.flags} of ${JSON.stringify(text)}`
        expect(ours.test(text), where).toBe(expected !== null)
        const found = ours.find(text)
        expect(found?.[0], where).toBe(expected?.index)
        // Theirs prefers the branch that stands first; ours the longest.
        if (found !== undefined && expected !== null) {
          expect(found[1], where).toBeGreaterThanOrEqual(expected.index + expected[0].length)
        }
        if (expected !== null) matched++
      }
    }
    // Neither nearly all nor nearly none: both answers are put to the test.
    expect(matched).toBeGreaterThan(2000)
    expect(matched).toBeLessThan(8000)
  }, 30_000)
})

describe('the work of an expression', () => {
  const as = 'a'.repeat(20_000)

  it.each([
    '(a+)+$',
    '(a*)*[bc]',
    '(a|a)*[bc]',
    '(a|aa)+$',
    '(.*)(.*)(.*)(.*)[xy]',
    '(a?){20}a{20}[bc]',
    '([a-z]+)*[0-9]',
    '\\b(a+)+\\b!',
  ])('%s costs the same for each character, however long the text', (source) => {
    const regex = compile(source)
    for (const text of [as, `${as}${as}!`]) expect(cost(regex, text)).toBeLessThan(2)
  })

  it.each(['(a*)*[bc]', '(|){8}[bc]', '((a?)?){4}[bc]'])('%s follows each instruction once a character', (source) => {
    const regex = compile(source)
    regex.test('a')
    // The character, the end, and the match that is no part of the size.
    expect(regex.work).toBeLessThanOrEqual(2 * (regex.size + 1))
  })

  it('stays right where its states are many, but served for long', () => {
    const random = createRandom(13)
    const regex = compile('a[ab]{11}[cd]')
    regex.test('x'.repeat(1_000_000))
    for (let run = 0; run < 400; run++) {
      const text = Array.from({ length: 60 }, () => random.pick(['a', 'a', 'b', 'b', 'a', 'b', 'a', 'b', 'c'])).join('')
      expect(regex.test(text), text).toBe(/a[ab]{11}[cd]/.test(text))
    }
  }, 30_000)

  it('is bounded by the size, also where every character makes a new state', () => {
    const random = createRandom(7)
    const text = Array.from({ length: 4000 }, () => random.pick(['a', 'b'])).join('')
    for (const [source, times] of [
      ['(a|b)*a(a|b){12}[cd]', 12],
      ['a[ab]{300}[cd]', 300],
      ['(a|b)*a[ab]{190}[cd]', 190],
    ] as const) {
      const regex = compile(source)
      for (const part of [text, text.slice(0, 2000), text.slice(1000)]) {
        expect(cost(regex, part), source).toBeLessThan(regex.size + 2)
      }
      const end = `a${'b'.repeat(times)}`
      expect(regex.test(`${text}${end}c`)).toBe(true)
      expect(regex.test(`${text}${end}e`)).toBe(false)
    }
  }, 30_000)

  it('stays right while its table grows and is begun anew', () => {
    const random = createRandom(11)
    const regex = compile('a.{9}[bé]|[0-9]{3}x|[Ѐ-Ѯ]é')
    const theirs = /a.{9}[bé]|[0-9]{3}x|[Ѐ-Ѯ]é/u
    const characters = [...'ab01x é', ...Array.from({ length: 600 }, (_, index) => String.fromCodePoint(0x400 + index))]
    for (let run = 0; run < 3000; run++) {
      const text = Array.from({ length: 30 }, () =>
        random.pick(random.chance(0.9) ? characters.slice(0, 7) : characters),
      ).join('')
      expect(regex.test(text), text).toBe(theirs.test(text))
    }
  }, 30_000)

  it('is nothing where a text that every match holds is missing', () => {
    const regex = compile('\\d+ failed: .*')
    expect(cost(regex, as)).toBe(0)
    expect(regex.test('12 failed: x')).toBe(true)
  })
})

describe('whatever is written', () => {
  it('is compiled or refused', () => {
    const piece = fc.constantFrom(...'ab(|)[]{}*+?^$.\\-,123:=!<>dwsbBux/ é', '(?:', '(?=', '{2,', '\\u{', '[^', '😀')
    fc.assert(
      fc.property(
        fc.array(piece, { maxLength: 12 }),
        fc.string({ maxLength: 6 }),
        fc.boolean(),
        (pieces, text, flag) => {
          let regex: Regex
          try {
            regex = compile(pieces.join(''), flag)
          } catch (error) {
            expect((error as Error).message).toMatch(/^\d+: /)
            return
          }
          expect(regex.test(text)).toBe(regex.find(text) !== undefined)
        },
      ),
      { numRuns: 1000 },
    )
  })
})

function quote(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&')
}
