/** The single conditions that a query is made of, each with its predicate. */
import { LEVELS, type Level, type LogEntry, levelRank } from '../log.ts'
import { readTime } from '../time.ts'
import { type FieldSearch, searchField, searchFields, textOf, type ValueTest } from './field.ts'
import { createGlob } from './glob.ts'
import type { Regex } from './regex.ts'

/** One condition. */
export interface Term {
  /** Equal for terms that let the same entries through. */
  readonly key: string
  /** Rank by what it costs: the cheap ones are asked first. */
  readonly cost: number
  /** The levels that a condition on the level lets through, a bit each. */
  readonly levels?: number
  /** What of a message it looks for, to be shown. */
  readonly shows?: string | Regex | undefined
  matches(subject: Subject): boolean
}

/** How two values are compared. */
export type Comparison = '<' | '<=' | '>' | '>='

/** What a field's value is compared with. */
export type Value =
  | { readonly type: 'text'; readonly text: string }
  | { readonly type: 'pattern'; readonly text: string }
  | { readonly type: 'regex'; readonly regex: Regex }

/** Every level's bit. */
export const ALL_LEVELS: number = (1 << LEVELS.length) - 1

const NUMBER = /^[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?$/
const DATE = /^\d{4}-\d\d-\d\d/

/** An entry under test. What several terms need of it is made once. */
export class Subject {
  readonly entry: LogEntry
  #message: string | undefined
  #context: string | undefined
  #lowerContext: string | undefined

  constructor(entry: LogEntry) {
    this.entry = entry
  }

  /** The message in lower case. */
  get message(): string {
    this.#message ??= this.entry.message.toLowerCase()
    return this.#message
  }

  /** The context's JSON text. */
  get context(): string {
    this.#context ??= JSON.stringify(this.entry.context)
    return this.#context
  }

  /** The context's JSON text in lower case. */
  get lowerContext(): string {
    this.#lowerContext ??= this.context.toLowerCase()
    return this.#lowerContext
  }
}

/** A word or a phrase, in the message or in the context, in any case. */
export function textTerm(text: string): Term {
  const word = text.toLowerCase()
  // The context is searched in its JSON text, where a backslash or a line break is escaped.
  const escaped = JSON.stringify(word).slice(1, -1)
  return {
    key: JSON.stringify(word),
    cost: 2,
    shows: text,
    matches: (subject) => subject.message.includes(word) || subject.lowerContext.includes(escaped),
  }
}

/** An expression, in the message or in the context's JSON text. */
export function regexTerm(regex: Regex): Term {
  return {
    key: JSON.stringify([regex.key]),
    cost: 3,
    shows: regex,
    matches: (subject) => regex.test(subject.entry.message) || regex.test(subject.context),
  }
}

/** Some of the levels, a bit each. */
export function levelTerm(levels: number): Term {
  return {
    key: JSON.stringify(['level', levels]),
    cost: 0,
    levels,
    matches: ({ entry }) => (levels & (1 << levelRank(entry.level))) !== 0,
  }
}

/** The levels that compare so with one. */
export function levelsThat(comparison: Comparison | '=', level: Level): number {
  const rank = levelRank(level)
  return LEVELS.reduce((bits, _, other) => (compare(other, comparison, rank) ? bits | (1 << other) : bits), 0)
}

/** The message holds a text, in any case, or fits an expression. */
export function messageTerm(value: Value): Term {
  if (value.type === 'regex') {
    const { regex } = value
    return {
      key: JSON.stringify(['message', regex.key]),
      cost: 1,
      shows: regex,
      matches: ({ entry }) => regex.test(entry.message),
    }
  }
  const text = value.text.toLowerCase()
  const fits = createGlob(`*${text}*`)
  const matches = (subject: Subject): boolean =>
    value.type === 'text' ? subject.message.includes(text) : fits(subject.message)
  return {
    key: JSON.stringify(['message', value.type, text]),
    cost: 1,
    shows: value.type === 'text' ? value.text : undefined,
    matches,
  }
}

/** The time begins with a text, such as a day's. */
export function timePrefixTerm(prefix: string): Term {
  const fits = createGlob(`${prefix.toUpperCase()}*`)
  return { key: JSON.stringify(['ts', '=', prefix.toUpperCase()]), cost: 0, matches: ({ entry }) => fits(entry.ts) }
}

/** The time compares so with another, in the form that entries carry. */
export function timeTerm(comparison: Comparison, time: string): Term {
  return {
    key: JSON.stringify(['ts', comparison, time]),
    cost: 0,
    matches: ({ entry }) => compare(entry.ts, comparison, time),
  }
}

/** The names of fields: a plain one, or a pattern with `*`. */
export interface FieldName {
  readonly text: string
  readonly isPattern: boolean
}

/**
 * A field of the context has a value.
 *
 * @param text - also let through where this very text stands in the message or the context
 */
export function fieldTerm(name: FieldName, value: Value, text?: string): Term {
  const search = searchOf(name)
  const test = createTest(value)
  const content = value.type === 'regex' ? value.regex.key : value.text.toLowerCase()
  const key = ['field', name.text, name.isPattern, value.type, content]
  if (text === undefined) {
    return {
      key: JSON.stringify(key),
      cost: 1,
      matches: ({ entry }) => search(entry.context, test),
    }
  }
  const word = textTerm(text)
  return {
    key: JSON.stringify([...key, word.key]),
    cost: 2,
    shows: text,
    matches: (subject) => search(subject.entry.context, test) || word.matches(subject),
  }
}

/** A field of the context compares so with a number or a time. */
export function comparisonTerm(name: FieldName, comparison: Comparison, than: number | string): Term {
  const search = searchOf(name)
  const read = typeof than === 'number' ? readNumber : readValueTime
  return {
    key: JSON.stringify(['field', name.text, name.isPattern, comparison, than]),
    cost: 1,
    matches: ({ entry }) =>
      search(entry.context, (value) => {
        const own = read(value)
        return own !== undefined && compare(own, comparison, than)
      }),
  }
}

/** Reads what a field may be compared with: a number, or a time in the form that entries carry. */
export function readComparable(text: string): number | string | undefined {
  return readNumber(text) ?? (DATE.test(text) ? readTime(text) : undefined)
}

function searchOf({ text, isPattern }: FieldName): FieldSearch {
  return isPattern ? searchFields(text) : searchField(text)
}

function createTest(value: Value): ValueTest {
  if (value.type === 'regex') {
    return (own) => {
      const text = textOf(own)
      return text !== undefined && value.regex.test(text)
    }
  }
  const wanted = value.text.toLowerCase()
  // All by itself: whether there is such a field.
  if (value.type === 'pattern' && wanted === '*') return (own) => own !== null
  const fits = createGlob(wanted)
  const number = value.type === 'text' ? readNumber(wanted) : undefined
  return (own) => {
    if (typeof own === 'number' && number !== undefined) return own === number
    const text = textOf(own)
    if (text === undefined) return false
    return value.type === 'text' ? text.toLowerCase() === wanted : fits(text.toLowerCase())
  }
}

function readNumber(value: unknown): number | undefined {
  if (typeof value === 'number') return value
  return typeof value === 'string' && NUMBER.test(value) ? Number(value) : undefined
}

function readValueTime(value: unknown): string | undefined {
  return typeof value === 'number' || (typeof value === 'string' && DATE.test(value)) ? readTime(value) : undefined
}

function compare<Kind extends number | string>(a: Kind, comparison: Comparison | '=', b: Kind): boolean {
  switch (comparison) {
    case '<':
      return a < b
    case '<=':
      return a <= b
    case '>':
      return a > b
    case '>=':
      return a >= b
    case '=':
      return a === b
  }
}
