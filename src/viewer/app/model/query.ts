/**
 * What the page does with the filter language that `q` is written in, by the server's own code: it marks what a filter looks
 * for, and adds terms. Whether a filter is right the server says, which may be newer than the page.
 */
import { formatTerm } from '../../../filter/format.ts'
import { createHighlighter, type TextRange } from '../../../filter/highlight.ts'
import { parseQuery, type QueryNode } from '../../../filter/parse.ts'

/** Finds what is to be marked in a text. */
export type Highlighter = (text: string) => TextRange[]

/** A part of a text. */
export interface TextPart {
  readonly text: string
  readonly marked: boolean
}

/** One line of the help. */
export interface FilterHelp {
  readonly q: string
  readonly finds: string
}

/** The language in examples; docs/filters.md has all of it. */
export const FILTER_HELP: readonly FilterHelp[] = [
  { q: 'card refused', finds: 'both words, in any case' },
  { q: '"card refused"', finds: 'the phrase' },
  { q: 'refused OR timeout', finds: 'either; ( ) group' },
  { q: '-health', finds: 'entries without it' },
  { q: 'level>=warn', finds: 'warn and graver' },
  { q: 'user.name:bob', finds: 'a field of the context' },
  { q: 'path:/api/*', finds: '* is any text' },
  { q: 'status>=500', finds: 'numbers compare' },
  { q: 'ts>=2026-11-23T10:05', finds: 'since a time, in UTC' },
  { q: '/in \\d+ms/i', finds: 'a regular expression' },
]

/** Marks nothing. */
export const markNothing: Highlighter = () => []

/** What a filter marks. Nothing, where the page does not understand it. */
export function highlighterOf(q: string): Highlighter {
  return read(q) === undefined ? markNothing : createHighlighter(q)
}

/**
 * Parts of a text, told apart by whether they are marked.
 *
 * @param from - where the text begins in the one that the ranges are of
 */
export function markMatches(text: string, ranges: readonly TextRange[], from = 0): TextPart[] {
  const parts: TextPart[] = []
  let at = 0
  for (const range of ranges) {
    const start = Math.max(range[0] - from, at)
    const end = Math.min(range[1] - from, text.length)
    if (end <= start) continue
    if (start > at) parts.push({ text: text.slice(at, start), marked: false })
    parts.push({ text: text.slice(start, end), marked: true })
    at = end
  }
  if (at < text.length || parts.length === 0) parts.push({ text: text.slice(at), marked: false })
  return parts
}

/**
 * The term for a value of an entry. One in a list is looked for anywhere in the list.
 *
 * @param path - from the entry on: `['message']`, `['context', 'tags', 0]`
 */
export function valueTerm(path: readonly (string | number)[], value: unknown): string {
  // After a list's name, a name of digits would be taken for a place.
  const needsPlaces = path.some((name) => typeof name === 'string' && /^\d+$/.test(name))
  return formatTerm(path.filter((name) => needsPlaces || typeof name === 'string').map(String), value)
}

/** A filter with a further term that must hold, or must not. A term that it has already is not added. */
export function withTerm(q: string, term: string, negate = false): string {
  const added = negate ? `-${term}` : term
  const own = q.trim()
  const before = read(own)
  const more = read(added)
  if (before === undefined || more === undefined) return `${own} ${added}`.trim()
  if (before.length === 0) return added
  if (before.some((node) => shapeOf(node) === shapeOf(more[0] as QueryNode))) return own
  const wanted = shapeOf({ type: 'and', nodes: [...before, ...more] })
  // `a OR b` needs parentheses. A phrase need not be closed, and a word may hold a parenthesis or a slash: what stands next to
  // it could become a part of it.
  const wholes = [own, `${own}"`].flatMap((closed) => [closed, `(${closed})`, `(${closed} )`])
  const candidates = [...wholes.map((whole) => `${whole} ${added}`), ...wholes.map((whole) => `${added} ${whole}`)]
  const joined = candidates.find((candidate) => {
    const nodes = read(candidate)
    return nodes !== undefined && shapeOf({ type: 'and', nodes }) === wanted
  })
  // None, mostly because it is too long; the server says so.
  return joined ?? `(${own}) ${added}`
}

/** A filter cut in two where the server found a fault in it, if it says where. */
export function splitAtFault(q: string, reason: string): readonly [before: string, after: string] | undefined {
  const [, place] = /^q, character (\d+): /.exec(reason) ?? []
  if (place === undefined) return undefined
  // Counted from 1, in characters of the filter as it was sent: without the blanks around it.
  const characters = [...q.trim()]
  const at = Number(place) - 1
  return [characters.slice(0, at).join(''), characters.slice(at).join('')]
}

/** What must hold for a filter; undefined where it cannot be read. */
function read(q: string): readonly QueryNode[] | undefined {
  try {
    const node = parseQuery(q)
    return node === undefined ? [] : membersOf(node, 'and')
  } catch {
    return undefined
  }
}

/** The parts of a group, and of groups of its kind within it. */
function membersOf(node: QueryNode, type: 'and' | 'or'): readonly QueryNode[] {
  return node.type === type ? node.nodes.flatMap((part) => membersOf(part, type)) : [node]
}

/** Equal for filters that are made of the same terms in the same way, in any order. */
function shapeOf(node: QueryNode): string {
  if (node.type === 'term') return node.term.key
  if (node.type === 'not') return `-${shapeOf(node.node)}`
  const members = membersOf(node, node.type).map(shapeOf).sort()
  return `(${members.join(node.type === 'and' ? '&' : '|')})`
}
