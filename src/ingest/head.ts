/** The head of a line as most loggers write it: time, thread, logger and the like in any order, and among them a level. */
import type { Level } from '../log.ts'
import { readTime } from '../time.ts'
import { namedLevel, type Reading } from './reading.ts'

/** How far into a line its level and time are looked for, in UTF-16 units. */
export const HEAD_LENGTH = 256

/** Most tokens before the level, such as thread and logger. */
const MAX_TOKENS = 8

const COMPOSE_PREFIX = /^[\w.-]+ +\| /

const CLOCK = String.raw`\d\d:\d\d:\d\d(?:[.,]\d+)?`
const TIMES = [
  // 2026-11-23T10:00:00.123Z, 2026-11-23 10:00 +0100, 2026/11/23 10:00:00
  String.raw`\d{4}[-/]\d\d[-/]\d\d[T ]\d\d:\d\d(?::\d\d(?:[.,]\d+)?)?(?: ?(?:Z|UTC|GMT|[+-]\d\d:?\d\d)(?![\w:]))?`,
  // 10:00:00.123, 7:08AM
  String.raw`\d{1,2}:\d\d(?::\d\d(?:[.,]\d+)?)?(?: ?[AP]M)?`,
  // Nov 23 10:00:00, Mon Nov 23 10:00:00.123456 2026
  String.raw`[A-Z][a-z]{2} (?:[A-Z][a-z]{2} )?[ \d]\d ${CLOCK}(?: \d{4})?`,
  // 23-Nov-2026 10:00:00 UTC, 23/Nov/2026:10:00:00 +0100
  String.raw`\d\d[-/ ][A-Z][a-z]{2}[-/ ]\d{4}[ :]${CLOCK}(?: (?:UTC|GMT|[+-]\d{4}))?`,
  // 11/23/2026, 10:00:00 AM
  String.raw`\d\d/\d\d/\d{4},? \d{1,2}:\d\d:\d\d(?: [AP]M)?`,
]
const TIME = new RegExp(String.raw`\[?(?:${TIMES.join('|')})(?=[\]\s|:,]|$)\]?`, 'y')
const ZONED = /^\[?(\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d+)?) ?(Z|UTC|GMT|[+-]\d\d:?\d\d)(?![\w:])/
const TOKEN = /[\s|,;:>-]*(?:\[([^\]]*)\]|\(([^)]*)\)|<([^>]*)>|([^\s|[\]]+))/y
const CAPITALS = /(?:^|[\s:|/.])([A-Z]{3,9})(?=[\s:|/]|$)/
const CAPITAL_WORD = /^[A-Z]{3,9}$/
const DECORATION = /[\d.:@/$#=]|^[A-Z]{1,4}T$|^(?:UTC|GMT|AM|PM)$/
const SEPARATED = /\s+[-|] /y

/**
 * Goes through time, thread, logger and the like as long as they can be nothing else, up to a level.
 *
 * @param text - at most {@link HEAD_LENGTH} of a line
 */
export function readHead(text: string): Reading | undefined {
  const prefix = COMPOSE_PREFIX.exec(text)?.[0] ?? ''
  const line = prefix === '' ? text : text.slice(prefix.length)
  TIME.lastIndex = 0
  let isDecorated = TIME.test(line)
  const [, time, zone] = (isDecorated && ZONED.exec(line)) || []
  const ts = time === undefined ? undefined : readTime(`${time}${/^[UG]/.test(zone ?? '') ? 'Z' : zone}`)
  const told = (level: Level | undefined): Reading | undefined =>
    level === undefined && ts === undefined ? undefined : { level, ts }

  // A bracket that holds more than the time, such as `[2026-11-23T10:00:00Z ERROR shop]`, is looked at as a token.
  TOKEN.lastIndex = isDecorated && (line[0] !== '[' || line[TIME.lastIndex - 1] === ']') ? TIME.lastIndex : 0
  for (let count = 0; count < MAX_TOKENS; count++) {
    const start = TOKEN.lastIndex
    const token = TOKEN.exec(line)
    // Only what stands behind something else may be set off by dashes and the like.
    if (token === null || (start === 0 && token.index === 0 && /^[^\s[(<\w]/.test(line))) break
    const [, square, round, angle, bare] = token
    const inner = square ?? round ?? angle
    if (inner !== undefined) {
      const level = namedLevel(inner.slice(inner.lastIndexOf(':') + 1)) ?? capitalLevel(inner)
      if (level !== undefined) return told(level)
      isDecorated = true
      continue
    }
    const word = bare as string
    const level = bareLevel(word, isDecorated)
    if (level !== undefined) return told(level)
    SEPARATED.lastIndex = TOKEN.lastIndex
    if (!isDecorated || !(DECORATION.test(word) || SEPARATED.test(line))) break
  }
  return told(undefined)
}

/** A level in capitals inside of brackets, such as `2026-11-23T10:00:00Z ERROR shop`, `10:00:00 ERR`, `main/WARN`. */
function capitalLevel(inner: string): Level | undefined {
  const [, word] = (/^[\d[]|[/:][A-Z]+$/.test(inner) && CAPITALS.exec(inner)) || []
  return word === undefined ? undefined : namedLevel(word)
}

/** In capitals anywhere in the head; otherwise with a colon: `error: …`, but not `error rate 0`. */
function bareLevel(word: string, isDecorated: boolean): Level | undefined {
  const colon = word.indexOf(':')
  const name = colon === -1 ? word : word.slice(0, colon)
  if (colon !== -1 || CAPITAL_WORD.test(name)) {
    const level = namedLevel(name)
    if (level !== undefined) return level
  }
  if (word.endsWith('Warning:')) return 'warn'
  // Monolog: `production.ERROR:`
  const [, last] = (isDecorated && /\.([A-Z]+):$/.exec(word)) || []
  return last === undefined ? undefined : namedLevel(last)
}
