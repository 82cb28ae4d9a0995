/**
 * From a query to a predicate. A filter is a minimum level and words that must all occur in the message or in the context,
 * in any case; words in double quotes are one phrase.
 */
import { MonitorError } from './errors.ts'
import { isLevel, LEVELS, type Level, type LogEntry, levelRank } from './log.ts'

/** A filter as it travels: in a URL, or from the Worker to its object. */
export interface FilterQuery {
  /** Only entries of this level or a graver one. */
  readonly level?: Level | undefined
  /** Words that must all occur. */
  readonly q?: string | undefined
}

/** A filter as it is run. */
export interface Filter {
  /** Equal for filters that let the same entries through; empty for the one that lets all through. */
  readonly key: string
  matches(entry: LogEntry): boolean
}

/** Longest `q`, in UTF-16 units: every entry is searched for every word of every distinct filter. */
export const MAX_QUERY_LENGTH = 1024

const PASS_ALL: Filter = { key: '', matches: () => true }

/**
 * Compiles a filter.
 *
 * @throws MonitorError `invalid_query` naming the value
 */
export function compileFilter(query: FilterQuery = {}): Filter {
  const { level, q = '' } = query
  if (level !== undefined && !isLevel(level)) {
    throw new MonitorError('invalid_query', `level is one of ${LEVELS.join(', ')}.`)
  }
  if (q.length > MAX_QUERY_LENGTH) {
    throw new MonitorError('invalid_query', `q is at most ${MAX_QUERY_LENGTH} characters long.`)
  }
  // Sorted and each once, so that equal filters have equal keys.
  const words = [...new Set(splitWords(q.toLowerCase()))].sort()
  // The context is searched in its JSON text, where a backslash or a line break is escaped.
  const escaped = words.map((word) => JSON.stringify(word).slice(1, -1))
  const rank = level === undefined ? 0 : levelRank(level)
  if (rank === 0 && words.length === 0) return PASS_ALL
  return {
    key: JSON.stringify([rank, words]),
    matches(entry) {
      if (levelRank(entry.level) < rank) return false
      if (words.length === 0) return true
      const message = entry.message.toLowerCase()
      let context: string | undefined
      return words.every((word, index) => {
        if (message.includes(word)) return true
        context ??= JSON.stringify(entry.context).toLowerCase()
        return context.includes(escaped[index] as string)
      })
    },
  }
}

function splitWords(text: string): string[] {
  const words: string[] = []
  for (const [, phrase, word] of text.matchAll(/"([^"]*)"?|(\S+)/g)) {
    const found = phrase ?? word ?? ''
    if (found !== '') words.push(found)
  }
  return words
}
