/**
 * Entries that came as we write them, as our own clients send them. Their text is kept: writing it anew would cost as much as
 * parsing it, and more than all the rest that is done with an entry.
 */
import { isLevel, isObject, type JsonObject, type LogEntry, MAX_DEPTH } from './log.ts'
import { readTime } from './time.ts'
import { SURELY_WHOLE } from './truncate.ts'

/** The fields of an entry, in our order. */
const FIELDS = ['ts', 'level', 'message', 'context'] as const

/**
 * Whether an object is an entry that needs no change, and a text is the JSON that we would write of it.
 *
 * Not compared but measured. Where no character is escaped, the JSON that has neither a blank nor a field twice is the shortest
 * there is, so a text of that length is it. A field that is there twice must not pass: parsed, only the last one is seen, and
 * what stood in the first would be stored without ever having been looked at.
 *
 * @param text - what the object was parsed from
 */
export function isOwnForm(input: JsonObject, text: string): input is JsonObject & LogEntry {
  if (text.length > SURELY_WHOLE || text.includes('\\')) return false
  let fields = 0
  for (const field in input) if (field !== FIELDS[fields++]) return false
  if (fields !== FIELDS.length) return false
  const { ts, level, message, context } = input
  if (typeof level !== 'string' || !isLevel(level) || typeof message !== 'string' || !isObject(context)) return false
  return readTime(ts) === ts && shortestLength(input, MAX_DEPTH + 1) === text.length
}

/** The length of the shortest JSON text without escapes; not a number where it is not known, or the value too deep. */
function shortestLength(value: unknown, levels: number): number {
  if (typeof value === 'string') return value.length + 2
  if (typeof value === 'number') return isShortest(value) ? String(value).length : Number.NaN
  if (typeof value === 'boolean') return value ? 4 : 5
  if (value === null) return 4
  if (levels === 0) return Number.NaN
  // Each member but the first has its comma, for which the brackets have one too many.
  let length = 1
  let members = 0
  if (Array.isArray(value)) {
    for (const item of value) length += shortestLength(item, levels - 1) + 1
    members = value.length
  } else {
    for (const key in value as JsonObject) {
      length += key.length + 4 + shortestLength((value as JsonObject)[key], levels - 1)
      members++
    }
  }
  return members === 0 ? 2 : length
}

/** Whether no spelling of a number is shorter than ours: `1e3` is shorter than 1000, and `1e-3` than 0.001. */
function isShortest(value: number): boolean {
  if (Number.isSafeInteger(value)) return value % 1000 !== 0 || value === 0
  return !Number.isInteger(value) && Math.abs(value) >= 0.01 && Math.abs(value) < 1e15
}
