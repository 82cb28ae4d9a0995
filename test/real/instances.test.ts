/** Two servers behind nginx on one Redis: watchers that come back to either, a Redis that is away for a while, and one emptied. */
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it, onTestFinished } from 'vitest'
import { TOO_LONG } from '../support/long.ts'
import { NO_NGINX, startNginx } from '../support/nginx.ts'
import { startNodeProcess } from '../support/node-process.ts'
import { startPosters } from '../support/posters.ts'
import { createRandom, seedFrom } from '../support/random.ts'
import { NO_REDIS, startRedis } from '../support/redis.ts'
import { type FetchClient, fetchClient } from '../support/stream-clients.ts'

const TOKEN = 'instances-token'
const WATCHERS = 200
const LONG_MS = 400_000
const headers = { Authorization: `Bearer ${TOKEN}`, 'Content-Type': 'application/json' }

function messagesOf(watcher: FetchClient): string[] {
  const logs = watcher.seen().filter(({ event }) => event === 'log')
  return logs.map(({ data }) => (JSON.parse(data) as { message: string }).message)
}

function gapsOf(watcher: FetchClient): unknown[] {
  return watcher
    .seen()
    .filter(({ event }) => event === 'gap')
    .map(({ data }) => JSON.parse(data))
}

/** What is wrong with what a watcher saw of messages that it had to see once. */
function faultsOf(watcher: FetchClient, expected: Iterable<string>): string[] {
  const counts = new Map<string, number>()
  for (const message of messagesOf(watcher)) counts.set(message, (counts.get(message) ?? 0) + 1)
  const missing = [...expected].filter((message) => !counts.has(message)).map((message) => `${message} is missing`)
  const twice = [...counts].filter(([, count]) => count > 1).map(([message]) => `${message} came twice`)
  return [...missing, ...twice]
}

describe.skipIf(TOO_LONG || NO_NGINX || NO_REDIS)('two servers behind nginx, on one Redis', () => {
  it('lose nothing in silence', { timeout: LONG_MS }, async () => {
    const seed = seedFrom('INSTANCES_SEED')
    console.info(`INSTANCES_SEED=${seed}`)
    const random = createRandom(seed)
    const redis = await startRedis()
    onTestFinished(() => redis.close())
    const settings = { EDGETAIL_TOKEN: TOKEN, REDIS_URL: redis.url, EDGETAIL_RETAIN: '1000000' }
    const servers = await Promise.all([startNodeProcess(settings), startNodeProcess(settings)])
    onTestFinished(async () => void (await Promise.all(servers.map((server) => server.stop()))))
    const nginx = await startNginx(...servers.map(({ origin }) => origin))
    onTestFinished(() => nginx.close())
    const url = `${nginx.http}/monitor`

    const watchers = Array.from({ length: WATCHERS }, () => fetchClient({ url: `${url}/stream?tail=0`, token: TOKEN }))
    onTestFinished(async () => void (await Promise.all(watchers.map((watcher) => watcher.close()))))
    await expect.poll(() => watchers.every((watcher) => watcher.seen().length > 0), { timeout: 60_000 }).toBe(true)
    let moves = 0
    const moving = setInterval(() => {
      random.pick(watchers).cut()
      moves++
    }, 50)
    onTestFinished(() => clearInterval(moving))

    /** Sends a last message through, and waits until all have it. */
    async function finish(message: string): Promise<void> {
      const body = JSON.stringify({ message })
      // While a server finds out that Redis is back it may say so.
      const send = async (): Promise<number> => (await fetch(`${url}/logs`, { method: 'POST', headers, body })).status
      await expect.poll(send, { timeout: 30_000, interval: 500 }).toBe(202)
      const isThere = (watcher: FetchClient): boolean =>
        watcher.seen().some(({ data }) => data.includes(`"${message}"`))
      await expect.poll(() => watchers.filter((watcher) => !isThere(watcher)).length, { timeout: 90_000 }).toBe(0)
    }

    const posters = startPosters(`${url}/logs`, TOKEN, 3, random)
    await sleep(5000)
    const counts = await Promise.all(
      servers.map(async ({ origin }) => {
        const health = await fetch(`${origin}/monitor/health`)
        return ((await health.json()) as { clients: number }).clients
      }),
    )
    // Both are at work.
    for (const count of counts) expect(count).toBeGreaterThan(WATCHERS / 10)

    // Away for 5 seconds: frozen, then stopped and started.
    redis.signal('SIGSTOP')
    await sleep(5000)
    redis.signal('SIGCONT')
    await sleep(2000)
    await redis.kill('SIGTERM')
    await sleep(5000)
    await redis.start()
    await sleep(4000)
    await posters.stop()
    await finish('back again')
    const { acknowledged } = posters
    expect(acknowledged.size).toBeGreaterThan(100)
    // Redis lost nothing, so nobody is told of a loss.
    for (const watcher of watchers) {
      expect(gapsOf(watcher)).toEqual([])
      expect(faultsOf(watcher, acknowledged.keys())).toEqual([])
    }
    console.info(
      `${acknowledged.size} entries acknowledged, ${posters.failures()} posts refused, ${moves} moves, watched by ${counts}`,
    )

    // Emptied under load: everybody is told, and has all that came after.
    const later = startPosters(`${url}/logs`, TOKEN, 3, random)
    await sleep(2000)
    const emptied = performance.now()
    expect(await redis.command('FLUSHALL')).toBe('+OK')
    const after = performance.now()
    await sleep(4000)
    await later.stop()
    await finish('after all')
    clearInterval(moving)
    const fresh = [...later.acknowledged].filter(([, sent]) => sent > after).map(([message]) => message)
    expect(fresh.length).toBeGreaterThan(50)
    expect(after - emptied).toBeLessThan(1000)
    for (const watcher of watchers) {
      // More than one is possible: a cut may come between a gap and what follows it.
      expect(gapsOf(watcher)).toContainEqual({ reason: 'restarted', dropped: null })
      expect(faultsOf(watcher, fresh)).toEqual([])
    }
    for (const server of servers) expect(server.complaints()).not.toMatch(/unhandled|TypeError/i)
  })
})
