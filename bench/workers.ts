/**
 * What a write costs on Workers: CPU of workerd (the Worker and its object together), rows that the object writes, and requests.
 * Without watchers, so that nothing else is counted; `npm run bench -- --only workerd50` has what delivery costs.
 */
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import type { Workerd } from '../test/support/workerd.ts'
import { entryJson } from './entries.ts'
import { cpuUs, stopOnSignals } from './processes.ts'
import { startMonitorWorker } from './servers/workerd.ts'

/** Entries in all, entries a post, and senders at once. */
const LOADS = [
  [20_000, 1000, 1],
  [20_000, 100, 4],
  [4000, 1, 1],
  [4000, 1, 50],
] as const

const TOKEN = 'bench-token'

stopOnSignals()
console.log('entries  a post  senders  CPU us an entry  CPU us a post  rows a 1000 entries  requests a 1000 entries')
for (const [entries, batch, senders] of LOADS) {
  const worker = await startMonitorWorker(TOKEN, { EDGETAIL_RETAIN: '1000000' }, 'test/workers/counted/counted.toml')
  try {
    const url = `${worker.origins.main}/monitor/logs`
    // Compiled before it is measured.
    for (let warm = 0; warm < 200; warm++) await post(url, [entryJson(1)])
    const rowsBefore = rowsIn(worker.objects)
    const requestsBefore = await requestsOf(worker)
    const before = cpuUs([worker.pid])
    let next = 0
    const send = async (): Promise<void> => {
      while (next < entries) {
        const first = next
        next += batch
        await post(
          url,
          Array.from({ length: batch }, (_, index) => entryJson(first + index)),
        )
      }
    }
    await Promise.all(Array.from({ length: senders }, send))
    const cpu = cpuUs([worker.pid]) - before
    const rows = rowsIn(worker.objects) - rowsBefore
    const requests = (await requestsOf(worker)) - requestsBefore
    const posts = entries / batch
    const cells = [
      entries,
      batch,
      senders,
      (cpu / entries).toFixed(1),
      (cpu / posts).toFixed(0),
      ((rows / entries) * 1000).toFixed(1),
      ((requests / entries) * 1000).toFixed(0),
    ]
    console.log(cells.map((cell, index) => String(cell).padStart([7, 8, 9, 17, 15, 21, 25][index] as number)).join(''))
  } finally {
    await worker.stop()
  }
}

async function post(url: string, lines: readonly string[]): Promise<void> {
  const response = await fetch(url, {
    method: 'POST',
    headers: { Authorization: `Bearer ${TOKEN}`, 'Content-Type': 'application/x-ndjson' },
    body: lines.join('\n'),
  })
  if (response.status !== 202) throw new Error(`A post was answered ${response.status}: ${await response.text()}`)
  await response.arrayBuffer()
}

/** Requests that came to the Worker and to its object. */
async function requestsOf({ origins }: Workerd): Promise<number> {
  const counts = (await (await fetch(`${origins.main}/requests`)).json()) as Record<string, number>
  return Object.values(counts).reduce((sum, count) => sum + count, 0)
}

/** Rows that were written: none is deleted below the retention. */
function rowsIn(objects: string): number {
  const file = readdirSync(objects, { recursive: true })
    .map(String)
    .find((name) => name.startsWith('room/') && name.endsWith('.sqlite') && !name.includes('metadata'))
  if (file === undefined) return 0
  const database = new DatabaseSync(join(objects, file), { readOnly: true })
  try {
    return Number(database.prepare('SELECT COUNT(*) AS rows FROM batches').get()?.rows)
  } finally {
    database.close()
  }
}
