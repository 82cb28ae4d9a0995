/** What of a text a query looks for, so that a viewer can show it. */
import { parseQuery, type QueryNode } from './parse.ts'
import type { Regex } from './regex.ts'

/** A part of a text: its start and its end, in UTF-16 units. */
export type TextRange = readonly [start: number, end: number]

/** Most ranges of one text: each costs a search, and nobody reads more. */
const MAX_RANGES = 100

/**
 * Makes a function that finds what a query looks for in a text: its words, phrases and expressions, but not those that it
 * excludes nor those of a field. The ranges are in order and apart. Costs at most so much as 100 runs of the filter.
 *
 * @throws MonitorError `invalid_query` like `compileFilter`
 */
export function createHighlighter(q: string): (text: string) => TextRange[] {
  const wanted: (string | Regex)[] = []
  collect(parseQuery(q), false, wanted)
  const words = wanted.filter((item) => typeof item === 'string').map((word) => word.toLowerCase())
  const expressions = wanted.filter((item) => typeof item !== 'string')
  return (text) => {
    const ranges: TextRange[] = []
    if (words.length > 0) {
      const { lower, origin } = toLowerCase(text)
      for (const word of words) {
        for (let at = lower.indexOf(word); word !== '' && at !== -1 && ranges.length < MAX_RANGES; ) {
          const end = at + word.length
          ranges.push([origin(at), origin(end)])
          at = lower.indexOf(word, end)
        }
      }
    }
    for (const regex of expressions) {
      let from = 0
      for (
        let found = regex.find(text);
        found !== undefined && ranges.length < MAX_RANGES;
        found = regex.find(text, from)
      ) {
        if (found[1] > found[0]) ranges.push(found)
        from = Math.max(found[1], found[0] + 1)
        if (from > text.length) break
      }
    }
    return merge(ranges)
  }
}

function collect(node: QueryNode | undefined, negated: boolean, wanted: (string | Regex)[]): void {
  if (node === undefined) return
  if (node.type === 'not') collect(node.node, !negated, wanted)
  else if (node.type !== 'term') for (const part of node.nodes) collect(part, negated, wanted)
  else if (!negated && node.term.shows !== undefined) wanted.push(node.term.shows)
}

/** A text in lower case, and where in it a place of that comes from: a letter may become two. */
function toLowerCase(text: string): { lower: string; origin: (at: number) => number } {
  const lower = text.toLowerCase()
  if (lower.length === text.length) return { lower, origin: (at) => at }
  const origins: number[] = []
  let mapped = ''
  let index = 0
  for (const character of text) {
    const own = character.toLowerCase()
    for (let unit = 0; unit < own.length; unit++) origins.push(index)
    mapped += own
    index += character.length
  }
  return { lower: mapped, origin: (at) => origins[at] ?? text.length }
}

function merge(ranges: TextRange[]): TextRange[] {
  const merged: [number, number][] = []
  for (const [start, end] of ranges.sort((a, b) => a[0] - b[0])) {
    const last = merged.at(-1)
    if (last !== undefined && start <= last[1]) last[1] = Math.max(last[1], end)
    else merged.push([start, end])
  }
  return merged
}
