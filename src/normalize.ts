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
import { formatTime, readTime } from './time.ts'
import { assign, SURELY_WHOLE, truncate } from './truncate.ts'

/** Where the fields of an entry are looked for, the first that is present wins. */
const MESSAGE_FIELDS = ['message', 'msg'] as const
const LEVEL_FIELDS = ['level', 'severity', 'log.level'] as const
const TIME_FIELDS = ['ts', 'time', 'timestamp', '@timestamp'] as const

/** Why what is no object is refused. */
export const NO_OBJECT = 'An entry is a JSON object.'

const NUMERIC = /^[+-]?\d+(?:\.\d+)?$/

/** What is known of an entry beside what it says. */
export interface NormalizeOptions {
  /** Used where the entry has no level that is known. @default info */
  readonly level?: Level | undefined
}

/**
 * Turns one parsed JSON object into a record.
 *
 * @param input - an object as `JSON.parse` returns it
 * @param now - arrival time in milliseconds since the epoch, used where the entry has none that can be read
 * @throws {@link MonitorError} `invalid_entry` when the input is no object or is nested too deep
 */
export function normalizeEntry(
  input: unknown,
  now: number = Date.now(),
  { level: defaultLevel = 'info' }: NormalizeOptions = {},
): LogRecord {
  if (!isObject(input)) throw new MonitorError('invalid_entry', NO_OBJECT)
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
  const ts = readTime(time)
  if (ts === undefined && time !== undefined && time !== null) {
    rest.ts = time
    extra = true
  }
  if (own !== undefined && own !== null && !isObject(own)) {
    rest.value = own
    extra = true
  }
  const context = isObject(own) ? (extra ? { ...rest, ...own } : own) : rest
  return toRecord(ts ?? formatTime(now), readLevel ?? defaultLevel, toMessage(message), context)
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
  const entry: LogEntry = { ts, level, message, context }
  const json = JSON.stringify(entry)
  if (json.length <= SURELY_WHOLE) return { entry, json }
  const trimmed: LogEntry = { ts, level, ...truncate(message, context) }
  return { entry: trimmed, json: JSON.stringify(trimmed) }
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

function isDeeper(value: unknown, levels: number): boolean {
  if (typeof value !== 'object' || value === null) return false
  if (levels === 0) return true
  for (const key in value) if (isDeeper((value as JsonObject)[key], levels - 1)) return true
  return false
}
