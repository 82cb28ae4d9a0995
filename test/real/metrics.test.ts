/** What real servers count, beside what was counted outside of them. */
import { gzipSync } from 'node:zlib'
import { expect, it, onTestFinished } from 'vitest'
import { LEVELS } from '../../src/log.ts'
import { type Exposition, readExposition } from '../support/exposition.ts'
import { createRandom, seedFrom } from '../support/random.ts'
import { RUNTIMES } from '../support/services.ts'
import { openStream } from '../support/sse-reader.ts'

const RETAIN = 200
const settings = {
  EDGETAIL_TOKEN: 'metrics-token',
  EDGETAIL_RETAIN: String(RETAIN),
  EDGETAIL_MAX_CLIENTS: '7',
  EDGETAIL_HEARTBEAT_MS: '1000',
}
const authorization = { Authorization: `Bearer ${settings.EDGETAIL_TOKEN}` }

/** Adds to what is counted under a name. */
function add(counts: Map<string, number>, name: string, by = 1): void {
  counts.set(name, (counts.get(name) ?? 0) + by)
}

it.each(Object.keys(RUNTIMES))('%s counts what was sent and what arrived', async (runtime) => {
  const seed = seedFrom('METRICS_SEED')
  const random = createRandom(seed)
  const server = await (RUNTIMES[runtime] as (typeof RUNTIMES)[string])(settings)
  onTestFinished(() => server.close())
  const call = (path: string, init: RequestInit = {}): Promise<Response> =>
    fetch(`${server.origin}/monitor${path}`, { ...init, headers: { ...authorization, ...init.headers } })
  const counts = new Map<string, number>()
  let stored = 0

  async function write(): Promise<void> {
    const entries = Array.from({ length: random.int(1, 20) }, () => ({
      level: random.pick(LEVELS),
      message: 'é'.repeat(random.int(0, 50)),
    }))
    const way = random.pick(['json', 'ndjson', 'otlp'] as const)
    const bad = way === 'ndjson' ? random.int(0, 2) : 0
    const body =
      way === 'json'
        ? JSON.stringify(entries)
        : way === 'ndjson'
          ? [...entries.map((entry) => JSON.stringify(entry)), ...Array(bad).fill('bad')].join('\n')
          : JSON.stringify({
              resourceLogs: [
                {
                  scopeLogs: [
                    { logRecords: entries.map(({ level }) => ({ severityNumber: 1 + 4 * LEVELS.indexOf(level) })) },
                  ],
                },
              ],
            })
    const zipped = random.chance(0.3)
    const bytes = zipped ? gzipSync(body) : Buffer.from(body)
    const response = await call(way === 'otlp' ? '/v1/logs' : '/logs', {
      method: 'POST',
      body: bytes,
      headers: {
        'Content-Type': way === 'ndjson' ? 'application/x-ndjson' : 'application/json',
        ...(zipped ? { 'Content-Encoding': 'gzip' } : {}),
      },
    })
    await response.arrayBuffer()
    expect(response.status).toBe(way === 'otlp' ? 200 : 202)
    for (const { level } of entries) add(counts, `edgetail_entries_total{level="${level}",way="${way}"}`)
    add(counts, `edgetail_body_bytes_total{way="${way}"}`, bytes.length)
    if (bad > 0) add(counts, `edgetail_refused_entries_total{way="${way}"}`, bad)
    stored += entries.length
  }

  const open = async (query: string, headers: Record<string, string> = {}): ReturnType<typeof openStream> => {
    const reader = await openStream((path, init) => call(path, init), `/stream${query}`, { headers })
    onTestFinished(() => reader.close())
    await reader.until(({ events }) => events.length > 0)
    return reader
  }
  const live = [await open('?tail=0'), await open('?tail=0'), await open('?tail=0'), await open('?tail=0&level=warn')]
  while (stored < RETAIN * 2) {
    await Promise.all(Array.from({ length: random.int(1, 4) }, write))
    await new Promise((resolve) => setTimeout(resolve, random.int(0, 10)))
  }
  const late = [
    await open('?tail=50'),
    await open('', { 'Last-Event-ID': live[0]?.events[0]?.id as string }),
    await open('', { 'Last-Event-ID': 'other-1' }),
  ]
  const severe = [...counts]
    .filter(([name]) => /level="(warn|error|fatal)"/.test(name))
    .reduce((sum, [, count]) => sum + count, 0)
  const expected = [stored, stored, stored, severe, 50, RETAIN, RETAIN]
  const readers = [...live, ...late]
  await Promise.all(readers.map((reader, index) => reader.until(() => reader.logs().length === expected[index])))
  for (const path of ['/stream', '/stream', '/logs?tail=x', '/nothing']) await (await call(path)).arrayBuffer()
  add(counts, 'edgetail_refused_requests_total{code="too_many_clients"}', 2)
  add(counts, 'edgetail_refused_requests_total{code="invalid_query"}')
  add(counts, 'edgetail_refused_requests_total{code="not_found"}')
  for (const reader of readers) {
    add(counts, 'edgetail_deliveries_total', reader.logs().length)
    const events = reader.text().match(/event: log\n.*\n.*\n\n/g) ?? []
    add(counts, 'edgetail_delivered_bytes_total', Buffer.byteLength(events.join('')))
    for (const { event, data } of reader.events) {
      if (event !== 'gap') continue
      const { reason, dropped } = JSON.parse(data) as { reason: string; dropped: number | null }
      add(counts, `edgetail_gaps_total{reason="${reason}"}`)
      if (dropped !== null) add(counts, `edgetail_dropped_entries_total{reason="${reason}"}`, dropped)
    }
  }
  expect(counts.get('edgetail_gaps_total{reason="evicted"}')).toBe(1)
  add(counts, 'edgetail_source_entries_total', stored)

  const scrape = async (): Promise<Exposition> => readExposition(await (await call('/metrics')).text(), 'text')
  const counted = ({ families }: Exposition): Record<string, number> =>
    Object.fromEntries(
      [...families.values()]
        .filter(({ type }) => type === 'counter')
        .flatMap(({ samples }) => [...samples].filter(([, value]) => value !== 0)),
    )
  // A client may have what the server is just about to count.
  await expect
    .poll(async () => counted(await scrape()), { message: `METRICS_SEED=${seed}` })
    .toEqual(Object.fromEntries(counts))
  const { value } = await scrape()
  expect(value('edgetail_clients')).toBe(7)
  expect(value('edgetail_stored_entries')).toBe(RETAIN)
  expect(value('edgetail_delivery_delay_seconds_count')).toBe(runtime === 'a Node server' ? 3 * stored + severe : 0)
})
