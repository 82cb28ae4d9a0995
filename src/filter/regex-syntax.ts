/**
 * Regular expressions as they are written: JavaScript's syntax, without what no engine can match in linear time
 * (back-references, look-around). The size of the program that a pattern would become is counted while it is read, so that
 * `((a{100}){100}){100}` is refused and never expanded.
 */
import type { MonitorError } from '../errors.ts'

/** A set of code points: ranges, first and last in turn. */
export interface CharSet {
  readonly ranges: readonly number[]
  readonly negated: boolean
}

/** What must hold between two characters. */
export type Assertion = 'start' | 'end' | 'boundary' | 'inside'

/** A pattern as a tree. */
export type RegexNode =
  | { readonly type: 'set'; readonly set: CharSet }
  | { readonly type: 'assert'; readonly assertion: Assertion }
  | { readonly type: 'sequence' | 'choice'; readonly nodes: readonly RegexNode[] }
  | { readonly type: 'repeat'; readonly node: RegexNode; readonly min: number; readonly max: number }

/** Makes the error for a place in the pattern, counted from 0. */
export type RegexFail = (at: number, problem: string) => MonitorError

/** Deepest nesting of groups: the parser and the compiler recurse. */
const MAX_GROUPS = 50

const DIGIT = [0x30, 0x39]
const WORD = [0x30, 0x39, 0x41, 0x5a, 0x5f, 0x5f, 0x61, 0x7a]
const SPACE = [
  ...[0x09, 0x0d, 0x20, 0x20, 0xa0, 0xa0, 0x1680, 0x1680, 0x2000, 0x200a, 0x2028, 0x2029],
  ...[0x202f, 0x202f, 0x205f, 0x205f, 0x3000, 0x3000, 0xfeff, 0xfeff],
]
const LINE_BREAK = [0x0a, 0x0a, 0x0d, 0x0d, 0x2028, 0x2029]
const LAST = 0x10ffff

const CLASSES: Readonly<Record<string, CharSet>> = {
  d: { ranges: DIGIT, negated: false },
  D: { ranges: DIGIT, negated: true },
  w: { ranges: WORD, negated: false },
  W: { ranges: WORD, negated: true },
  s: { ranges: SPACE, negated: false },
  S: { ranges: SPACE, negated: true },
}

const CONTROLS: Readonly<Record<string, number>> = { t: 9, n: 10, v: 11, f: 12, r: 13, '0': 0 }

interface Sized {
  readonly node: RegexNode
  /** Instructions that it becomes. At least one each, so that repeating nothing is bounded too. */
  readonly size: number
}

/** Whether a set holds a code point. */
export function isInSet({ ranges, negated }: CharSet, point: number): boolean {
  for (let index = 0; index < ranges.length; index += 2) {
    if (point >= (ranges[index] as number) && point <= (ranges[index + 1] as number)) return !negated
  }
  return negated
}

/** Whether a code point counts as part of a word for `\b`. */
export function isWordPoint(point: number): boolean {
  return isInSet(CLASSES.w as CharSet, point)
}

/**
 * Reads a pattern.
 *
 * @param maxSize - most instructions that it may become
 * @throws what `fail` makes
 */
export function parseRegex(source: string, maxSize: number, fail: RegexFail): Sized {
  return new RegexParser(source, maxSize, fail).parse()
}

class RegexParser {
  readonly #source: string
  readonly #maxSize: number
  readonly #fail: RegexFail
  #at = 0
  #groups = 0

  constructor(source: string, maxSize: number, fail: RegexFail) {
    this.#source = source
    this.#maxSize = maxSize
    this.#fail = fail
  }

  parse(): Sized {
    const whole = this.#choice()
    if (this.#at < this.#source.length) throw this.#fail(this.#at, 'this ) closes nothing. Write \\) for the character')
    return whole
  }

  #choice(): Sized {
    const branches = [this.#sequence()]
    while (this.#take('|')) branches.push(this.#sequence())
    if (branches.length === 1) return branches[0] as Sized
    return this.#sized(
      { type: 'choice', nodes: branches.map(({ node }) => node) },
      branches.reduce((sum, { size }) => sum + size + 1, 0),
    )
  }

  #sequence(): Sized {
    const parts: Sized[] = []
    while (this.#at < this.#source.length && !/[|)]/.test(this.#source[this.#at] as string))
      parts.push(this.#repeated())
    if (parts.length === 1) return parts[0] as Sized
    return this.#sized(
      { type: 'sequence', nodes: parts.map(({ node }) => node) },
      parts.reduce((sum, { size }) => sum + size, 0),
    )
  }

  #repeated(): Sized {
    const { node, size } = this.#atom()
    const at = this.#at
    const times = this.#quantifier()
    if (times === undefined) return { node, size }
    const { min, max } = times
    if (max < min) throw this.#fail(at, 'the numbers in the braces are in the wrong order')
    // Greedy or not, the same texts match.
    this.#take('?')
    if (/[*+?]/.test(this.#source[this.#at] ?? '') || this.#braces() !== undefined) {
      throw this.#fail(this.#at, 'there is nothing to repeat. Write a backslash before the character itself')
    }
    const copies = max === Number.POSITIVE_INFINITY ? Math.max(min, 1) * size + 1 : max * size + (max - min)
    return this.#sized({ type: 'repeat', node, min, max }, copies, at)
  }

  #quantifier(): { min: number; max: number } | undefined {
    if (this.#take('*')) return { min: 0, max: Number.POSITIVE_INFINITY }
    if (this.#take('+')) return { min: 1, max: Number.POSITIVE_INFINITY }
    if (this.#take('?')) return { min: 0, max: 1 }
    const braces = this.#braces()
    if (braces === undefined) return undefined
    const [text, min = '', comma, max = ''] = braces
    this.#at += text.length
    const least = Number(min)
    return { min: least, max: comma === undefined ? least : max === '' ? Number.POSITIVE_INFINITY : Number(max) }
  }

  #braces(): RegExpExecArray | undefined {
    const pattern = /\{(\d+)(,)?(\d*)\}/y
    pattern.lastIndex = this.#at
    return pattern.exec(this.#source) ?? undefined
  }

  #atom(): Sized {
    const at = this.#at
    const character = this.#character()
    switch (character) {
      case '(':
        return this.#group(at)
      case '[':
        return set(this.#class(at))
      case '.':
        return set({ ranges: LINE_BREAK, negated: true })
      case '^':
        return assert('start')
      case '$':
        return assert('end')
      case '*':
      case '+':
      case '?':
        throw this.#fail(at, 'there is nothing to repeat. Write a backslash before the character itself')
      case '\\':
        if (this.#take('b')) return assert('boundary')
        if (this.#take('B')) return assert('inside')
        return set(this.#escape(at))
      default:
        return set(single(character.codePointAt(0) as number))
    }
  }

  #group(at: number): Sized {
    if (++this.#groups > MAX_GROUPS) throw this.#fail(at, `groups are nested deeper than ${MAX_GROUPS}`)
    if (this.#take('?')) {
      const kind = /(?::|<(?![=!])[^>]*>)/y
      kind.lastIndex = this.#at
      const [text] = kind.exec(this.#source) ?? []
      if (text === undefined) {
        const isLook = /^<?[=!]/.test(this.#source.slice(this.#at))
        const what = isLook ? 'look-around is not supported' : 'this kind of group is not supported'
        throw this.#fail(at, `${what}. Use ( … ), or several terms`)
      }
      this.#at += text.length
    }
    const inner = this.#choice()
    if (!this.#take(')')) throw this.#fail(at, 'this ( is not closed. Add ), or write \\( for the character')
    this.#groups--
    return inner
  }

  #class(at: number): CharSet {
    const negated = this.#take('^')
    const ranges: number[] = []
    while (!this.#take(']')) {
      const from = this.#at
      if (from >= this.#source.length)
        throw this.#fail(at, 'this [ is not closed. Add ], or write \\[ for the character')
      const first = this.#member()
      const isRange = this.#source[this.#at] === '-' && !/^(?:\]|$)/.test(this.#source.slice(this.#at + 1))
      if (!isRange) {
        add(ranges, first)
        continue
      }
      this.#at++
      const last = this.#member()
      const [low, high] = [pointOf(first), pointOf(last)]
      if (low === undefined || high === undefined) {
        add(ranges, first)
        add(ranges, single(0x2d))
        add(ranges, last)
      } else if (high < low) throw this.#fail(from, 'the range is in the wrong order')
      else ranges.push(low, high)
    }
    return { ranges, negated }
  }

  #member(): CharSet {
    const at = this.#at
    const character = this.#character()
    if (character !== '\\') return single(character.codePointAt(0) as number)
    return this.#take('b') ? single(8) : this.#escape(at)
  }

  /** What follows a backslash. */
  #escape(at: number): CharSet {
    if (this.#at >= this.#source.length)
      throw this.#fail(at, 'a backslash ends the pattern. Write \\\\ for the character')
    const character = this.#character()
    const known = Object.hasOwn(CLASSES, character) ? CLASSES[character] : undefined
    if (known !== undefined) return known
    const code = /(?:(?<=x)([0-9a-fA-F]{2})|(?<=u)([0-9a-fA-F]{4})|(?<=u)\{([0-9a-fA-F]{1,6})\})/y
    code.lastIndex = this.#at
    const [text, byte, unit, point] = code.exec(this.#source) ?? []
    if (text !== undefined) {
      const value = Number.parseInt(byte ?? unit ?? point ?? '', 16)
      if (value > LAST) throw this.#fail(at, 'there is no such character')
      this.#at += text.length
      return single(value)
    }
    if (character === '0' && /^\d/.test(this.#source.slice(this.#at)))
      throw this.#fail(at, 'write \\x00 for the character')
    if (Object.hasOwn(CONTROLS, character)) return single(CONTROLS[character] as number)
    if (/[1-9k]/.test(character)) throw this.#fail(at, 'back-references are not supported. Write the text again')
    if (/[a-zA-Z]/.test(character)) throw this.#fail(at, `\\${character} is not supported. Leave out the backslash`)
    return single(character.codePointAt(0) as number)
  }

  #character(): string {
    const character = String.fromCodePoint(this.#source.codePointAt(this.#at) as number)
    this.#at += character.length
    return character
  }

  #take(character: string): boolean {
    if (this.#source[this.#at] !== character) return false
    this.#at++
    return true
  }

  #sized(node: RegexNode, size: number, at = 0): Sized {
    if (size > this.#maxSize) {
      throw this.#fail(at, `the expression is too large (at most ${this.#maxSize} steps). Repeat less, or use * or +`)
    }
    return { node, size: Math.max(size, 1) }
  }
}

function set(chars: CharSet): Sized {
  return { node: { type: 'set', set: chars }, size: 1 }
}

function assert(assertion: Assertion): Sized {
  return { node: { type: 'assert', assertion }, size: 1 }
}

function single(point: number): CharSet {
  return { ranges: [point, point], negated: false }
}

/** The one code point of a set that is a single character. */
function pointOf({ ranges: [first, last, more], negated }: CharSet): number | undefined {
  return first === last && more === undefined && !negated ? first : undefined
}

/** Adds a member to a class; a negated one, such as `\D`, as the ranges between its own. */
function add(ranges: number[], { ranges: own, negated }: CharSet): void {
  if (!negated) {
    ranges.push(...own)
    return
  }
  let next = 0
  for (let index = 0; index < own.length; index += 2) {
    if ((own[index] as number) > next) ranges.push(next, (own[index] as number) - 1)
    next = (own[index + 1] as number) + 1
  }
  ranges.push(next, LAST)
}

/**
 * The longest text that every match holds for certain, empty if there is none to be seen: to look for it is far faster than to
 * run the automaton.
 */
export function requiredText(root: RegexNode): string {
  let longest = ''
  let run = ''
  for (const node of root.type === 'sequence' ? root.nodes : [root]) {
    const point = node.type === 'set' ? pointOf(node.set) : undefined
    // Half a surrogate pair is no character of its own in a text that has the other half.
    run = point === undefined || (point >= 0xd800 && point <= 0xdfff) ? '' : run + String.fromCodePoint(point)
    if (run.length > longest.length) longest = run
  }
  return longest
}
