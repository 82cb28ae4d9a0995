import { Redis } from 'ioredis'
import { createClient } from 'redis'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { type Server, startServer } from '../../../src/node/server.ts'
import { createRecord } from '../../../src/normalize.ts'
import { readSettings } from '../../../src/settings.ts'
import { redisSource } from '../../../src/sources/redis.ts'
import { redisStreams } from '../../../src/sources/redis-streams.ts'
import { testDirectory } from '../../conformance/directory.ts'
import { NO_REDIS, type RedisServer, startRedis } from '../../support/redis.ts'
import { openStream } from '../../support/sse-reader.ts'

describe.skipIf(NO_REDIS)('named streams in Redis', () => {
  let redis: RedisServer
  const ends: (() => unknown)[] = []
  beforeAll(async () => {
    redis = await startRedis([])
  })
  afterAll(async () => {
    for (const end of ends) end()
    await redis?.close()
  })

  async function client() {
    const client = createClient({ url: redis.url })
    ends.push(() => client.destroy())
    await client.connect()
    return client
  }

  testDirectory('Redis over node-redis', async (key) => redisStreams({ client: await client(), key }), { shared: true })
  testDirectory(
    'Redis over ioredis',
    async (place) => {
      const client = new Redis(redis.url)
      ends.push(() => client.disconnect())
      return redisStreams({ client, key: `io{${place}}` })
    },
    { shared: true },
  )

  it('have keys that no log of another key has', async () => {
    const one = await client()
    const streams = redisStreams({ client: one, key: 'app' })
    await streams.claim('shop', { lasting: true, max: 1 })
    const named = streams.open('shop')
    onTestFinished(() => named.close())
    await named.append([createRecord('info', 'of the stream', {})])
    const keys = (await one.keys('*app*')).sort()
    expect(keys).toContain('{app/s/shop}:log')
    expect(keys).toContain('{app}:streams')
    expect(() => readSettings({ EDGETAIL_REDIS_KEY: 'app/s/shop' })).toThrow(/EDGETAIL_REDIS_KEY/)
    for (const key of ['app', 'app:s:shop', 'app.shop']) {
      const other = redisSource({ client: one, key })
      onTestFinished(() => other.close())
      expect((await other.history({ tail: 1 })).entries).toEqual([])
    }
  })

  it('give a place that was lent to another name when its time is over by the clock of Redis', async () => {
    const one = await client()
    const streams = redisStreams({ client: one, key: 'lent' })
    await streams.claim('looked', { lasting: false, max: 2 })
    await streams.claim('written', { lasting: true, max: 2 })
    await streams.claim('written', { lasting: false, max: 2 })
    expect(await one.zScore('{lent}:streams', 'written')).toBe(Number.POSITIVE_INFINITY)
    const lentFor = Number(await one.zScore('{lent}:streams', 'looked')) - Date.now()
    expect(lentFor).toBeGreaterThan(119 * 60_000)
    expect(lentFor).toBeLessThan(121 * 60_000)
    await expect(streams.claim('new', { lasting: false, max: 2 })).rejects.toMatchObject({ code: 'too_many_streams' })
    await one.zAdd('{lent}:streams', { value: 'looked', score: Date.now() - 1 })
    expect(await streams.list()).toEqual(['written'])
    await streams.claim('new', { lasting: true, max: 2 })
    expect((await streams.list()).slice().sort()).toEqual(['new', 'written'])
  })

  it('say that Redis is away', async () => {
    const own = await startRedis([])
    const one = createClient({ url: own.url, disableOfflineQueue: true })
    one.on('error', () => {})
    await one.connect()
    ends.push(() => one.destroy())
    const streams = redisStreams({ client: one })
    await own.close()
    await expect(streams.claim('shop', { lasting: true, max: 1 })).rejects.toMatchObject({ code: 'source_unavailable' })
    await expect(streams.list()).rejects.toMatchObject({ code: 'source_unavailable' })
  })

  it('are the same on two servers: names, entries, ids and the limit', async () => {
    const env = { PORT: '0', EDGETAIL_TOKEN: 'secret', REDIS_URL: redis.url, EDGETAIL_REDIS_KEY: 'two' }
    const settings = readSettings({ ...env, EDGETAIL_MAX_STREAMS: '5' })
    const servers = await Promise.all([startServer(settings), startServer(settings)])
    onTestFinished(async () => void (await Promise.all(servers.map((server) => server.close()))))
    const [one, two] = servers as [Server, Server]
    const headers = { Authorization: 'Bearer secret', 'Content-Type': 'application/json' }
    const write = async ({ origin }: Server, name: string, message: string): Promise<number> => {
      const init = { method: 'POST', headers, body: JSON.stringify({ message }) }
      return (await fetch(`${origin}/monitor/s/${name}/logs`, init)).status
    }
    const namesOf = async ({ origin }: Server): Promise<unknown> =>
      (await fetch(`${origin}/monitor/streams`, { headers })).json()

    const reader = await openStream((path, init) => fetch(two.origin + path, init), '/monitor/s/shop/stream', {
      headers,
    })
    onTestFinished(() => reader.close())
    await reader.until(({ events }) => events.length > 0)
    expect(await write(one, 'shop', 'by the other')).toBe(202)
    await reader.until(() => reader.logs().length === 1)
    const id = reader.events.at(-1)?.id as string
    expect(await write(two, 'shop', 'by its own')).toBe(202)
    const moved = await openStream((path, init) => fetch(one.origin + path, init), '/monitor/s/shop/stream', {
      headers: { ...headers, 'Last-Event-ID': id },
    })
    onTestFinished(() => moved.close())
    await moved.until(() => moved.logs().length === 1)
    expect(moved.events.map(({ event }) => event)).toEqual(['ready', 'log'])
    expect(moved.logs()[0]?.message).toBe('by its own')

    const statuses = await Promise.all(Array.from({ length: 40 }, (_, n) => write(n % 2 ? one : two, `many-${n}`, 'x')))
    expect(statuses.filter((status) => status === 202)).toHaveLength(4)
    expect(new Set(statuses)).toEqual(new Set([202, 507]))
    expect(await namesOf(one)).toEqual(await namesOf(two))
  })

  it('have their places again after Redis was emptied, and the limit holds', async () => {
    const own = await startRedis([])
    const servers = await Promise.all(
      [1, 2].map(() =>
        startServer(
          readSettings({ PORT: '0', EDGETAIL_TOKEN: 'secret', REDIS_URL: own.url, EDGETAIL_MAX_STREAMS: '2' }),
        ),
      ),
    )
    onTestFinished(async () => {
      await Promise.all(servers.map((server) => server.close()))
      await own.close()
    })
    const [one, two] = servers as [Server, Server]
    const headers = { Authorization: 'Bearer secret', 'Content-Type': 'application/json' }
    const write = async ({ origin }: Server, name: string): Promise<number> =>
      (await fetch(`${origin}/monitor/s/${name}/logs`, { method: 'POST', headers, body: '{"message":"x"}' })).status
    const namesOf = async ({ origin }: Server): Promise<string> =>
      (await fetch(`${origin}/monitor/streams`, { headers })).text()
    expect(await write(one, 'a')).toBe(202)
    expect(await write(two, 'b')).toBe(202)
    const reader = await openStream((path, init) => fetch(one.origin + path, init), '/monitor/s/a/stream', { headers })
    onTestFinished(() => reader.close())
    await reader.until(() => reader.logs().length === 1)
    const before = await namesOf(one)
    await own.command('FLUSHALL')
    // Nobody writes: who waits for entries notices.
    await expect.poll(() => namesOf(one), { timeout: 10_000 }).toBe(before)
    expect(await namesOf(two)).toBe(before)
    expect(await write(two, 'c')).toBe(507)
    expect(await write(two, 'a')).toBe(202)
    await reader.until(() => reader.logs().length === 2)
    expect(reader.events.map(({ event }) => event)).toEqual(['ready', 'log', 'gap', 'log'])
  })
})
