/** What a monitor counts about itself, beside what the test did. */
import { describe, expect, it, onTestFinished } from 'vitest'
import { MonitorError } from '../../src/errors.ts'
import { EXPOSITION_TYPES } from '../../src/exposition.ts'
import { createMetrics } from '../../src/metrics.ts'
import { createMonitor, type Monitor, type MonitorOptions } from '../../src/monitor.ts'
import type { LogSource } from '../../src/source.ts'
import { memorySource } from '../../src/sources/memory.ts'
import { memoryStreams } from '../../src/sources/memory-streams.ts'
import { type Exposition, readExposition } from '../support/exposition.ts'
import { openStream, type StreamReader } from '../support/sse-reader.ts'

const READ = { Authorization: 'Bearer reader' }
const WRITE = { Authorization: 'Bearer writer' }

function open(options: Partial<MonitorOptions> = {}): Monitor {
  return createMonitor({
    source: memorySource(),
    readToken: 'reader',
    writeToken: 'writer',
    onError: () => {},
    ...options,
  })
}

async function scrape(monitor: Monitor): Promise<Exposition> {
  const response = await monitor.routes.request('/metrics', { headers: READ })
  expect(response.status).toBe(200)
  return readExposition(await response.text(), 'text')
}

async function follow(monitor: Monitor, query = '?tail=0', headers = {}): Promise<StreamReader> {
  const fetch = async (path: string, init?: RequestInit): Promise<Response> => monitor.routes.request(path, init)
  const reader = await openStream(fetch, `/stream${query}`, { headers: { ...READ, ...headers } })
  onTestFinished(() => reader.close())
  await reader.until(({ events }) => events.length > 0)
  return reader
}

async function post(
  monitor: Monitor,
  body: string | ArrayBuffer,
  type = 'application/json',
  headers: Record<string, string> = {},
): Promise<Response> {
  const path = headers.path ?? '/logs'
  return monitor.routes.request(path, {
    method: 'POST',
    headers: { ...WRITE, 'Content-Type': type, ...headers },
    body,
  })
}

/** So that what was logged before is older than what comes: on Workers the clock stands while nothing is waited for. */
async function theClockHasMoved(): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, 30))
}

/** All that is not zero. */
function counted({ families }: Exposition): Record<string, number> {
  const all = [...families.entries()].flatMap(([name, { type, samples }]) =>
    type === 'counter' && name !== 'edgetail_source_entries_total' ? [...samples] : [],
  )
  return Object.fromEntries(all.filter(([, value]) => value !== 0))
}

describe('what comes in', () => {
  it('counts entries by way and level, bytes as they came, and what was not taken', async () => {
    const monitor = open()
    const json = '[{"level":"error","message":"é"},{"message":"b"},7]'
    const ndjson = '{"level":"warn","message":"c"}\nbad\n\n{"message":"d"}\n{"level":"warn"}'
    const record = (severityNumber: number): unknown => ({ severityNumber, body: { stringValue: 'x' } })
    const otlp = JSON.stringify({
      resourceLogs: [{ scopeLogs: [{ logRecords: [record(9), record(17), record(17)] }] }],
    })
    const zipped = await gzip('{"message":"zipped"}'.padEnd(5000))
    expect((await post(monitor, json)).status).toBe(202)
    expect((await post(monitor, ndjson, 'application/x-ndjson')).status).toBe(202)
    expect((await post(monitor, otlp, 'application/json', { path: '/v1/logs' })).status).toBe(200)
    expect((await post(monitor, zipped, 'application/json', { 'Content-Encoding': 'gzip' })).status).toBe(202)
    monitor.fatal('from the program')
    await monitor.source.append(await recordsOf(monitor))
    await monitor.sourceOf('file').append(await recordsOf(monitor))
    const bytes = (text: string): number => new TextEncoder().encode(text).length
    expect(counted(await scrape(monitor))).toEqual({
      'edgetail_entries_total{level="error",way="json"}': 1,
      'edgetail_entries_total{level="info",way="json"}': 2,
      'edgetail_entries_total{level="warn",way="ndjson"}': 2,
      'edgetail_entries_total{level="info",way="ndjson"}': 1,
      'edgetail_entries_total{level="info",way="otlp"}': 1,
      'edgetail_entries_total{level="error",way="otlp"}': 2,
      'edgetail_entries_total{level="fatal",way="log"}': 1,
      'edgetail_entries_total{level="fatal",way="source"}': 1,
      'edgetail_entries_total{level="fatal",way="file"}': 1,
      'edgetail_refused_entries_total{way="json"}': 1,
      'edgetail_refused_entries_total{way="ndjson"}': 1,
      'edgetail_body_bytes_total{way="json"}': bytes(json) + zipped.byteLength,
      'edgetail_body_bytes_total{way="ndjson"}': bytes(ndjson),
      'edgetail_body_bytes_total{way="otlp"}': bytes(otlp),
    })
  })

  it('counts a repeat with its Idempotency-Key once, and gives the first answer again', async () => {
    const monitor = open()
    const send = async (): Promise<unknown> =>
      (await post(monitor, '{"message":"a"}\nbad', 'application/x-ndjson', { 'Idempotency-Key': 'k' })).json()
    const first = await send()
    expect(first).toMatchObject({ accepted: 1, rejected: [{ line: 2 }] })
    expect(await send()).toEqual(first)
    const { value } = await scrape(monitor)
    expect(value('edgetail_entries_total{level="info",way="ndjson"}')).toBe(1)
  })

  it('counts refused requests by their code', async () => {
    const monitor = open({ maxBody: 100, maxClients: 1 })
    await follow(monitor)
    const request = async (path: string, init: RequestInit = {}): Promise<number> =>
      (await monitor.routes.request(path, { headers: READ, ...init })).status
    const statuses = [
      (await post(monitor, '{"message":')).status,
      (await post(monitor, 'bad\nbad', 'application/x-ndjson')).status,
      (await post(monitor, 'x'.repeat(200))).status,
      (await post(monitor, '{}', 'text/plain')).status,
      (await post(monitor, '{}', 'application/json', { Authorization: 'Bearer reader' })).status,
      await request('/logs', { headers: { Authorization: 'Bearer wrong' } }),
      await request('/logs?tail=x'),
      await request('/nothing'),
      await request('/stream', { method: 'PUT' }),
      await request('/stream'),
    ]
    expect(statuses).toEqual([400, 400, 413, 415, 403, 401, 400, 404, 405, 503])
    const exposition = await scrape(monitor)
    const codes = Object.entries(counted(exposition)).filter(([name]) => name.includes('refused_requests'))
    expect(Object.fromEntries(codes.map(([name, value]) => [/"(\w+)"/.exec(name)?.[1], value]))).toEqual({
      invalid_body: 2,
      body_too_large: 1,
      unsupported_media_type: 1,
      forbidden: 1,
      unauthorized: 1,
      invalid_query: 1,
      not_found: 1,
      method_not_allowed: 1,
      too_many_clients: 1,
    })
    expect(exposition.value('edgetail_refused_entries_total{way="ndjson"}')).toBe(2)
  })
})

describe('what goes out', () => {
  it('counts what each client took, filtered or not, and how late the live ones were', async () => {
    const monitor = open()
    for (let index = 0; index < 5; index++) monitor.info(`before ${index}`)
    await theClockHasMoved()
    const all = await follow(monitor, '?tail=3')
    const some = await follow(monitor, '?tail=0&level=error')
    await all.until(() => all.logs().length === 3)
    for (let index = 0; index < 20; index++) monitor.log(index % 4 === 0 ? 'error' : 'info', `live ${index}`)
    await all.until(() => all.logs().length === 23)
    await some.until(() => some.logs().length === 5)
    const bytes = [all, some].flatMap(({ text }) => text().match(/event: log\n.*\n.*\n\n/g) ?? []).join('').length
    const { value } = await scrape(monitor)
    expect(value('edgetail_deliveries_total')).toBe(28)
    expect(value('edgetail_delivered_bytes_total')).toBe(bytes)
    expect(value('edgetail_delivery_delay_seconds_count')).toBe(25)
    expect(value('edgetail_delivery_delay_seconds_bucket{le="5"}')).toBe(25)
    expect(value('edgetail_clients')).toBe(2)
    expect(value('edgetail_stored_entries')).toBe(25)
    expect(value('edgetail_source_entries_total')).toBe(25)
    expect(value('edgetail_stored_bytes')).toBeGreaterThan(25 * 50)
    expect(value('edgetail_flush_window_seconds')).toBeLessThanOrEqual(0.2)
  })

  it('takes no replay for a late delivery, however fresh the last batch', async () => {
    const monitor = open()
    const first = await follow(monitor)
    monitor.info('one')
    await first.until(() => first.logs().length === 1)
    await theClockHasMoved()
    const second = await follow(monitor, '?tail=1')
    await second.until(() => second.logs().length === 1)
    const { value } = await scrape(monitor)
    expect(value('edgetail_deliveries_total')).toBe(2)
    expect(value('edgetail_delivery_delay_seconds_count')).toBe(1)
  })

  it('counts gaps by reason, and what they dropped where that is known', async () => {
    const monitor = open({ source: memorySource({ retain: 10 }) })
    const first = await follow(monitor)
    for (let index = 0; index < 17; index++) monitor.info(`${index}`)
    await first.until(() => first.logs().length === 17)
    const evicted = await follow(monitor, '', { 'Last-Event-ID': first.events[0]?.id as string })
    await evicted.until(() => evicted.logs().length === 10)
    const foreign = await follow(monitor, '', { 'Last-Event-ID': 'other-5' })
    await foreign.until(() => foreign.logs().length === 10)
    const { value } = await scrape(monitor)
    expect(value('edgetail_gaps_total{reason="evicted"}')).toBe(1)
    expect(value('edgetail_gaps_total{reason="restarted"}')).toBe(1)
    expect(value('edgetail_gaps_total{reason="slow"}')).toBe(0)
    expect(value('edgetail_dropped_entries_total{reason="evicted"}')).toBe(7)
    expect(value('edgetail_deliveries_total')).toBe(37)
  })
})

describe('what goes wrong', () => {
  it('tells that the source cannot serve, and goes on telling the rest', async () => {
    const source = memorySource()
    const monitor = open({ source })
    monitor.info('one')
    await source.close()
    monitor.info('two')
    expect((await post(monitor, '{}')).status).toBe(503)
    expect((await monitor.routes.request('/health')).status).toBe(503)
    const exposition = await scrape(monitor)
    const { value, families } = exposition
    expect(value('edgetail_source_up')).toBe(0)
    expect(families.has('edgetail_clients')).toBe(false)
    expect(value('edgetail_entries_total{level="info",way="log"}')).toBe(1)
    expect(value('edgetail_entries_total{level="info",way="json"}')).toBe(0)
    expect(value('edgetail_source_errors_total{operation="append"}')).toBe(2)
    expect(value('edgetail_source_errors_total{operation="status"}')).toBe(2)
    expect(value('edgetail_errors_total{stage="append"}')).toBe(1)
    expect(value('edgetail_refused_requests_total{code="source_unavailable"}')).toBe(2)
  })

  it('counts what a stream fails with, and does not blame the source for a full house', async () => {
    const failing: LogSource = {
      ...memorySource(),
      async subscribe(options) {
        if (options.tail === 1) throw new MonitorError('too_many_clients', 'Full.')
        return {
          resumed: false,
          id: 'e-0',
          [Symbol.asyncIterator]: () => ({ next: () => Promise.reject(new Error('lost')) }),
        }
      },
    }
    const monitor = open({ source: failing })
    await (await follow(monitor)).ended
    await monitor.routes.request('/stream?tail=1', { headers: READ })
    const { value } = await scrape(monitor)
    expect(value('edgetail_errors_total{stage="stream"}')).toBe(1)
    expect(value('edgetail_source_errors_total{operation="subscribe"}')).toBe(0)
    expect(value('edgetail_refused_requests_total{code="too_many_clients"}')).toBe(1)
  })

  it('gives up on a source that does not answer', async () => {
    const never = <Answer>(): Promise<Answer> => new Promise(() => {})
    const streams = { ...memoryStreams(), list: never<string[]> }
    const monitor = open({ source: { ...memorySource(), status: never }, streams })
    const [health, metrics] = await Promise.all([monitor.routes.request('/health'), scrape(monitor)])
    expect(health.status).toBe(503)
    expect(await health.json()).toMatchObject({ error: { code: 'source_unavailable' } })
    expect(metrics.value('edgetail_source_up')).toBe(0)
  })
})

describe('GET /metrics', () => {
  it.each([
    [undefined, 'text'],
    ['*/*', 'text'],
    ['application/openmetrics-text', 'openmetrics'],
    // What Prometheus 3 sends.
    [
      'application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,application/openmetrics-text;version=0.0.1;q=0.5,' +
        'text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2',
      'openmetrics',
    ],
    ['text/plain;version=0.0.4;q=0.9,application/openmetrics-text;q=0.1', 'text'],
  ] as const)('answers who accepts %s in %s', async (accept, format) => {
    const headers = accept === undefined ? READ : { ...READ, Accept: accept }
    const response = await open().routes.request('/metrics', { headers })
    expect(response.headers.get('Content-Type')).toBe(EXPOSITION_TYPES[format])
    expect(response.headers.get('Cache-Control')).toBe('no-store')
    const { families } = readExposition(await response.text(), format)
    expect(families.get('edgetail_source_up')?.samples.get('edgetail_source_up')).toBe(1)
  })

  it('adds to the metrics that it is given', async () => {
    const metrics = createMetrics()
    const [one, other] = [open({ metrics }), open({ metrics })]
    one.info('a')
    other.info('b')
    expect((await scrape(one)).value('edgetail_entries_total{level="info",way="log"}')).toBe(2)
  })
})

async function recordsOf(monitor: Monitor): Promise<{ entry: never; json: string }[]> {
  const [entry] = await monitor.getLastLogs(1)
  return [{ entry: entry as never, json: JSON.stringify(entry) }]
}

function gzip(text: string): Promise<ArrayBuffer> {
  return new Response(new Blob([text]).stream().pipeThrough(new CompressionStream('gzip'))).arrayBuffer()
}
