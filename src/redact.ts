/**
 * Secrets are taken out of entries before anything is stored, by the paths of pino's `redact`
 * (https://getpino.io/#/docs/redaction): `context.user.password`, `context.*.token`, `context["x-api-key"]`, `message`. A path
 * starts at the entry, so what an entry came with beside its message stands under `context`.
 */
import slowRedact from '@pinojs/redact'
import { MonitorError } from './errors.ts'
import type { JsonObject, LogEntry, LogRecord } from './log.ts'
import type { LogSource } from './source.ts'

/** What the setting takes. */
export const REDACT_MESSAGE = 'lists paths such as context.user.email, context.*.phone or message'

/** What stands in place of a secret. */
const CENSOR = '[REDACTED]'

/** Fields that hold a secret whatever the program, as loggers, OAuth and HTTP name them. */
const SECRET_FIELDS = [
  ...[
    'password',
    'passwd',
    'secret',
    'token',
    'authorization',
    'proxy-authorization',
    'cookie',
    'set-cookie',
    'x-api-key',
  ],
  ...['access_token', 'accessToken', 'refresh_token', 'refreshToken', 'id_token', 'idToken'],
  ...['api_key', 'apikey', 'apiKey', 'client_secret', 'clientSecret', 'private_key', 'privateKey'],
]

/** How deep they are looked for: `req.headers.authorization` is three, its envelope one more. */
const SECRET_DEPTH = 4

/**
 * Paths that are redacted unless it is switched off: fields that hold secrets, as they are, in capitals and as HTTP writes
 * them, down to four levels of the context.
 */
export const DEFAULT_REDACT_PATHS: readonly string[] = SECRET_FIELDS.flatMap(spellings).flatMap((field) =>
  Array.from({ length: SECRET_DEPTH }, (_, depth) => `context${'.*'.repeat(depth)}["${field}"]`),
)

/** Most redactors kept, one for each set of fields that occur together. */
const MAX_REDACTORS = 64

/** A redactor: gives the record back as it is where there is nothing to hide. */
export type Redactor = (record: LogRecord) => LogRecord

/**
 * Makes a redactor.
 *
 * @throws MonitorError `invalid_setting` for a path that is none, or that would leave no entry
 */
export function createRedactor(paths: readonly string[]): Redactor {
  const byField = new Map<string, string[]>()
  for (const path of paths) {
    if (!isRedactPath(path)) {
      throw new MonitorError('invalid_setting', `redact ${REDACT_MESSAGE}; ${JSON.stringify(path)} is none.`)
    }
    const field = lastField(path)
    byField.set(field, [...(byField.get(field) ?? []), path])
  }
  const always = byField.get('*') ?? []
  // What every record is looked through for: a field's name as JSON writes it. A text that looks like one only costs time.
  // In order, so that those with the same beginning stand together and are tried once.
  const names = [...byField.keys()].sort().map((field) => literally(JSON.stringify(field).slice(1, -1)))
  const suspect = new RegExp(`"(?:${names.join('|')})":`)
  const redactors = new Map<string, (entry: LogEntry) => LogEntry>()

  function redactorFor(found: readonly string[]): (entry: LogEntry) => LogEntry {
    const key = found.join('\n')
    let redact = redactors.get(key)
    if (redact === undefined) {
      if (redactors.size >= MAX_REDACTORS) redactors.clear()
      redact = compile([...always, ...found.flatMap((field) => byField.get(field) ?? [])])
      redactors.set(key, redact)
    }
    return redact
  }

  return (record) => {
    if (always.length === 0 && !suspect.test(record.json)) return record
    const found = new Set<string>()
    // A look at the names costs a hundredth of walking each path through every entry.
    findFields(record.entry, byField, found)
    if (found.size === 0 && always.length === 0) return record
    const entry = redactorFor([...found].sort())(record.entry)
    return { entry, json: JSON.stringify(entry) }
  }
}

/**
 * A source that stores nothing before it was redacted.
 *
 * @param redaction - paths, or what was made of them for several sources; false to redact nothing
 * @throws MonitorError `invalid_setting` as {@link createRedactor}
 */
export function redactSource(source: LogSource, redaction: readonly string[] | Redactor | false): LogSource {
  if (redaction === false) return source
  const redact = typeof redaction === 'function' ? redaction : createRedactor(redaction)
  return {
    append: (records) => source.append(records.map(redact)),
    appendOnce: (key, records, answer) => source.appendOnce(key, records.map(redact), answer),
    subscribe: (options) => source.subscribe(options),
    history: (query) => source.history(query),
    status: () => source.status(),
    close: () => source.close(),
  }
}

/** Notes which fields occur anywhere. An entry is nested at most as deep as the normaliser lets it. */
function findFields(value: object, fields: ReadonlyMap<string, unknown>, found: Set<string>): void {
  for (const key in value) {
    if (fields.has(key)) found.add(key)
    const inner = (value as JsonObject)[key]
    if (typeof inner === 'object' && inner !== null) findFields(inner, fields, found)
  }
}

function compile(paths: readonly string[]): (entry: LogEntry) => LogEntry {
  const redact = slowRedact({ paths: [...paths], censor: CENSOR, serialize: false })
  return (original) => {
    // Taken apart, since what comes back also has a `restore`.
    const { ts, level, message, context } = redact(original) as LogEntry
    return { ts, level, message, context }
  }
}

/** Whether a path is one of the context or the message, and leaves an entry an entry. */
export function isRedactPath(path: string): boolean {
  if (!/^(?:message$|(?:context|\*)[.[])/.test(path)) return false
  try {
    compile([path])
    return true
  } catch {
    // The library says no more than that it is not a path.
    return false
  }
}

/** A text as a regular expression that matches it. */
function literally(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&')
}

/** `x-api-key`, `X-API-KEY` and `X-Api-Key`. */
function spellings(field: string): string[] {
  const header = field.replace(/(^|-)[a-z]/g, (start) => start.toUpperCase())
  return [...new Set([field, field.toUpperCase(), header])]
}

/** The name that a path ends with. */
function lastField(path: string): string {
  const [, quoted, bare] = /(?:\[\s*["']?(.*?)["']?\s*\]|([^.[\]]+))$/.exec(path) ?? []
  return quoted ?? bare ?? '*'
}
