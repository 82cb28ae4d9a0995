/**
 * What a Tail Worker is given, as entries: each console line and each exception of an invocation, in the order in which they
 * happened, and then how the invocation ended.
 * (https://developers.cloudflare.com/workers/runtime-apis/handlers/tail/)
 *
 * Everything is read with care, since it comes from a runtime that grows new kinds of events: what cannot be read is left out,
 * and the rest is kept.
 */

import { formatConsole } from '../console-format.ts'
import { isObject, type JsonObject, type Level, type LogRecord, levelNamed } from '../log.ts'
import { normalizeEntry } from '../normalize.ts'
import { snapshot } from '../snapshot.ts'

/** A `TraceItem`, as far as it is used: one invocation of a Worker. All of it may be missing. */
export interface Trace {
  readonly event?: unknown
  readonly eventTimestamp?: unknown
  readonly logs?: unknown
  readonly exceptions?: unknown
  readonly scriptName?: unknown
  readonly entrypoint?: unknown
  readonly durableObjectId?: unknown
  readonly outcome?: unknown
  readonly truncated?: unknown
}

/** Which invocations get an entry that tells how they ended. */
export type Invocations = 'failed' | 'all'

/** How an invocation ended that is nobody's fault: the client left. */
const CLIENT_LEFT: ReadonlySet<unknown> = new Set(['canceled', 'responseStreamDisconnected'])

/** The times that a clock can show, in milliseconds since the epoch: from the first to the last that ISO 8601 writes with four digits. */
const MAX_TIME = Date.parse('9999-12-31T23:59:59.999Z')

/**
 * The entries of one invocation. Never throws.
 *
 * @param now - arrival time in milliseconds since the epoch, used where the runtime gave none
 */
export function traceRecords(trace: Trace, invocations: Invocations, now: number): LogRecord[] {
  const worker = describe(trace)
  const lines = list(trace, 'logs').map((log) => line(log, worker, now))
  const failures = list(trace, 'exceptions').map((exception) => failure(exception, worker, now))
  const told = merge(lines, failures)
  const last = told.at(-1)?.time ?? Number.NEGATIVE_INFINITY
  const end = ending(trace, worker, invocations, last, now)
  return [...told, ...(end === undefined ? [] : [end])].flatMap(({ record }) => record ?? [])
}

/** Where an invocation took place. */
export interface TraceOrigin {
  readonly script: unknown
  readonly durableObjectId: unknown
  /** Whether it was a Tail Worker's own. */
  readonly isTail: boolean
}

/** Where an invocation took place. Never throws. */
export function traceOrigin(trace: Trace): TraceOrigin {
  return {
    script: read(trace, 'scriptName'),
    durableObjectId: read(trace, 'durableObjectId'),
    isTail: eventType(read(trace, 'event')) === 'tail',
  }
}

/** The kind of an event, by what it has: it bears no name of its own. */
function eventType(event: unknown): string | undefined {
  if (!isObject(event)) return undefined
  const has = (field: string): boolean => read(event, field) !== undefined
  if (has('request')) return 'fetch'
  if (has('rpcMethod')) return 'rpc'
  if (has('cron')) return 'scheduled'
  if (has('scheduledTime')) return 'alarm'
  if (has('queue')) return 'queue'
  if (has('mailFrom')) return 'email'
  if (has('consumedEvents')) return 'tail'
  if (has('getWebSocketEvent')) return 'websocket'
  if (has('reason')) return 'hibernate'
  return 'other'
}

/** An entry and its place in time. Without a record it is one that says nothing. */
interface Told {
  readonly time: number
  readonly record: LogRecord | undefined
}

/** Where an entry is from: the same for all entries of an invocation, as `context.worker`. */
function describe(trace: Trace): JsonObject {
  const event = read(trace, 'event')
  const type = eventType(event)
  const headers = read(read(event, 'request'), 'headers')
  return {
    ...pick(trace, { script: 'scriptName', entrypoint: 'entrypoint', durableObjectId: 'durableObjectId' }),
    ...pick(read(trace, 'scriptVersion'), { version: 'id' }),
    ...pick(headers, { requestId: 'cf-ray' }),
    ...(type !== undefined && { event: { type, ...describeEvent(type, event) } }),
  }
}

function describeEvent(type: string, event: unknown): JsonObject {
  const request = read(event, 'request')
  switch (type) {
    case 'fetch':
      return { ...pick(request, { method: 'method' }), url: bareUrl(read(request, 'url')), ...statusOf(event) }
    case 'rpc':
      return pick(event, { method: 'rpcMethod' })
    case 'scheduled':
      return { ...pick(event, { cron: 'cron' }), ...timeOf(event) }
    case 'alarm':
      return timeOf(event)
    case 'queue':
      return pick(event, { queue: 'queue', batchSize: 'batchSize' })
    case 'email':
      return pick(event, { from: 'mailFrom', to: 'rcptTo', bytes: 'rawSize' })
    case 'websocket':
      return pick(read(event, 'getWebSocketEvent'), { what: 'webSocketEventType', code: 'code', wasClean: 'wasClean' })
    case 'hibernate':
      return pick(event, { reason: 'reason' })
    default:
      return {}
  }
}

/** A line that the Worker printed. A lone JSON object, as structured loggers print, is read as an entry of its own. */
function line(log: unknown, worker: JsonObject, now: number): Told {
  const time = readTime(read(log, 'timestamp'), now)
  const printed = read(log, 'message')
  const args: readonly unknown[] = Array.isArray(printed) ? printed : printed === undefined ? [] : [printed]
  // `console.log` has no level of its own.
  const level = levelNamed(String(pick(log, { level: 'level' }).level)) ?? 'info'
  const [err, ...others] = list(log, 'errorInfo').flatMap((info) => (isObject(info) ? toError(info) : []))
  const context: JsonObject = {
    ...(err !== undefined && { err }),
    ...(others.length > 0 && { errors: others }),
    worker,
  }
  const own = args.length === 1 ? objectIn(args[0]) : undefined
  if (own !== undefined) {
    const record = attempt(() => normalizeEntry(beside(own, context), time, { level }))
    if (record !== undefined) return { time, record }
  }
  const { message } = formatConsole(args)
  if (message.trim() === '' && err === undefined) return { time, record: undefined }
  return { time, record: toRecord(level, message, context, time) }
}

function failure(exception: unknown, worker: JsonObject, now: number): Told {
  const time = readTime(read(exception, 'timestamp'), now)
  const err = toError(exception)
  const message = [err.type, err.message].filter((part) => part !== undefined && part !== '').join(': ')
  return { time, record: toRecord('error', message || 'Unknown exception', { err, worker }, time) }
}

/** How the invocation ended; undefined where nobody asked for it. */
function ending(
  trace: Trace,
  worker: JsonObject,
  invocations: Invocations,
  last: number,
  now: number,
): Told | undefined {
  const { outcome = 'unknown' } = pick(trace, { outcome: 'outcome' })
  // Of one that printed too much a part is missing, and silence is never a gap.
  const truncated = read(trace, 'truncated') === true
  if (invocations === 'failed' && outcome === 'ok' && !truncated) return undefined
  const wallTimeMs = read(trace, 'wallTime')
  const took = typeof wallTimeMs === 'number' && wallTimeMs > 0 ? wallTimeMs : 0
  const time = Math.max(readTime(read(trace, 'eventTimestamp'), now) + took, last)
  const event = isObject(worker.event) ? worker.event : {}
  const { status } = event
  const level = levelOf(outcome, status, truncated)
  const times = pick(trace, { cpuTimeMs: 'cpuTime', wallTimeMs: 'wallTime' })
  const context = { worker: { ...worker, outcome, ...times, ...(truncated && { truncated }) } }
  const title = [event.type, event.method, event.url, event.cron, event.queue, event.what, status]
  const text = title.slice(event.type === 'fetch' ? 1 : 0).filter((part) => part !== undefined && part !== '')
  const message = `${text.join(' ') || 'invocation'}: ${outcome}${truncated ? ', some of what it logged is missing' : ''}`
  return { time, record: toRecord(level, message, context, Math.min(time, MAX_TIME)) }
}

function levelOf(outcome: unknown, status: unknown, truncated: boolean): Level {
  if (CLIENT_LEFT.has(outcome)) return 'warn'
  if (outcome !== 'ok' || Number(status) >= 500) return 'error'
  return truncated || Number(status) >= 400 ? 'warn' : 'info'
}

/** Two lists, each in its order, as one: an exception before the first line that is later. */
function merge(lines: readonly Told[], failures: readonly Told[]): Told[] {
  const merged: Told[] = []
  let next = 0
  for (const failed of failures) {
    while (next < lines.length && (lines[next] as Told).time <= failed.time) merged.push(lines[next++] as Told)
    merged.push(failed)
  }
  return [...merged, ...lines.slice(next)]
}

function toRecord(level: Level, message: string, context: JsonObject, time: number): LogRecord | undefined {
  return attempt(() => normalizeEntry({ level, message, context: snapshot(context) }, time))
}

/** An error as in every other entry; the runtime's stack lacks the line that names it. */
function toError(error: unknown): JsonObject {
  const { type, message, stack } = pick(error, { type: 'name', message: 'message', stack: 'stack' })
  const title = [type, message].filter((part) => typeof part === 'string' && part !== '').join(': ')
  const whole = typeof stack === 'string' && /^\s+at /.test(stack) ? `${title}\n${stack}` : stack
  return { type, message, stack: whole }
}

/** The object that a value is, or whose JSON text it is. */
function objectIn(value: unknown): JsonObject | undefined {
  const plain = typeof value === 'string' ? (/^\s*\{/.test(value) ? parse(value) : undefined) : snapshot(value)
  return isObject(plain) ? plain : undefined
}

function parse(text: string): unknown {
  return attempt(() => JSON.parse(text) as unknown)
}

/** An entry with more context: into its own, which wins, or beside its fields. */
function beside(entry: JsonObject, context: JsonObject): JsonObject {
  if (entry.context === undefined || entry.context === null) return { ...context, ...entry }
  return isObject(entry.context)
    ? { ...entry, context: { ...context, ...entry.context } }
    : { ...entry, context: { ...context, value: entry.context } }
}

/** Scheme, host and path: a query may carry a token, and so may what stands before the host. */
function bareUrl(url: unknown): string | undefined {
  if (typeof url !== 'string' || !URL.canParse(url)) return undefined
  const { protocol, host, pathname } = new URL(url)
  return `${protocol}//${host}${pathname}`
}

function statusOf(event: unknown): JsonObject {
  return pick(read(event, 'response'), { status: 'status' })
}

function timeOf(event: unknown): JsonObject {
  const time = read(event, 'scheduledTime')
  return pick({ time: time instanceof Date ? time.getTime() : time }, { scheduledTime: 'time' })
}

function readTime(value: unknown, now: number): number {
  return typeof value === 'number' && value >= 0 && value <= MAX_TIME ? value : now
}

/** The fields that are there, under names of ours. Only what is text, a number or a truth: nothing that may hold more. */
function pick(from: unknown, names: Readonly<Record<string, string>>): JsonObject {
  const picked: JsonObject = {}
  for (const [ours, theirs] of Object.entries(names)) {
    const value = read(from, theirs)
    if (typeof value === 'string' || typeof value === 'boolean' || Number.isFinite(value)) picked[ours] = value
  }
  return picked
}

function list(from: unknown, field: string): readonly unknown[] {
  const value = read(from, field)
  return attempt(() => (Array.isArray(value) ? [...(value as unknown[])] : undefined)) ?? []
}

function read(from: unknown, field: string): unknown {
  return attempt(() => (from as Record<string, unknown> | null | undefined)?.[field])
}

/** What a reading gives; undefined where a getter of the runtime's threw. */
function attempt<Value>(reading: () => Value): Value | undefined {
  try {
    return reading()
  } catch {
    return undefined
  }
}
