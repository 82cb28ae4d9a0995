/**
 * Regular expressions in linear time: whatever the pattern, a text costs at most its length times the size of the program.
 * The pattern becomes a nondeterministic automaton whose states are joined to those of a deterministic one
 * as a text meets them, within a bound (as RE2 does). JavaScript's own engine backtracks: `(a+)+$` would stop a server.
 */
import { ASSERTIONS, createProgram, MATCH, type Program, SET, SPLIT } from './regex-program.ts'
import {
  type Assertion,
  type CharSet,
  isInSet,
  isWordPoint,
  parseRegex,
  type RegexFail,
  requiredText,
} from './regex-syntax.ts'

/** A compiled expression. */
export interface Regex {
  /** Equal for equal expressions. */
  readonly key: string
  /** Instructions that it was compiled to. */
  readonly size: number
  /** What its matching has cost so far: characters read and instructions followed. For tests of the bound. */
  readonly work: number
  /** Whether it matches anywhere in a text. */
  test(text: string): boolean
  /** The leftmost match that begins at `from` or later, the longest of these, as its start and its end. */
  find(text: string, from?: number): [start: number, end: number] | undefined
}

/** How an expression is compiled. */
export interface RegexOptions {
  /** Flag `i`. */
  readonly ignoreCase: boolean
  /** Most instructions. Matching may cost so many steps for each character. */
  readonly maxSize: number
  /** Makes the error for a place in the pattern, counted from 0. */
  readonly fail: RegexFail
}

/**
 * Most numbers that the states of one expression hold, in the table and beside it: about 100 KiB with what they are known by.
 * Beyond it the table is begun anew.
 */
const MAX_CELLS = 16_384

/** Cells of a table to begin with. Most expressions need few states. */
const FIRST_CELLS = 256

/** Characters that a state must have served on average, or the states are not worth their making. */
const MIN_CHARACTERS = 16

/** Characters beyond ASCII whose class is remembered. */
const MAX_REMEMBERED = 1024

/** The class of the end of the text. */
const END = 0

/** Places in the table: what is not known yet, the state of a match, and that before the first character. */
const UNKNOWN = 0
const MATCHED = 1
const FIRST = 2

/** What stands at one side of a place in the text. */
type Side = 'nothing' | 'word' | 'other'

/** Characters that no set of the program tells apart. */
interface CharClass {
  /** For each set, 1 if it holds them. */
  readonly inSet: Uint8Array
  readonly side: Side
}

/** Where the automaton may be, between two characters. */
interface Position {
  readonly at: Uint16Array
  readonly before: Side
}

const NOWHERE: Position = { at: new Uint16Array(0), before: 'nothing' }

/**
 * Compiles an expression.
 *
 * @throws what `fail` makes, for what cannot be read, is not supported or is too large
 */
export function compileRegex(source: string, options: RegexOptions): Regex {
  const { node, size } = parseRegex(source, options.maxSize, options.fail)
  const { ignoreCase } = options
  const needle = ignoreCase ? '' : requiredText(node)
  return new LinearRegex(`/${source}/${ignoreCase ? 'i' : ''}`, size, createProgram(node), ignoreCase, needle)
}

class LinearRegex implements Regex {
  readonly key: string
  readonly size: number
  work = 0
  readonly #program: Program
  readonly #ignoreCase: boolean
  readonly #needle: string
  /** Class numbers: of ASCII by code, 0 where not asked for yet; of others as they are met. */
  readonly #ascii = new Uint16Array(128)
  readonly #others = new Map<number, number>()
  readonly #classes: CharClass[]
  readonly #classNumbers = new Map<string, number>()
  /** By state and class, the next state. */
  #table = new Uint16Array(FIRST_CELLS)
  /** Cells of one state: at least as many as there are classes. */
  #stride = 8
  #states: Position[] = []
  #stateNumbers = new Map<string, number>()
  /** Numbers that the states hold. */
  #cells = 0
  /** Characters read since the table was begun. */
  #served = 0
  /** Whether texts make so many states that they are not worth it. */
  #isUnruly = false
  /** By instruction, the round in which it was last followed, and last listed. */
  readonly #followed: Float64Array
  readonly #listed: Float64Array
  readonly #stack: Uint16Array
  readonly #targets: Uint16Array
  #round = 0

  constructor(key: string, size: number, program: Program, ignoreCase: boolean, needle: string) {
    const { length } = program.operations
    this.key = key
    this.size = size
    this.#program = program
    this.#ignoreCase = ignoreCase
    this.#needle = needle
    this.#followed = new Float64Array(length)
    this.#listed = new Float64Array(length)
    this.#stack = new Uint16Array(2 * length + 1)
    this.#targets = new Uint16Array(length)
    this.#classes = [{ inSet: new Uint8Array(program.sets.length), side: 'nothing' }]
    this.#begin()
  }

  test(text: string): boolean {
    if (this.#needle !== '' && !text.includes(this.#needle)) return false
    if (this.#isUnruly) return this.#simulate(text, 0, NOWHERE)
    const ascii = this.#ascii
    const { length } = text
    let table = this.#table
    let stride = this.#stride
    let state = FIRST
    for (let index = 0; index <= length; index++) {
      const unit = index < length ? text.charCodeAt(index) : -1
      let kind = unit >= 0 && unit < 128 ? (ascii[unit] as number) : END
      let after = kind !== END && kind < stride ? (table[state * stride + kind] as number) : UNKNOWN
      if (after > MATCHED) {
        state = after
        continue
      }
      // What is not ASCII, the end, and what is met for the first time.
      const from = index
      if (after === UNKNOWN) {
        if (unit >= 0) {
          const point = text.codePointAt(index) as number
          kind = this.#classOf(point)
          if (point > 0xffff) index++
        }
        after = kind < stride ? (table[state * stride + kind] as number) : UNKNOWN
      }
      if (after === UNKNOWN) {
        const position = this.#states[state] as Position
        after = this.#learn(state, kind, from)
        if (this.#isUnruly) return this.#simulate(text, from, position)
        table = this.#table
        stride = this.#stride
      }
      if (after === MATCHED) {
        this.#count(from)
        return true
      }
      state = after
    }
    this.#count(length)
    return false
  }

  find(text: string, from = 0): [number, number] | undefined {
    const { operations, next, other, start } = this.#program
    let found: [number, number] | undefined
    let before: Side = from === 0 ? 'nothing' : sideOf(text.charCodeAt(from - 1))
    // Instructions, and where the match at each began, the earliest first: the first to reach an instruction keeps it.
    let at: number[] = []
    let began: number[] = []
    for (let index = from; ; ) {
      const point = text.codePointAt(index)
      const { inSet, side } = this.#classes[point === undefined ? END : this.#classOf(point)] as CharClass
      const [nextAt, nextBegan]: [number[], number[]] = [[], []]
      this.#round++
      if (found === undefined) {
        at.push(start)
        began.push(index)
      }
      for (const [thread, first] of began.entries()) {
        if (found !== undefined && first > found[0]) break
        for (const reached of this.#follow(at[thread] as number, before, side)) {
          if (operations[reached] === MATCH) found = [first, index]
          else if (inSet[other[reached] as number] === 1) {
            nextAt.push(next[reached] as number)
            nextBegan.push(first)
          }
        }
      }
      if (point === undefined || (nextAt.length === 0 && found !== undefined)) return found
      at = nextAt
      began = nextBegan
      before = side
      index += point > 0xffff ? 2 : 1
      this.work++
    }
  }

  /** The rest of a text, without states. */
  #simulate(text: string, from: number, position: Position): boolean {
    let current = position
    for (let index = from; index < text.length; index++) {
      const point = text.codePointAt(index) as number
      const next = this.#advance(current, this.#classOf(point))
      if (next === undefined) return true
      current = next
      if (point > 0xffff) index++
    }
    return this.#advance(current, END) === undefined
  }

  /** Where the automaton may be after one more character, or after the end; undefined when it has matched. */
  #advance({ at, before }: Position, kind: number): Position | undefined {
    const { operations, next, other, start } = this.#program
    const { inSet, side } = this.#classes[kind] as CharClass
    const round = ++this.#round
    const followed = this.#followed
    const listed = this.#listed
    const stack = this.#stack
    const targets = this.#targets
    let count = 0
    let steps = 0
    // A match may begin at every place.
    for (let index = -1; index < at.length; index++) {
      let depth = 1
      stack[0] = index === -1 ? start : (at[index] as number)
      while (depth > 0) {
        const current = stack[--depth] as number
        if (followed[current] === round) continue
        followed[current] = round
        steps++
        const operation = operations[current] as number
        const target = next[current] as number
        const detail = other[current] as number
        if (operation === SET) {
          if (inSet[detail] === 0 || listed[target] === round) continue
          listed[target] = round
          targets[count++] = target
        } else if (operation === SPLIT) {
          stack[depth++] = target
          stack[depth++] = detail
        } else if (operation === MATCH) {
          this.work += steps
          return undefined
        } else if (holds(ASSERTIONS[detail] as Assertion, before, side)) stack[depth++] = target
      }
    }
    this.work += steps
    return { at: targets.slice(0, count), before: side }
  }

  /** What can be reached without a character: matches and sets, each once a round. */
  #follow(from: number, before: Side, after: Side): number[] {
    const { operations, next, other } = this.#program
    const reached: number[] = []
    const stack = [from]
    for (let at = stack.pop(); at !== undefined; at = stack.pop()) {
      if (this.#followed[at] === this.#round) continue
      this.#followed[at] = this.#round
      this.work++
      const operation = operations[at]
      if (operation === MATCH || operation === SET) reached.push(at)
      else if (operation === SPLIT) stack.push(next[at] as number, other[at] as number)
      else if (holds(ASSERTIONS[other[at] as number] as Assertion, before, after)) stack.push(next[at] as number)
    }
    return reached
  }

  /** Finds the state after a state, and writes it into the table. */
  #learn(state: number, kind: number, index: number): number {
    if (this.#classes.length > this.#stride) {
      // The cells of a state are too few: all are begun anew, but for the one that is needed.
      const position = this.#states[state] as Position
      while (this.#stride < this.#classes.length) this.#stride *= 2
      this.#begin()
      return this.#learn(state === FIRST ? FIRST : this.#stateOf(position, index), kind, index)
    }
    const position = this.#advance(this.#states[state] as Position, kind)
    const states = this.#states
    const next = position === undefined ? MATCHED : this.#stateOf(position, index)
    // Not where the state is gone, since the table was begun anew.
    if (states === this.#states) this.#table[state * this.#stride + kind] = next
    return next
  }

  #stateOf(position: Position, index: number): number {
    position.at.sort()
    const key = `${position.before}${String.fromCharCode(...position.at)}`
    const known = this.#stateNumbers.get(key)
    if (known !== undefined) return known
    const cells = this.#stride + 2 * position.at.length
    if (this.#cells + cells > MAX_CELLS) {
      this.#isUnruly = this.#served + index < MIN_CHARACTERS * this.#states.length
      // What is counted at the end of this text was for the states that are gone.
      this.#served = -index
      this.#begin()
    }
    this.#cells += cells
    const number = this.#states.push(position) - 1
    this.#stateNumbers.set(key, number)
    if (this.#states.length * this.#stride > this.#table.length) {
      const table = new Uint16Array(2 * this.#table.length)
      table.set(this.#table)
      this.#table = table
    }
    return number
  }

  #begin(): void {
    this.#states = [NOWHERE, NOWHERE, NOWHERE]
    this.#stateNumbers = new Map()
    this.#cells = 0
    this.#table = new Uint16Array(Math.max(FIRST_CELLS, 8 * this.#stride))
  }

  #count(characters: number): void {
    this.work += characters
    this.#served += characters
  }

  #classOf(point: number): number {
    const known = point < 128 ? (this.#ascii[point] as number) : (this.#others.get(point) ?? 0)
    if (known !== 0) return known
    const inSet = Uint8Array.from(this.#program.sets, (set) => Number(this.#holds(set, point)))
    const side = sideOf(point)
    const key = `${side}${inSet.join('')}`
    const number = this.#classNumbers.get(key) ?? this.#classes.push({ inSet, side }) - 1
    this.#classNumbers.set(key, number)
    if (point < 128) this.#ascii[point] = number
    else {
      if (this.#others.size >= MAX_REMEMBERED) this.#others.clear()
      this.#others.set(point, number)
    }
    return number
  }

  #holds(set: CharSet, point: number): boolean {
    if (!this.#ignoreCase) return isInSet(set, point)
    const positive = { ranges: set.ranges, negated: false }
    const upper = otherCase(point, 'toUpperCase')
    const variants = [point, otherCase(point, 'toLowerCase'), upper, otherCase(upper, 'toLowerCase')]
    return variants.some((variant) => isInSet(positive, variant)) !== set.negated
  }
}

function holds(assertion: Assertion, before: Side, after: Side): boolean {
  switch (assertion) {
    case 'start':
      return before === 'nothing'
    case 'end':
      return after === 'nothing'
    case 'boundary':
      return (before === 'word') !== (after === 'word')
    case 'inside':
      return (before === 'word') === (after === 'word')
  }
}

function sideOf(point: number): Side {
  return isWordPoint(point) ? 'word' : 'other'
}

/** A code point in the other case, if that is one character too. */
function otherCase(point: number, convert: 'toLowerCase' | 'toUpperCase'): number {
  const text = String.fromCodePoint(point)[convert]()
  const other = text.codePointAt(0) as number
  return text.length === (other > 0xffff ? 2 : 1) ? other : point
}
