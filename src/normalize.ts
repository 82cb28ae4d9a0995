/**
 * The one normaliser through which every way in goes. It reads the fields of pino, bunyan, winston, ECS, Caddy and Docker, so
 * that their lines work unchanged.
 */
import { MonitorError } from './errors.ts'
import {
  isObject,
  type JsonObject,
  LEVELS,
  type Level,
  type LogEntry,
  type LogRecord,
  levelNamed,
  MAX_DEPTH,
} from './log.ts'
import { snapshot } from './snapshot.ts'
import { assign, truncate } from './truncate.ts'

/** Where the fields of an entry are looked for, the first that is present wins. */
const MESSAGE_FIELDS = ['message', 'msg'] as const
const LEVEL_FIELDS = ['level', 'severity', 'log.level'] as const
const TIME_FIELDS = ['ts', 'time', 'timestamp', '@timestamp'] as const

/** ISO 8601 as loggers write it: `T` or a blank, `.` or `,` before the fraction, an offset or none. */
const ISO_TIME = /^(\d{4}-\d\d-\d\d)(?:[Tt ](\d\d:\d\d(?::\d\d)?)(?:[.,](\d+))?)? ?([Zz]|[+-]\d\d(?::?\d\d)?)?$/
const NUMERIC = /^[+-]?\d+(?:\.\d+)?$/

/** Years 0000 to 9999, the only ones that ISO 8601 writes with four digits. */
const MIN_TIME = Date.parse('0000-01-01T00:00:00.000Z')
const MAX_TIME = Date.parse('9999-12-31T23:59:59.999Z')

/**
 * Turns one parsed JSON object into a record.
 *
 * @param input - an object as `JSON.parse` returns it
 * @param now - arrival time in milliseconds since the epoch, used where the entry has none that can be read
 * @throws {@link MonitorError} `invalid_entry` when the input is no object or is nested too deep
 */
export function normalizeEntry(input: unknown, now: number = Date.now()): LogRecord {
  if (!isObject(input)) throw new MonitorError('invalid_entry', 'An entry is a JSON object.')
  const rest: JsonObject = {}
  let message: unknown
  let level: unknown
  let time: unknown
  let own: unknown
  let extra = false

  const messageField = firstPresent(input, MESSAGE_FIELDS) ?? (typeof input.log === 'string' ? 'log' : undefined)
  const levelField = firstPresent(input, LEVEL_FIELDS)
  const timeField = firstPresent(input, TIME_FIELDS)
  for (const key of Object.keys(input)) {
    const value = input[key]
    if (key === messageField) message = value
    else if (key === levelField) level = value
    else if (key === timeField) time = value
    else if (key === 'context') own = value
    else {
      assign(rest, key, value)
      extra = true
    }
  }
  // Docker ends each line's text with its line break.
  if (messageField === 'log') message = (message as string).replace(/\r?\n$/, '')
  // ECS as nested objects: `log: { level }`.
  if (levelField === undefined && isObject(rest.log) && Object.hasOwn(rest.log, 'level')) {
    const { level: nested, ...others } = rest.log
    level = nested
    if (Object.keys(others).length > 0) rest.log = others
    else delete rest.log
  }

  const readLevel = toLevel(level)
  if (readLevel === undefined && level !== undefined && level !== null) {
    rest.level = level
    extra = true
  }
  const readTime = toTime(time)
  if (readTime === undefined && time !== undefined && time !== null) {
    rest.ts = time
    extra = true
  }
  if (own !== undefined && own !== null && !isObject(own)) {
    rest.value = own
    extra = true
  }
  const context = isObject(own) ? (extra ? { ...rest, ...own } : own) : rest
  return toRecord(new Date(readTime ?? now).toISOString(), readLevel ?? 'info', toMessage(message), context)
}

/**
 * Makes a record from values of the running program. Unlike JSON these may hold errors, cycles, big integers and
 * functions; they are kept as far as JSON can say them, and the record is a snapshot that later changes do not reach.
 */
export function createRecord(level: Level, message: unknown, context: unknown, now: number = Date.now()): LogRecord {
  const text = message instanceof Error ? (message.stack ?? message.message) : message
  return normalizeEntry({ level: snapshot(level), message: snapshot(text), context: snapshot(context) }, now)
}

function toRecord(ts: string, level: Level, message: string, context: JsonObject): LogRecord {
  if (isDeeper(context, MAX_DEPTH)) {
    throw new MonitorError('invalid_entry', `The entry is nested deeper than ${MAX_DEPTH} levels.`)
  }
  const trimmed = truncate(message, context)
  const entry: LogEntry = { ts, level, message: trimmed.message, context: trimmed.context }
  return {
    entry,
    json: `{"ts":"${ts}","level":"${level}","message":${JSON.stringify(trimmed.message)},"context":${trimmed.contextJson}}`,
  }
}

function firstPresent(input: JsonObject, fields: readonly string[]): string | undefined {
  for (const field of fields) if (Object.hasOwn(input, field)) return field
  return undefined
}

function toMessage(value: unknown): string {
  if (typeof value === 'string') return value
  if (value === undefined) return ''
  if (isDeeper(value, MAX_DEPTH)) {
    throw new MonitorError('invalid_entry', `The message is nested deeper than ${MAX_DEPTH} levels.`)
  }
  return JSON.stringify(value) ?? ''
}

function toLevel(value: unknown): Level | undefined {
  if (typeof value === 'string') {
    return levelNamed(value) ?? (NUMERIC.test(value) ? pinoLevel(Number(value)) : undefined)
  }
  return typeof value === 'number' && Number.isFinite(value) ? pinoLevel(value) : undefined
}

/** pino's numbers: 10 is trace, 60 fatal; a custom one counts as the standard level at or below it. */
function pinoLevel(value: number): Level {
  const rank = Math.min(Math.max(Math.floor(value / 10) - 1, 0), LEVELS.length - 1)
  return LEVELS[rank] as Level
}

/** Milliseconds since the epoch, or undefined for what cannot be read. */
function toTime(value: unknown): number | undefined {
  let time: number
  if (typeof value === 'number') time = epochMillis(value)
  else if (typeof value !== 'string') return undefined
  else if (NUMERIC.test(value)) time = epochMillis(Number(value))
  else {
    const parts = ISO_TIME.exec(value.trim())
    if (parts === null) return undefined
    const [, date, clock = '00:00', fraction = '', zone = 'Z'] = parts
    // A time without an offset is UTC: the server's own zone would make the answer depend on the machine.
    const offset = /^[Zz]$/.test(zone)
      ? 'Z'
      : zone.length === 3
        ? `${zone}:00`
        : zone.replace(/(\d\d):?(\d\d)/, '$1:$2')
    const seconds = clock.length === 5 ? `${clock}:00` : clock
    // Date.parse takes 30 February for 1 March.
    const day = Number(date?.slice(8))
    if (day > 28 && new Date(`${date}T00:00Z`).getUTCDate() !== day) return undefined
    time = Date.parse(`${date}T${seconds}.${fraction.slice(0, 3).padEnd(3, '0')}${offset}`)
  }
  return time >= MIN_TIME && time <= MAX_TIME ? time : undefined
}

/** Seconds, milliseconds, micro- or nanoseconds, told apart by size: each range starts in 1973 and ends after 5000. */
function epochMillis(value: number): number {
  const size = Math.abs(value)
  const millis = size < 1e11 ? value * 1e3 : size < 1e14 ? value : size < 1e17 ? value / 1e3 : value / 1e6
  // A double holds seconds and nanoseconds to less than a microsecond, often just below the millisecond that was meant.
  return Math.floor(millis + 0.001)
}

function isDeeper(value: unknown, levels: number): boolean {
  if (typeof value !== 'object' || value === null) return false
  if (levels === 0) return true
  for (const key in value) if (isDeeper((value as JsonObject)[key], levels - 1)) return true
  return false
}
