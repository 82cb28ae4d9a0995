/**
 * How many entries each place stores in a second, in batches of 1, 100 and 1,000, beside the same engine driven directly: for
 * SQLite one transaction with one row a batch, for Redis one XADD a batch. Each write waits for the one before it.
 *
 *   node bench/storage.ts
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { createClient } from 'redis'
import { memorySource, redisSource } from '../src/index.ts'
import type { LogRecord } from '../src/log.ts'
import { sqliteSource } from '../src/node/index.ts'
import { createRecord } from '../src/normalize.ts'
import type { LogSource } from '../src/source.ts'
import { startRedis } from '../test/support/redis.ts'

/** Time that each is measured for, in milliseconds, after a third of it to warm up. */
const MEASURE_MS = 1500

/** Rounds, of which the median counts: each place is measured in each, so that all meet the same machine. */
const ROUNDS = 3

/** Stores one batch. */
type Store = (records: readonly LogRecord[]) => unknown

const folder = mkdtempSync(join(tmpdir(), 'edgetail-bench-'))
const redis = await startRedis([])
const client = createClient({ url: redis.url })
client.on('error', () => {})
await client.connect()

const database = new DatabaseSync(join(folder, 'plain.db'))
database.exec('PRAGMA locking_mode = EXCLUSIVE')
database.exec('PRAGMA journal_mode = WAL')
database.exec('PRAGMA synchronous = NORMAL')
database.exec('CREATE TABLE batches (first INTEGER PRIMARY KEY, count INTEGER, lines TEXT)')
const insert = database.prepare('INSERT INTO batches (count, lines) VALUES (?, ?)')

const sources = [
  memorySource(),
  sqliteSource({ path: join(folder, 'edgetail.db') }),
  redisSource({ client, retain: 10_000 }),
] as const
const append =
  (source: LogSource): Store =>
  (records) =>
    source.append(records)
const stores: Record<string, Store> = {
  memory: append(sources[0]),
  'SQLite, plain': (records) => {
    database.exec('BEGIN')
    insert.run(records.length, textOf(records))
    database.exec('COMMIT')
  },
  sqliteSource: append(sources[1]),
  'Redis, plain': (records) => client.sendCommand(['XADD', 'plain', 'MAXLEN', '~', '1000', '*', 'd', textOf(records)]),
  redisSource: append(sources[2]),
}

const rates = new Map<string, number[]>()
for (let round = 0; round < ROUNDS; round++) {
  for (const size of [1, 100, 1000]) {
    const records = Array.from({ length: size }, (_, index) =>
      createRecord('info', `GET /orders/${index} 200`, { durationMs: index / 7, requestId: `r${index}` }),
    )
    for (const [name, store] of Object.entries(stores)) {
      await run(store, records, MEASURE_MS / 3)
      const key = `${name}\t${size}`
      rates.set(key, [...(rates.get(key) ?? []), await run(store, records, MEASURE_MS)])
    }
  }
}
console.log('| entries a second | 1 | 100 | 1000 |\n|---|---|---|---|')
for (const name of Object.keys(stores)) {
  const cells = [1, 100, 1000].map((size) => {
    const sorted = rates.get(`${name}\t${size}`)?.toSorted((one, other) => one - other) ?? []
    return Math.round(sorted[Math.floor(sorted.length / 2)] ?? 0).toLocaleString('en')
  })
  console.log(`| ${name} | ${cells.join(' | ')} |`)
}

for (const source of sources) await source.close()
client.destroy()
database.close()
await redis.close()
rmSync(folder, { recursive: true })

/** Stores a batch again and again; returns entries a second. */
async function run(store: Store, records: readonly LogRecord[], forMs: number): Promise<number> {
  const started = performance.now()
  let batches = 0
  while (performance.now() - started < forMs) {
    await store(records)
    batches++
    // Timers and sockets get their turn also where a write waits for nothing.
    if (batches % 100 === 0) await new Promise((resolve) => setImmediate(resolve))
  }
  return (batches * records.length * 1000) / (performance.now() - started)
}

function textOf(records: readonly LogRecord[]): string {
  return records.map(({ json }) => json).join('\n')
}
