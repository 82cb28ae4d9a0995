/** Lines of logfmt: `key=value` pairs, values with blanks in quotes. */
import type { JsonObject } from '../log.ts'
import { readTime } from '../time.ts'
import { assign } from '../truncate.ts'
import { namedLevel, type Reading } from './reading.ts'

const LOGFMT_PAIR = /([A-Za-z_@][\w.@/-]*)=("(?:[^"\\]|\\.)*"|[^\s"]*)(?:\s+|$)/y
const LOGFMT_START = /^[A-Za-z_@][\w.@/-]*=/
const PLAIN_NUMBER = /^-?(?:0|[1-9]\d{0,14})(?:\.\d{1,9})?$/

/** Reads a line that is pairs as a whole, one of them a level or a message; undefined for any other. */
export function readLogfmt(text: string): Reading | undefined {
  if (!LOGFMT_START.test(text)) return undefined
  const fields: JsonObject = {}
  LOGFMT_PAIR.lastIndex = 0
  let end = 0
  for (let pair = LOGFMT_PAIR.exec(text); pair !== null; pair = LOGFMT_PAIR.exec(text)) {
    const [, key = '', value = ''] = pair
    assign(fields, key, logfmtValue(value))
    end = LOGFMT_PAIR.lastIndex
    if (end === text.length) break
  }
  if (end < text.length) return undefined
  const { level, lvl, severity, ts, time, t, timestamp, msg, message, ...context } = fields
  const word = level ?? lvl ?? severity
  if (word === undefined && msg === undefined && message === undefined) return undefined
  const known = typeof word === 'string' ? namedLevel(word) : undefined
  if (known === undefined && word !== undefined) context.level = word
  const stamp = ts ?? time ?? t ?? timestamp
  const when = readTime(stamp)
  if (when === undefined && stamp !== undefined) context.ts = stamp
  return { level: known, ts: when, context }
}

/** A number or a truth value as such, anything else as text. */
export function logfmtValue(text: string): unknown {
  if (text.startsWith('"')) {
    try {
      return JSON.parse(text)
    } catch {
      // Escapes that JSON does not have.
      return text.slice(1, -1)
    }
  }
  if (text === 'true' || text === 'false') return text === 'true'
  return PLAIN_NUMBER.test(text) ? Number(text) : text
}
