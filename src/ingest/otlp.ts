/**
 * From OpenTelemetry's log records to records (https://opentelemetry.io/docs/specs/otel/logs/data-model/). Both encodings of
 * OTLP are read into the shapes below, and what they mean is decided here.
 */
import { MonitorError } from '../errors.ts'
import { type JsonObject, LEVELS, type Level, type LogRecord, levelNamed, MAX_DEPTH } from '../log.ts'
import { normalizeEntry } from '../normalize.ts'
import { formatTime } from '../time.ts'

/** A log record. What it came without is empty, zero or null, as in proto3. */
export interface OtlpLog {
  /** When it happened, in nanoseconds since the epoch. */
  timeUnixNano: bigint
  /** When OpenTelemetry saw it. */
  observedTimeUnixNano: bigint
  /** 1 to 24: four of each level. */
  severityNumber: number
  severityText: string
  eventName: string
  /** As JSON. */
  body: unknown
  attributes: JsonObject
  droppedAttributesCount: number
  /** The lowest byte holds the trace flags of W3C. */
  flags: number
  /** Lower-case hex. */
  traceId: string
  spanId: string
}

/** What a request held. */
export interface OtlpBatch {
  readonly records: LogRecord[]
  /** How many log records were refused. */
  rejected: number
  /** Why the first was refused, or what the sender should know although none was. */
  error: string | undefined
}

/** Takes the log records of a request in their order. */
export interface OtlpCollector {
  readonly batch: OtlpBatch
  /**
   * Begins the log records of one resource and scope, both as they stand in each entry.
   *
   * @returns what takes the next of them, read only when there is room; an `invalid_entry` on the way refuses that one alone
   */
  group(resource: JsonObject, scope: JsonObject): (read: () => OtlpLog) => void
}

/**
 * UTF-16 units of JSON that the entries of a request may take for each byte that a body may have. Each entry repeats its
 * resource and scope, so that a body of 1 MiB could otherwise become tens of gigabytes; real ones grow five times.
 */
const MAX_GROWTH = 32

/** Stands before the name of a field that an attribute has taken. */
const PREFIX = 'otel.'

/** Makes an empty log record. */
export function emptyLog(): OtlpLog {
  return {
    timeUnixNano: 0n,
    observedTimeUnixNano: 0n,
    severityNumber: 0,
    severityText: '',
    eventName: '',
    body: null,
    attributes: {},
    droppedAttributesCount: 0,
    flags: 0,
    traceId: '',
    spanId: '',
  }
}

/**
 * Begins a request.
 *
 * @param now - arrival time in milliseconds since the epoch
 * @param maxBody - most bytes of a body
 */
export function createOtlpCollector(now: number, maxBody: number): OtlpCollector {
  const batch: OtlpBatch = { records: [], rejected: 0, error: undefined }
  const sizes = new WeakMap<JsonObject, number>()
  let left = maxBody * MAX_GROWTH

  /** Of what is in every entry: measured once, since a large one costs as much as all the rest. */
  function sizeOf(shared: JsonObject): number {
    const size = sizes.get(shared) ?? JSON.stringify(shared).length
    sizes.set(shared, size)
    return size
  }

  function refuse(why: string): void {
    batch.rejected++
    // The first: until then every log record became a record.
    batch.error ??= `Log record ${batch.records.length + 1}: ${why}`
  }

  return {
    batch,
    group: (resource, scope) => (read) => {
      const shared = sizeOf(resource) + sizeOf(scope)
      if (shared > left) {
        refuse(`With resource and scope in each, entries take at most ${maxBody * MAX_GROWTH} bytes. Send fewer.`)
        return
      }
      // Also where it is cut or the log record refused: the work is done by then.
      left -= shared
      try {
        const record = normalizeEntry(toEntry(read(), resource, scope), now)
        left -= Math.max(0, record.json.length - shared)
        batch.records.push(record)
      } catch (error) {
        if (!(error instanceof MonitorError) || error.code !== 'invalid_entry') throw error
        refuse(error.message)
      }
    },
  }
}

/** A 64-bit integer as JSON: beyond 2^53 as text, since most readers of JSON would round it. */
export function toJsonInteger(value: bigint): number | string {
  const number = Number(value)
  return Number.isSafeInteger(number) ? number : value.toString()
}

/** A double as JSON, which has no word for those that are no number, but ProtoJSON has. */
export function toJsonDouble(value: number): number | string {
  return Number.isFinite(value) ? value : String(value)
}

/** The refusal of a value within itself; without it a small body could fill the stack. */
export function checkDepth(depth: number): void {
  if (depth > MAX_DEPTH) throw new MonitorError('invalid_entry', `A value is nested deeper than ${MAX_DEPTH} levels.`)
}

/** An entry as the normaliser takes it. */
function toEntry(log: OtlpLog, resource: JsonObject, scope: JsonObject): JsonObject {
  const { severityNumber, severityText, body, attributes: context } = log
  const level = levelOf(severityNumber)
  if (level !== undefined && severityText !== '' && levelNamed(severityText) !== level) {
    put(context, 'level', severityText)
  }
  // Not left to the normaliser, which would take it for one of pino's.
  if (level === undefined && severityText === '' && severityNumber !== 0) put(context, 'level', severityNumber)
  if (log.eventName !== '') put(context, 'event_name', log.eventName)
  if (typeof body === 'object' && body !== null) put(context, 'body', body)
  if (isId(log.traceId)) put(context, 'trace_id', log.traceId)
  if (isId(log.spanId)) put(context, 'span_id', log.spanId)
  const flags = log.flags & 0xff
  if (flags !== 0) put(context, 'trace_flags', flags.toString(16).padStart(2, '0'))
  if (log.droppedAttributesCount !== 0) put(context, 'dropped_attributes_count', log.droppedAttributesCount)
  if (hasMembers(scope)) put(context, 'scope', scope)
  if (hasMembers(resource)) put(context, 'resource', resource)
  const time = log.timeUnixNano || log.observedTimeUnixNano
  return {
    ts: time === 0n ? undefined : formatTime(Number(time / 1_000_000n)),
    level: level ?? (severityText === '' ? undefined : severityText),
    message: body ?? '',
    context,
  }
}

/** Undefined for a number that is not specified, or in no range. */
function levelOf(severityNumber: number): Level | undefined {
  return LEVELS[Math.floor((severityNumber - 1) / 4)]
}

/** An id of zeros is none (https://www.w3.org/TR/trace-context/#trace-id). */
function isId(hex: string): boolean {
  return /[^0]/.test(hex)
}

/** Attributes keep their names; what would overwrite one goes beside it. */
function put(context: JsonObject, name: string, value: unknown): void {
  const isTaken = Object.hasOwn(context, name) && context[name] !== value
  context[isTaken ? PREFIX + name : name] = value
}

function hasMembers(object: JsonObject): boolean {
  for (const _ in object) return true
  return false
}
