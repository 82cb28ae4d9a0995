/** What is read of a line of plain text, and the names that levels have there. */
import { type JsonObject, type Level, levelNamed } from '../log.ts'

/** What was read of a line. */
export interface Reading {
  readonly level?: Level | undefined
  /** When it happened, in ISO 8601. */
  readonly ts?: string | undefined
  /** Fields for the context. */
  readonly context?: JsonObject | undefined
}

/** Names of levels that only formats for the terminal write, beside those of every entry. */
const SHORT_LEVELS = new Map<string, Level>([
  ['trc', 'trace'],
  ['trce', 'trace'],
  ['vrb', 'debug'],
  ['verbose', 'debug'],
  ['dbg', 'debug'],
  ['dbug', 'debug'],
  ['inf', 'info'],
  ['log', 'info'],
  ['wrn', 'warn'],
  ['severe', 'error'],
  ['ftl', 'fatal'],
  ['pnc', 'fatal'],
])

/** The level of a name as programs print it; undefined for one that is not known. */
export function namedLevel(name: string): Level | undefined {
  return levelNamed(name) ?? SHORT_LEVELS.get(name.trim().toLowerCase())
}
