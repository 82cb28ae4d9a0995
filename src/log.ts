/**
 * What a log entry is, and the one normaliser through which every way in goes. It reads the fields of pino, bunyan,
 * winston, ECS, Caddy and Docker, so that their lines work unchanged.
 */
import { configure } from 'safe-stable-stringify'
import { MonitorError } from './errors.ts'

/** The levels, lowest first. */
export const LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal'] as const

/** How grave an entry is. */
export type Level = (typeof LEVELS)[number]

/** Any JSON object. */
export type JsonObject = { [key: string]: unknown }

/** One log entry, as every client gets it. */
export interface LogEntry {
  /** When it happened: ISO 8601 in UTC with milliseconds. */
  readonly ts: string
  readonly level: Level
  /** The text; may hold line breaks, ANSI colour codes and any Unicode. */
  readonly message: string
  /** Everything else that the entry came with. */
  readonly context: JsonObject
}

/** An entry together with its JSON text, so that it is serialised once however many readers it has. */
export interface LogRecord {
  readonly entry: LogEntry
  /** `JSON.stringify(entry)`, without line breaks. */
  readonly json: string
}

/** Longest message kept, in UTF-8 bytes: a stack trace of some hundred frames fits, a dumped file does not. */
export const MAX_MESSAGE_BYTES: number = 32 * 1024

/** Longest context kept, in UTF-8 bytes of its JSON text. */
export const MAX_CONTEXT_BYTES: number = 64 * 1024

/**
 * Deepest nesting of a context. Guards `JSON.stringify` and every client's parser, which recurse: a body of 1 MiB can
 * nest half a million arrays.
 */
export const MAX_DEPTH = 64

/** Where the fields of an entry are looked for, the first that is present wins. */
const MESSAGE_FIELDS = ['message', 'msg'] as const
const LEVEL_FIELDS = ['level', 'severity', 'log.level'] as const
const TIME_FIELDS = ['ts', 'time', 'timestamp', '@timestamp'] as const

/** Names of levels beyond the six: syslog's and Python's. */
const LEVEL_NAMES = new Map<string, Level>([
  ...LEVELS.map((level): [string, Level] => [level, level]),
  ['notice', 'info'],
  ['warning', 'warn'],
  ['err', 'error'],
  ['crit', 'fatal'],
  ['critical', 'fatal'],
  ['alert', 'fatal'],
  ['emerg', 'fatal'],
  ['panic', 'fatal'],
])

/** ISO 8601 as loggers write it: `T` or a blank, `.` or `,` before the fraction, an offset or none. */
const ISO_TIME = /^(\d{4}-\d\d-\d\d)(?:[Tt ](\d\d:\d\d(?::\d\d)?)(?:[.,](\d+))?)? ?([Zz]|[+-]\d\d(?::?\d\d)?)?$/
const NUMERIC = /^[+-]?\d+(?:\.\d+)?$/

/** Years 0000 to 9999, the only ones that ISO 8601 writes with four digits. */
const MIN_TIME = Date.parse('0000-01-01T00:00:00.000Z')
const MAX_TIME = Date.parse('9999-12-31T23:59:59.999Z')

const utf8 = new TextEncoder()
const fromUtf8 = new TextDecoder('utf-8', { fatal: false, ignoreBOM: true })

/** The rank of a level: 0 for `trace` to 5 for `fatal`. */
export function levelRank(level: Level): number {
  return LEVELS.indexOf(level)
}

/** Whether a text is one of the six levels. */
export function isLevel(text: string): text is Level {
  return (LEVELS as readonly string[]).includes(text)
}

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

/** The level of a name, in any case, syslog's names included; undefined for one that is not known. */
export function levelNamed(name: string): Level | undefined {
  return LEVEL_NAMES.get(name.trim().toLowerCase())
}

/** Reads a record back from its JSON text, as a source stored it. */
export function parseRecord(json: string): LogRecord {
  return { entry: JSON.parse(json) as LogEntry, json }
}

function toRecord(ts: string, level: Level, message: string, context: JsonObject): LogRecord {
  if (isDeeper(context, MAX_DEPTH)) {
    throw new MonitorError('invalid_entry', `The entry is nested deeper than ${MAX_DEPTH} levels.`)
  }
  let contextJson = JSON.stringify(context)
  const messageBytes = byteLength(message, MAX_MESSAGE_BYTES)
  const contextBytes = byteLength(contextJson, MAX_CONTEXT_BYTES)
  const isMessageCut = messageBytes > MAX_MESSAGE_BYTES
  if (isMessageCut || contextBytes > MAX_CONTEXT_BYTES) {
    const truncated: JsonObject = {}
    if (isMessageCut) {
      truncated.message = messageBytes
      message = cutText(message, MAX_MESSAGE_BYTES)
    }
    // Also a context that is not too large itself may have to make room for the mark of the message.
    if (contextBytes > MAX_CONTEXT_BYTES - (isMessageCut ? MARK_BYTES : 0)) {
      truncated.context = contextBytes
      context = cutObject(context, MAX_CONTEXT_BYTES - MARK_BYTES)
    }
    context = { ...context, truncated }
    contextJson = JSON.stringify(context)
  }
  const entry: LogEntry = { ts, level, message, context }
  return {
    entry,
    json: `{"ts":"${ts}","level":"${level}","message":${JSON.stringify(message)},"context":${contextJson}}`,
  }
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function firstPresent(input: JsonObject, fields: readonly string[]): string | undefined {
  for (const field of fields) if (Object.hasOwn(input, field)) return field
  return undefined
}

/** Sets an own property also for the key `__proto__`, which JSON may hold and plain assignment would lose. */
function assign(target: JsonObject, key: string, value: unknown): void {
  if (key === '__proto__') {
    Object.defineProperty(target, key, { value, enumerable: true, configurable: true, writable: true })
  } else target[key] = value
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

/** UTF-8 bytes of a text; exact only where it may be over the limit, since one UTF-16 unit is at most three bytes. */
function byteLength(text: string, limit: number): number {
  return text.length * 3 <= limit ? text.length : utf8.encode(text).length
}

/** Room that the mark `context.truncated` takes at the most. */
const MARK_BYTES = 80

/**
 * The longest start of a text that fits the bytes and ends with a whole character. Decoded rather than sliced: engines keep the
 * whole text alive behind a slice of it, for as long as the entry is retained.
 */
function cutText(text: string, bytes: number): string {
  const buffer = new Uint8Array(Math.max(bytes, 0))
  return fromUtf8.decode(buffer.subarray(0, utf8.encodeInto(text, buffer).written))
}

/** The longest start of a text whose JSON form fits the bytes. */
function cutString(text: string, bytes: number): string {
  let cut = cutText(text, bytes - 2)
  for (let over = jsonBytes(cut) - bytes; over > 0; over = jsonBytes(cut) - bytes) {
    // Escapes make JSON up to six times longer than the text; every step removes at least one unit.
    const keep = Math.max(0, cut.length - Math.max(1, Math.ceil(over / 6)))
    cut = cut.slice(0, isHighSurrogate(cut, keep - 1) ? keep - 1 : keep)
    if (cut === '') break
  }
  return cut
}

function isHighSurrogate(text: string, index: number): boolean {
  const unit = text.charCodeAt(index)
  return unit >= 0xd800 && unit <= 0xdbff
}

function jsonBytes(value: unknown): number {
  return utf8.encode(JSON.stringify(value)).length
}

/** Keeps fields in their order while they fit; the first that does not is cut inside, as deep as it goes. */
function cutObject(object: JsonObject, bytes: number): JsonObject {
  const kept: JsonObject = {}
  let left = bytes - 2
  for (const [key, value] of Object.entries(object)) {
    // Not measured when it cannot fit: of a million bytes of fields most do not.
    if (key.length + 6 > left) continue
    const room = left - jsonBytes(key) - 2
    const part = trim(value, room)
    if (part === undefined) continue
    assign(kept, key, part.value)
    left = room - part.bytes
  }
  return kept
}

function cutArray(array: readonly unknown[], bytes: number): unknown[] {
  const kept: unknown[] = []
  let left = bytes - 2
  for (const value of array) {
    const part = trim(value, left - 1)
    if (part === undefined) break
    kept.push(part.value)
    left -= part.bytes + 1
  }
  return kept
}

/** A value that fits the bytes, cut where that is possible; undefined where nothing of it fits. */
function trim(value: unknown, bytes: number): { value: unknown; bytes: number } | undefined {
  if (bytes < 2) return undefined
  const whole = jsonBytes(value)
  if (whole <= bytes) return { value, bytes: whole }
  if (typeof value === 'string') value = cutString(value, bytes)
  else if (Array.isArray(value)) value = cutArray(value, bytes)
  else if (isObject(value)) value = cutObject(value, bytes)
  else return undefined
  return { value, bytes: jsonBytes(value) }
}

const stringifySafely = configure({
  // Fields stay in the program's order; sorting them would cost time and hide it.
  deterministic: false,
  circularValue: '[Circular]',
  maximumDepth: MAX_DEPTH - 1,
})

/**
 * Most values looked at in one context, far more than fit it. Without cycles too a graph can have more paths than there is time
 * to walk.
 */
const MAX_VALUES = 50_000

/** A value of the program as JSON can say it. */
function snapshot(value: unknown): unknown {
  if (value === undefined || value === null) return value
  if (typeof value === 'string' || typeof value === 'boolean') return value
  try {
    const text = stringifySafely(value, createExpander())
    return text === undefined ? String(value) : (JSON.parse(text) as unknown)
  } catch {
    // A getter or `toJSON` of the program threw: the rest of the entry is worth keeping.
    return '[unreadable]'
  }
}

/** Makes the replacer of one snapshot: it expands what JSON.stringify would turn into `{}` or refuse. */
function createExpander(): (key: string, value: unknown) => unknown {
  // The same object each time, by which the serialiser knows a cycle.
  const expanded = new Map<object, unknown>()
  let values = 0
  return (_key, value) => {
    if (++values > MAX_VALUES) return undefined
    if (typeof value === 'bigint') return Number.isSafeInteger(Number(value)) ? Number(value) : String(value)
    if (typeof value === 'function' || typeof value === 'symbol') return String(value)
    if (!(value instanceof Error || value instanceof Map || value instanceof Set)) return value
    if (!expanded.has(value)) expanded.set(value, expand(value))
    return expanded.get(value)
  }
}

function expand(value: Error | Map<PropertyKey, unknown> | Set<unknown>): unknown {
  if (value instanceof Map) return Object.fromEntries(value)
  if (value instanceof Set) return [...value]
  const { name: type, message, stack, cause } = value
  return { ...value, type, message, stack, cause, errors: (value as Partial<AggregateError>).errors }
}
