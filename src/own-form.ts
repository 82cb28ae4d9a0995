/**
 * Entries that came as we write them, as our own clients send them, told by their text alone: no parser sees it, and what
 * parsing a line costs is most of what taking it costs. Everything else goes through the normaliser.
 *
 * The pattern is of JSON as `JSON.stringify` writes an entry: the four fields in our order, no blank, no escape that need not be,
 * numbers in their shortest spelling. Each choice in it begins with another character, so that it is linear in the text's length.
 */
import { LEVELS, type Level, type LogRecord, parseRecord } from './log.ts'
import { isDay, OWN_TIME } from './time.ts'
import { SURELY_WHOLE } from './truncate.ts'

/** How deep contexts are nested that are told by their text: a pattern knows no recursion, and grows fourfold with each level. */
const OWN_DEPTH = 2

const CHARACTERS = String.raw`[^"\\\x00-\x1f]*`
const ESCAPE = String.raw`\\(?:["\\bfnrt]|u00(?:0[0-7bef]|1[0-9a-f]))`
const TEXT = `"${CHARACTERS}(?:${ESCAPE}${CHARACTERS})*"`
/** Without escapes, so that the name of a field is found by its text: `redact.ts` looks for secrets like that. */
const NAME = `"${CHARACTERS}"`
/** At most fifteen digits, which a double always gives back, and nothing that is written with an exponent. */
const NUMBER = String.raw`(?:0|-?[1-9]\d{0,14}|-?(?:0|[1-9]\d{0,8})\.\d{0,5}[1-9])`
const SCALAR = `(?:${TEXT}|${NUMBER}|true|false|null)`

const OWN_FORM = new RegExp(
  `^\\{"ts":"(${OWN_TIME})","level":"(${LEVELS.join('|')})","message":${TEXT},"context":${objectOf(valuesOf(OWN_DEPTH))}\\}$`,
)

/** The record of an entry's JSON text, if it is as we would write it; undefined for anything else. */
export function readOwnForm(text: string): LogRecord | undefined {
  if (text.length > SURELY_WHOLE) return undefined
  const [, ts, level] = OWN_FORM.exec(text) ?? []
  return ts !== undefined && isDay(ts.slice(0, 10)) ? parseRecord(text, level as Level) : undefined
}

function valuesOf(depth: number): string {
  if (depth === 0) return SCALAR
  const inner = valuesOf(depth - 1)
  return `(?:${SCALAR}|${objectOf(inner)}|${listOf(inner)})`
}

function objectOf(value: string): string {
  return `\\{(?:${NAME}:${value}(?:,${NAME}:${value})*)?\\}`
}

function listOf(value: string): string {
  return `\\[(?:${value}(?:,${value})*)?\\]`
}
