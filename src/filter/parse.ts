/**
 * Reads a query, by recursive descent:
 *
 *     or    = and *( "OR" and )
 *     and   = *( ["AND"] *( "NOT" | "-" ) term )
 *     term  = "(" or ")" | phrase | regex | name operator value | word
 *
 * People paste pieces of log lines into it. So what does not read as an operator is a word, `name:value` also finds that very
 * text, and an error is kept for what can only be a slip.
 */
import { MonitorError } from '../errors.ts'
import { LEVELS, levelNamed } from '../log.ts'
import { readTime } from '../time.ts'
import { compileRegex, type Regex } from './regex.ts'
import {
  type Comparison,
  comparisonTerm,
  type FieldName,
  fieldTerm,
  levelsThat,
  levelTerm,
  messageTerm,
  readComparable,
  regexTerm,
  type Term,
  textTerm,
  timePrefixTerm,
  timeTerm,
  type Value,
} from './term.ts'

/** A query as a tree. */
export type QueryNode =
  | { readonly type: 'term'; readonly term: Term }
  | { readonly type: 'not'; readonly node: QueryNode }
  | { readonly type: 'and' | 'or'; readonly nodes: readonly QueryNode[] }

/** Longest query, in UTF-16 units: every entry is searched for every term of every distinct filter. */
export const MAX_QUERY_LENGTH = 1024

/** Most terms. */
export const MAX_TERMS = 256

/** Most terms that look at every field of an entry. */
export const MAX_WILDCARD_NAMES = 8

/** Deepest nesting of parentheses: the parser and the predicate recurse. */
export const MAX_NESTING = 32

/** Most instructions of all expressions of a query together: each character of an entry may cost as many steps. */
export const MAX_REGEX_SIZE = 256

const NAME = /[\p{L}_@$*][\p{L}\p{N}_@$*./-]*/uy
const OPERATOR = /:?[<>]=?|[:=]/y

const QUOTE_IT = 'Put the text in double quotes to search for it'

type Operator = Comparison | ':' | '='

interface RawValue {
  readonly text: string
  readonly quoted: boolean
  readonly regex?: Regex | undefined
  /** Where it stands. */
  readonly at: number
}

/**
 * Reads a query.
 *
 * @returns undefined for one without a term
 * @throws MonitorError `invalid_query` naming the place, counted in characters from 1
 */
export function parseQuery(query: string): QueryNode | undefined {
  return new QueryParser(query).parse()
}

class QueryParser {
  readonly #query: string
  #at = 0
  #depth = 0
  #terms = 0
  #wildcardNames = 0
  #regexSize = 0

  constructor(query: string) {
    this.#query = query
  }

  parse(): QueryNode | undefined {
    if (this.#query.length > MAX_QUERY_LENGTH) {
      throw new MonitorError('invalid_query', `q is at most ${MAX_QUERY_LENGTH} characters long.`)
    }
    return this.#or()
  }

  #or(): QueryNode | undefined {
    const nodes: QueryNode[] = []
    let last: number | undefined
    for (;;) {
      const node = this.#and()
      const at = this.#at
      const more = this.#takeKeyword('OR')
      if (node !== undefined) nodes.push(node)
      else if (more || last !== undefined) throw this.#fail(last ?? at, betweenTerms('OR'))
      if (!more) return join('or', nodes)
      last = at
    }
  }

  #and(): QueryNode | undefined {
    const nodes: QueryNode[] = []
    while (!this.#atEnd() && !this.#isKeyword('OR')) {
      const at = this.#at
      if (this.#takeKeyword('AND')) {
        const follows = !this.#atEnd() && !this.#isKeyword('OR') && !this.#isKeyword('AND')
        if (nodes.length === 0 || !follows) throw this.#fail(at, betweenTerms('AND'))
      }
      const node = this.#negatable()
      if (node !== undefined) nodes.push(node)
    }
    return join('and', nodes)
  }

  #negatable(): QueryNode | undefined {
    let negated = false
    for (;;) {
      const at = this.#at
      if (this.#takeKeyword('NOT')) {
        if (this.#atEnd() || this.#isKeyword('OR') || this.#isKeyword('AND')) {
          throw this.#fail(at, 'NOT stands before a term. Write "NOT" in double quotes to search for the word')
        }
      } else if (/^-[^\s)\-=>]/.test(this.#query.slice(at, at + 2))) this.#at++
      else break
      negated = !negated
    }
    const node = this.#term()
    return node !== undefined && negated ? { type: 'not', node } : node
  }

  /** One term or group; undefined for an empty phrase. */
  #term(): QueryNode | undefined {
    const at = this.#at
    const query = this.#query
    if (query[at] === '(' && query[at + 1] !== ')') return this.#group()
    if (query[at] === ')') throw this.#fail(at, `this ) closes nothing. ${QUOTE_IT}`)
    const term = this.#readTerm()
    if (term === undefined) return undefined
    if (++this.#terms > MAX_TERMS) throw this.#fail(at, `a query has at most ${MAX_TERMS} terms. Leave some out`)
    return { type: 'term', term }
  }

  #group(): QueryNode {
    const at = this.#at++
    if (++this.#depth > MAX_NESTING) {
      throw this.#fail(at, `parentheses are nested deeper than ${MAX_NESTING}. Leave some out`)
    }
    const node = this.#or()
    if (this.#query[this.#at] !== ')') throw this.#fail(at, `this ( is not closed. Add ), or ${lower(QUOTE_IT)}`)
    if (node === undefined) throw this.#fail(at, `there is nothing in these parentheses. ${QUOTE_IT}`)
    this.#at++
    this.#depth--
    return node
  }

  #readTerm(): Term | undefined {
    const at = this.#at
    if (this.#query[at] === '"') {
      const phrase = this.#phrase()
      const term = phrase === '' ? undefined : this.#condition(at, { text: phrase, isPattern: false })
      if (term !== undefined) return term
      return phrase === '' ? undefined : textTerm(phrase)
    }
    const regex = this.#regex()
    if (regex !== undefined) return regexTerm(regex)
    NAME.lastIndex = at
    const [name] = NAME.exec(this.#query) ?? []
    // `a->5` compares nothing, and `a.` and `a..b` are no paths.
    if (name !== undefined && !/-$|\.(?:\.|$)/.test(name)) {
      this.#at += name.length
      const term = this.#condition(at, { text: name, isPattern: name.includes('*') })
      if (term !== undefined) return term
      this.#at = at
    }
    return textTerm(this.#word(at))
  }

  /** What follows a name, if that is an operator and a value; else nothing is read. */
  #condition(from: number, name: FieldName): Term | undefined {
    const at = this.#at
    OPERATOR.lastIndex = at
    const [sign] = OPERATOR.exec(this.#query) ?? []
    if (sign === undefined) return undefined
    this.#at += sign.length
    const operator = (sign.length > 1 ? sign.replace(':', '') : sign) as Operator
    const value = this.#value(name, sign)
    const term = value === undefined ? undefined : this.#createTerm(from, name, operator, value)
    if (term === undefined) this.#at = at
    return term
  }

  #value({ text: name }: FieldName, sign: string): RawValue | undefined {
    const at = this.#at
    if (this.#query[at] === '"') return { text: this.#phrase(), quoted: true, at }
    const regex = this.#regex()
    if (regex !== undefined) return { text: '', quoted: false, regex, at }
    const text = this.#word(at)
    if (sign === ':' && text.startsWith('(') && !text.includes(')') && /\S/.test(this.#query.slice(this.#at))) {
      throw this.#fail(at, `a list of values is written (${name}:a OR ${name}:b). ${QUOTE_IT}`)
    }
    // An address, `https://…`.
    return text === '' || text.startsWith('//') ? undefined : { text, quoted: false, at }
  }

  #createTerm(from: number, name: FieldName, operator: Operator, raw: RawValue): Term | undefined {
    const comparison = operator === ':' || operator === '=' ? undefined : operator
    if (name.text === 'level') return this.#levelTerm(comparison ?? '=', raw)
    if (name.text === 'ts') return this.#timeTerm(comparison, raw)
    if (name.text === 'message') return comparison === undefined ? messageTerm(toValue(raw)) : undefined
    const path = name.text.replace(/^context\.(?=.)/, '')
    const field: FieldName = { text: path, isPattern: name.isPattern }
    if (comparison !== undefined && (raw.regex !== undefined || !/^[+-]?\.?\d/.test(raw.text)) && !raw.quoted)
      return undefined
    if (field.isPattern && ++this.#wildcardNames > MAX_WILDCARD_NAMES) {
      throw this.#fail(from, `a query has at most ${MAX_WILDCARD_NAMES} names with *. Name the field`)
    }
    if (comparison !== undefined) {
      const than = readComparable(raw.text)
      if (than === undefined) {
        throw this.#fail(raw.at, `after ${comparison} comes a number or a time such as 2026-11-23T10:00. ${QUOTE_IT}`)
      }
      return comparisonTerm(field, comparison, than)
    }
    const value = toValue(raw)
    // `name:"value"` means the field alone; `name="value"` is how logfmt writes a text with blanks.
    const isText = value.type === 'text' && (!raw.quoted || operator === '=')
    return fieldTerm(field, value, isText ? this.#query.slice(from, this.#at) : undefined)
  }

  #levelTerm(comparison: Comparison | '=', { text, at }: RawValue): Term {
    const level = levelNamed(text)
    if (level === undefined) throw this.#fail(at, `level is one of ${LEVELS.join(', ')}. ${QUOTE_IT}`)
    return levelTerm(levelsThat(comparison, level))
  }

  #timeTerm(comparison: Comparison | undefined, { text, regex, at }: RawValue): Term {
    if (comparison === undefined && regex === undefined && /^\d{4}[\dTZtz:.*-]*$/.test(text))
      return timePrefixTerm(text)
    const time = comparison === undefined ? undefined : readTime(text)
    if (comparison === undefined || time === undefined) {
      throw this.#fail(at, `ts is compared with a time in UTC such as 2026-11-23T10:00. ${QUOTE_IT}`)
    }
    return timeTerm(comparison, time)
  }

  /** A phrase in double quotes. It may end with the query; a quote in it is doubled. */
  #phrase(): string {
    const phrase = /"((?:[^"]|"")*)"?/y
    phrase.lastIndex = this.#at
    const [all = '', text = ''] = phrase.exec(this.#query) ?? []
    this.#at += all.length
    return text.replaceAll('""', '"')
  }

  /** `/…/` or `/…/i` that ends where a term may end: `/var/log` is a word. */
  #regex(): Regex | undefined {
    const at = this.#at
    const literal = /\/((?:[^/\\[]|\\.|\[(?:[^\]\\]|\\.)*\])+)\/(i?)(?=[\s)]|$)/suy
    literal.lastIndex = at
    const [all, source = '', flag] = literal.exec(this.#query) ?? []
    if (all === undefined) return undefined
    const regex = compileRegex(source, {
      ignoreCase: flag === 'i',
      maxSize: MAX_REGEX_SIZE - this.#regexSize,
      fail: (index, problem) => this.#fail(at + 1 + index, problem),
    })
    this.#regexSize += regex.size
    this.#at += all.length
    return regex
  }

  /** Everything up to a blank, or up to the parenthesis that closes the group: one that was opened in the word belongs to it. */
  #word(at: number): string {
    let open = 0
    let end = at
    for (; end < this.#query.length && !/\s/.test(this.#query[end] as string); end++) {
      if (this.#query[end] === '(') open++
      else if (this.#query[end] === ')' && --open < 0 && this.#depth > 0) break
    }
    this.#at = end
    return this.#query.slice(at, end)
  }

  /** Passes blanks, and says whether the query or the group ends. */
  #atEnd(): boolean {
    while (/\s/.test(this.#query[this.#at] ?? '')) this.#at++
    return this.#at >= this.#query.length || (this.#depth > 0 && this.#query[this.#at] === ')')
  }

  #isKeyword(word: string): boolean {
    const next = this.#query[this.#at + word.length]
    return this.#query.startsWith(word, this.#at) && (next === undefined || /[\s()]/.test(next))
  }

  #takeKeyword(word: string): boolean {
    if (!this.#isKeyword(word)) return false
    this.#at += word.length
    return true
  }

  #fail(at: number, problem: string): MonitorError {
    const place = [...this.#query.slice(0, at)].length + 1
    return new MonitorError('invalid_query', `q, character ${place}: ${problem}.`)
  }
}

function join(type: 'and' | 'or', nodes: readonly QueryNode[]): QueryNode | undefined {
  return nodes.length > 1 ? { type, nodes } : nodes[0]
}

function toValue({ text, quoted, regex }: RawValue): Value {
  if (regex !== undefined) return { type: 'regex', regex }
  return { type: !quoted && text.includes('*') ? 'pattern' : 'text', text }
}

function betweenTerms(word: string): string {
  return `${word} stands between two terms. Write "${word}" in double quotes to search for the word`
}

function lower(sentence: string): string {
  return sentence.charAt(0).toLowerCase() + sentence.slice(1)
}
