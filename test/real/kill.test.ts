/** The process killed at any moment under load: what was acknowledged is there, and whoever watched sees it once. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it, onTestFinished } from 'vitest'
import { freePort } from '../support/free-port.ts'
import { TOO_LONG } from '../support/long.ts'
import { type NodeProcess, startNodeProcess } from '../support/node-process.ts'
import { startPosters } from '../support/posters.ts'
import { createRandom, seedFrom } from '../support/random.ts'
import { NO_REDIS, startRedis } from '../support/redis.ts'
import { fetchClient } from '../support/stream-clients.ts'

const TOKEN = 'kill-token'
const KILLS = 50
const LONG_MS = 900_000

/** Kills the server again and again, and holds what its watchers saw against what its writers were answered. */
async function survive(place: Record<string, string>, inspect: () => void): Promise<void> {
  const seed = seedFrom('KILL_SEED')
  console.info(`KILL_SEED=${seed}`)
  const random = createRandom(seed)
  const port = await freePort()
  const url = `http://127.0.0.1:${port}/monitor`
  const settings = { EDGETAIL_TOKEN: TOKEN, PORT: String(port), EDGETAIL_RETAIN: '10000000', ...place }
  let server: NodeProcess = await startNodeProcess(settings)
  async function kill(): Promise<void> {
    if (server.isAlive()) process.kill(server.pid, 'SIGKILL')
    while (server.isAlive()) await sleep(1)
  }
  onTestFinished(kill)

  const watchers = Array.from({ length: 5 }, () => fetchClient({ url: `${url}/stream?tail=0`, token: TOKEN }))
  onTestFinished(async () => void (await Promise.all(watchers.map((watcher) => watcher.close()))))
  for (const watcher of watchers) await expect.poll(() => watcher.seen().length, { timeout: 10_000 }).toBeGreaterThan(0)
  const posters = startPosters(`${url}/logs`, TOKEN, 4, random)
  for (let kills = 1; kills <= KILLS; kills++) {
    await sleep(random.int(20, 600))
    await kill()
    if (kills % 10 === 0) inspect()
    server = await startNodeProcess(settings)
  }
  await sleep(300)
  await posters.stop()
  const headers = { Authorization: `Bearer ${TOKEN}`, 'Content-Type': 'application/json' }
  expect((await fetch(`${url}/logs`, { method: 'POST', headers, body: '{"message":"the end"}' })).status).toBe(202)

  const { acknowledged } = posters
  const isAtEnd = (data: string): boolean => data.includes('"the end"')
  const told: string[][] = []
  for (const watcher of watchers) {
    await expect.poll(() => isAtEnd(watcher.seen().at(-1)?.data ?? ''), { timeout: 20_000 }).toBe(true)
    expect(watcher.seen().filter(({ event }) => event === 'gap')).toEqual([])
    const logs = watcher.seen().filter(({ event }) => event === 'log')
    // One after the other by their numbers: none twice, none left out.
    expect(logs.map(({ id }) => Number(id?.split('-')[1]))).toEqual(logs.map((_, index) => index + 1))
    expect(new Set(logs.map(({ id }) => id?.split('-')[0])).size).toBe(1)
    told.push(logs.map(({ id, data }) => `${id} ${(JSON.parse(data) as { message: string }).message}`))
  }
  for (const other of told) expect(other).toEqual(told[0])
  const messages = (told[0] ?? []).map((line) => line.slice(line.indexOf(' ') + 1))
  const counts = new Map<string, number>()
  for (const message of messages) counts.set(message, (counts.get(message) ?? 0) + 1)
  expect([...acknowledged.keys()].filter((message) => counts.get(message) !== 1)).toEqual([])
  expect([...counts].filter(([, count]) => count > 1)).toEqual([])

  const stored: string[] = []
  for (let before: string | null = ''; before !== null; ) {
    const query: string = before === '' ? '' : `&before=${before}`
    const page = (await (await fetch(`${url}/logs?tail=1000${query}`, { headers })).json()) as {
      entries: { id: string; message: string }[]
      before: string | null
    }
    stored.unshift(...page.entries.map(({ id, message }) => `${id} ${message}`))
    before = page.before
  }
  expect(stored).toEqual(told[0])
  console.info(
    `${acknowledged.size} entries acknowledged, ${messages.length} stored, ${posters.failures()} posts cut off`,
  )
}

describe.skipIf(TOO_LONG)('kill -9, 50 times under load', () => {
  it('loses nothing of an SQLite file', { timeout: LONG_MS }, async () => {
    const folder = await mkdtemp(join(tmpdir(), 'edgetail-'))
    onTestFinished(() => rm(folder, { recursive: true }))
    const path = join(folder, 'edgetail.db')
    await survive({ EDGETAIL_DATA: path, EDGETAIL_RETAIN_BYTES: '1000000000' }, () => {
      const database = new DatabaseSync(path)
      expect(database.prepare('PRAGMA integrity_check').get()).toEqual({ integrity_check: 'ok' })
      database.close()
    })
  })

  it.skipIf(NO_REDIS)('loses nothing of a Redis', { timeout: LONG_MS }, async () => {
    const redis = await startRedis([])
    onTestFinished(() => redis.close())
    await survive({ REDIS_URL: redis.url, EDGETAIL_RETAIN_BYTES: '1000000000' }, () => {})
  })
})
