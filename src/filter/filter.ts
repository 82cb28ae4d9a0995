/**
 * From a query to a predicate. A filter is a minimum level and a query: words that must all occur, and whatever else
 * docs/filters.md describes.
 */
import { MonitorError } from '../errors.ts'
import { isLevel, LEVELS, type Level, type LogEntry } from '../log.ts'
import { parseQuery, type QueryNode } from './parse.ts'
import { ALL_LEVELS, levelsThat, levelTerm, Subject, type Term } from './term.ts'

/** A filter as it travels: in a URL, or from the Worker to its object. */
export interface FilterQuery {
  /** Only entries of this level or a graver one. */
  readonly level?: Level | undefined
  /** Words that must all occur, or a query as docs/filters.md describes it. */
  readonly q?: string | undefined
}

/** A filter as it is run. */
export interface Filter {
  /** Equal for filters that let the same entries through; empty for the one that lets all through. */
  readonly key: string
  matches(entry: LogEntry): boolean
}

/**
 * Filters that are remembered, by what they were compiled from. A request compiles its own twice, and an object on Cloudflare
 * each time it publishes; an expression would lose what it has learnt of the texts.
 */
const MAX_REMEMBERED = 100

const remembered = new Map<string, Filter>()

/** A query in its normal form: no negation but of terms, no group within its like, each part once and in order. */
interface Part {
  readonly key: string
  readonly cost: number
  /** Of a condition on the level, the levels that it lets through, a bit each. */
  readonly levels?: number | undefined
  /** Of a group, its parts. */
  readonly group?: { readonly type: 'and' | 'or'; readonly parts: readonly Part[] }
  matches(subject: Subject): boolean
}

/**
 * Compiles a filter.
 *
 * @throws MonitorError `invalid_query` naming the value and, in `q`, the place
 */
export function compileFilter(query: FilterQuery = {}): Filter {
  const { level, q = '' } = query
  if (level !== undefined && !isLevel(level)) {
    throw new MonitorError('invalid_query', `level is one of ${LEVELS.join(', ')}.`)
  }
  const source = `${level ?? ''} ${q}`
  const known = remembered.get(source)
  const filter = known ?? createFilter(level, q)
  // Set anew, so that the first is the one that was not used for longest.
  remembered.delete(source)
  remembered.set(source, filter)
  if (remembered.size > MAX_REMEMBERED) remembered.delete(remembered.keys().next().value as string)
  return filter
}

function createFilter(level: Level | undefined, q: string): Filter {
  const parts = [levelTerm(level === undefined ? ALL_LEVELS : levelsThat('>=', level)) as Part]
  const node = parseQuery(q)
  if (node !== undefined) parts.push(normalize(node, false))
  const root = createGroup('and', parts)
  if (root.levels === ALL_LEVELS) return { key: '', matches: () => true }
  return { key: root.key, matches: (entry) => root.matches(new Subject(entry)) }
}

function normalize(node: QueryNode, negated: boolean): Part {
  switch (node.type) {
    case 'not':
      return normalize(node.node, !negated)
    case 'term':
      return negated ? negate(node.term) : node.term
    default:
      return createGroup(
        // De Morgan: not (a or b) is (not a) and (not b).
        (node.type === 'and') === negated ? 'or' : 'and',
        node.nodes.map((part) => normalize(part, negated)),
      )
  }
}

function negate(term: Term): Part {
  if (term.levels !== undefined) return levelTerm(ALL_LEVELS & ~term.levels)
  return { key: `-${term.key}`, cost: term.cost, matches: (subject) => !term.matches(subject) }
}

function createGroup(type: 'and' | 'or', members: readonly Part[]): Part {
  const isAnd = type === 'and'
  const parts = new Map<string, Part>()
  let levels = isAnd ? ALL_LEVELS : 0
  for (const member of members.flatMap((part) => (part.group?.type === type ? part.group.parts : [part]))) {
    if (member.levels === undefined) parts.set(member.key, member)
    else levels = isAnd ? levels & member.levels : levels | member.levels
  }
  // Conditions on the level are one: it adds nothing, or decides alone, or is asked first.
  const decides = isAnd ? 0 : ALL_LEVELS
  if (parts.size === 0 || levels === decides) return levelTerm(levels)
  if (levels !== (isAnd ? ALL_LEVELS : 0)) {
    const term = levelTerm(levels)
    parts.set(term.key, term)
  }
  const keys = [...parts.keys()].sort()
  const sorted = [...parts.values()].sort((a, b) => a.cost - b.cost)
  const [only] = sorted
  if (only !== undefined && sorted.length === 1) return only
  return {
    key: `(${keys.join(isAnd ? '&' : '|')})`,
    cost: Math.max(...sorted.map(({ cost }) => cost)),
    group: { type, parts: sorted },
    matches: isAnd
      ? (subject) => sorted.every((part) => part.matches(subject))
      : (subject) => sorted.some((part) => part.matches(subject)),
  }
}
