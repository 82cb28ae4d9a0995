/** What a log entry is. */

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
  /** Of the entry, where it is known without that being parsed. */
  readonly level?: Level | undefined
  /** `JSON.stringify(entry)`, without line breaks. */
  readonly json: string
}

/**
 * Deepest nesting of a context. Guards `JSON.stringify` and every client's parser, which recurse: a body of 1 MiB can
 * nest half a million arrays.
 */
export const MAX_DEPTH = 64

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

/** The rank of a level: 0 for `trace` to 5 for `fatal`. */
export function levelRank(level: Level): number {
  return LEVELS.indexOf(level)
}

/** Whether a text is one of the six levels. */
export function isLevel(text: string): text is Level {
  return (LEVELS as readonly string[]).includes(text)
}

/** The level of a name, in any case, syslog's names included; undefined for one that is not known. */
export function levelNamed(name: string): Level | undefined {
  return LEVEL_NAMES.get(name) ?? LEVEL_NAMES.get(name.trim().toLowerCase())
}

/**
 * The record of a JSON text that is as we write it. Parsed when its entry is asked for: most entries only pass through.
 *
 * @param level - where it is known
 */
export function parseRecord(json: string, level?: Level): LogRecord {
  return new TextRecord(json, level)
}

class TextRecord implements LogRecord {
  readonly json: string
  readonly level: Level | undefined
  #entry: LogEntry | undefined

  constructor(json: string, level: Level | undefined) {
    this.json = json
    this.level = level
  }

  get entry(): LogEntry {
    this.#entry ??= JSON.parse(this.json) as LogEntry
    return this.#entry
  }
}

/** Whether a value is a JSON object. */
export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
