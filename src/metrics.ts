/**
 * What a monitor counts about itself. Everything that is counted is counted here, by whoever it happens to: one object is made
 * for each monitor, and there is nothing global. docs/metrics.md explains each metric.
 *
 * On Node these are the process's own numbers. On Workers each isolate has its own; what is told of the source comes from the
 * Durable Object, and is the same wherever one asks.
 */
import { ERROR_CODES, ERROR_STAGES, type ErrorCode, type ErrorReporter, toMonitorError } from './errors.ts'
import { createRegistry, type ExpositionFormat } from './exposition.ts'
import { LEVELS, type Level, type LogRecord } from './log.ts'
import type { Gap, LogBatch, LogSource, SourceStatus } from './source.ts'

/**
 * How entries come in: the media types of `POST /logs` and `POST /v1/logs`; `log` by the monitor's own methods, which console
 * capture and the request log use too; what is piped into the command and the files that it follows; `source` for what the
 * program appends to the monitor's source itself.
 */
const WAYS = ['json', 'ndjson', 'otlp', 'log', 'stdin', 'file', 'source'] as const

/** One of them. */
export type EntryWay = (typeof WAYS)[number]

/** Those that have a request with a body. */
const BODY_WAYS = ['json', 'ndjson', 'otlp'] as const
export type BodyWay = (typeof BODY_WAYS)[number]

/** What a source is asked. */
const OPERATIONS = ['append', 'subscribe', 'history', 'status'] as const
type Operation = (typeof OPERATIONS)[number]

/**
 * Upper bounds of the delays, in seconds: from one turn of the event loop to the second within which an entry is to arrive, and
 * beyond.
 */
const DELAY_BOUNDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5]

/** Where a monitor reports what happens. None of it throws. */
export interface Metrics {
  /** Entries were stored. */
  stored(way: EntryWay, records: readonly LogRecord[]): void
  /** Entries of a request were not taken, beside others that may have been. */
  refusedEntries(way: BodyWay, count: number): void
  /** A request was answered with an error. */
  refusedRequest(code: ErrorCode): void
  /** So many bytes of a body were read, as they came. */
  received(way: BodyWay, bytes: number): void
  /**
   * A client has taken a batch.
   *
   * @param delayMs - from the append of its oldest entry to the write, in milliseconds; undefined for what was stored before
   */
  delivered(batch: LogBatch, delayMs: number | undefined): void
  /** A client was told of a gap. */
  gap(gap: Gap): void
  /** A client that took nothing was closed. */
  slowClose(): void
  /** A source could not do what it was asked. */
  sourceError(operation: Operation): void
  /** A reporter that counts, then passes on. */
  counting(report: ErrorReporter): ErrorReporter
  /**
   * Writes all of it down.
   *
   * @param status - of the source; undefined when it cannot serve
   * @param streams - how many named streams there are; undefined where it is not told
   */
  render(format: ExpositionFormat, status: SourceStatus | undefined, streams?: number): string
}

/** Makes metrics that all stand at zero. */
export function createMetrics(): Metrics {
  const registry = createRegistry()
  const startedMs = Date.now()
  const entries = registry.counter('edgetail_entries_total', 'Entries stored, by the way they came in and by level.', {
    way: WAYS,
    level: LEVELS,
  })
  const refusedEntries = registry.counter(
    'edgetail_refused_entries_total',
    'Entries not taken out of bodies that could be read, by the way they came in.',
    { way: BODY_WAYS },
  )
  const refusedRequests = registry.counter(
    'edgetail_refused_requests_total',
    'Requests under the base path answered with an error, by its code.',
    { code: ERROR_CODES },
  )
  const bodyBytes = registry.counter(
    'edgetail_body_bytes_total',
    'Bytes read of the bodies of writes, as they came, gzip or not.',
    { way: BODY_WAYS },
  )
  const deliveries = registry.counter(
    'edgetail_deliveries_total',
    'Entries taken by streams: an entry that three clients took counts three times.',
    {},
  )
  const deliveredBytes = registry.counter('edgetail_delivered_bytes_total', 'Bytes of those entries, as events.', {})
  const gaps = registry.counter('edgetail_gaps_total', 'Gaps that clients were told of, by reason.', {
    reason: ['evicted', 'slow', 'restarted'],
  })
  const dropped = registry.counter(
    'edgetail_dropped_entries_total',
    'Entries that clients will never get, as far as a gap could tell how many, by its reason.',
    { reason: ['evicted', 'slow'] },
  )
  const slowCloses = registry.counter(
    'edgetail_slow_closes_total',
    'Streams closed since their client took no byte for 30 seconds.',
    {},
  )
  const errors = registry.counter(
    'edgetail_errors_total',
    'Failures that no caller waits for, by where they happened.',
    {
      stage: ERROR_STAGES,
    },
  )
  const sourceErrors = registry.counter(
    'edgetail_source_errors_total',
    'Questions that the source could not answer, by what it was asked.',
    { operation: OPERATIONS },
  )
  const delays = registry.histogram(
    'edgetail_delivery_delay_seconds',
    'Time from an append to the write to a client, for live deliveries; a batch counts with its oldest entry.',
    DELAY_BOUNDS,
  )

  return {
    stored(way, records) {
      // Run by run: neighbours mostly have the same level, and a lookup for each of many entries adds up.
      let level: Level | undefined
      let count = 0
      for (const record of records) {
        const next = record.level ?? record.entry.level
        if (next !== level) {
          if (level !== undefined) entries.add({ way, level }, count)
          level = next
          count = 0
        }
        count++
      }
      if (level !== undefined) entries.add({ way, level }, count)
    },
    refusedEntries: (way, count) => refusedEntries.add({ way }, count),
    refusedRequest: (code) => refusedRequests.add({ code }),
    received: (way, bytes) => bodyBytes.add({ way }, bytes),
    delivered({ count, bytes }, delayMs) {
      deliveries.add({}, count)
      deliveredBytes.add({}, bytes.length)
      if (delayMs !== undefined) delays.observe(delayMs / 1000, count)
    },
    gap({ reason, dropped: count }) {
      gaps.add({ reason })
      if (reason !== 'restarted') dropped.add({ reason }, count ?? 0)
    },
    slowClose: () => slowCloses.add({}),
    sourceError: (operation) => sourceErrors.add({ operation }),
    counting: (report) => (error, stage) => {
      errors.add({ stage })
      report(error, stage)
    },
    render(format, status, streams) {
      const { clients, entries: stored, bytes, total, flushWindowMs } = status ?? {}
      return registry.render(format, [
        {
          name: 'edgetail_source_up',
          type: 'gauge',
          help: 'Whether the source can serve: 1, or 0, and then what it tells is left out.',
          value: status === undefined ? 0 : 1,
        },
        { name: 'edgetail_clients', type: 'gauge', help: 'Streams that are open.', value: clients },
        { name: 'edgetail_stored_entries', type: 'gauge', help: 'Entries that a new client could get.', value: stored },
        {
          name: 'edgetail_stored_bytes',
          type: 'gauge',
          help: 'What they take as the source counts it for EDGETAIL_RETAIN_BYTES, where it does.',
          value: bytes,
        },
        {
          name: 'edgetail_source_entries_total',
          type: 'counter',
          help: 'Entries that the source has taken since its history began, from everybody who writes to it.',
          value: total,
        },
        {
          name: 'edgetail_flush_window_seconds',
          type: 'gauge',
          help: 'Time for which entries were last gathered into one batch; longer under load.',
          value: flushWindowMs === undefined ? undefined : flushWindowMs / 1000,
        },
        {
          name: 'edgetail_streams',
          type: 'gauge',
          help: 'Named streams that there are beside the log at the base.',
          value: streams,
        },
        {
          name: 'edgetail_start_time_seconds',
          type: 'gauge',
          help: 'When the counters began at zero, in seconds since the epoch.',
          value: startedMs / 1000,
        },
      ])
    },
  }
}

/** What a keyed answer begins with, so that one that was given before is told from this one: eight characters and a blank. */
const MARK = /^[0-9a-z]{8} /

/**
 * A source whose entries count as having come in by a way, and whose failures count.
 */
export function meterSource(source: LogSource, metrics: Metrics, way: EntryWay): LogSource {
  async function ask<Answer>(operation: Operation, question: () => Promise<Answer>): Promise<Answer> {
    try {
      return await question()
    } catch (error) {
      // The others, such as too many clients, are refusals: the source is well.
      if (['source_unavailable', 'internal'].includes(toMonitorError(error).code)) metrics.sourceError(operation)
      throw error
    }
  }
  return {
    async append(records) {
      const ids = await ask('append', () => source.append(records))
      metrics.stored(way, records)
      return ids
    },
    async appendOnce(key, records, answer) {
      const mark = Math.floor(Math.random() * 36 ** 8)
        .toString(36)
        .padStart(8, '0')
      const marked = `${mark} ${answer}`
      const first = await ask('append', () => source.appendOnce(key, records, marked))
      // Otherwise the key was used before and nothing was stored.
      if (first === marked) metrics.stored(way, records)
      return first.replace(MARK, '')
    },
    subscribe: (options) => ask('subscribe', () => source.subscribe(options)),
    history: (query) => ask('history', () => source.history(query)),
    status: () => ask('status', () => source.status()),
    close: () => source.close(),
  }
}
