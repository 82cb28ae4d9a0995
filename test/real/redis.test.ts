/** A Redis that fails: restarted, emptied, set back, frozen, and as a cluster. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Cluster, Redis } from 'ioredis'
import { createClient, createCluster, createSentinel } from 'redis'
import { describe, expect, it, onTestFinished } from 'vitest'
import type { NodeRedisClient, RedisClient } from '../../src/index.ts'
import { createRecord } from '../../src/normalize.ts'
import type { Gap, LogSource, StoredEntry } from '../../src/source.ts'
import { type RedisSourceOptions, redisSource } from '../../src/sources/redis.ts'
import { redisStreams } from '../../src/sources/redis-streams.ts'
import type { LogDirectory } from '../../src/streams.ts'
import { NO_REDIS, type RedisServer, startRedis } from '../support/redis.ts'

const records = (...messages: string[]) => messages.map((message) => createRecord('info', message, {}))

async function start(args?: string[]): Promise<RedisServer> {
  const redis = await startRedis(args)
  onTestFinished(() => redis.close())
  return redis
}

async function open(redis: RedisServer, options: Partial<RedisSourceOptions> = {}): Promise<LogSource> {
  const client = createClient({ url: redis.url, socket: { reconnectStrategy: 50 } })
  client.on('error', () => {})
  await client.connect()
  const source = redisSource({ client, onError: () => {}, ...options })
  onTestFinished(async () => {
    await source.close()
    client.destroy()
  })
  return source
}

/** A reader that notes what it is given. */
async function follow(source: LogSource, after?: string) {
  const stop = new AbortController()
  onTestFinished(() => stop.abort())
  const subscription = await source.subscribe({ after, signal: stop.signal })
  const entries: StoredEntry[] = []
  const gaps: Gap[] = []
  void (async () => {
    for await (const item of subscription) {
      if (item.type === 'batch') entries.push(...item.entries())
      if (item.type === 'gap') gaps.push(item)
    }
  })()
  const messages = (): string[] => entries.map(({ message }) => message)
  const until = (count: number): Promise<void> =>
    expect.poll(messages, { timeout: 15_000 }).toHaveLength(count) as unknown as Promise<void>
  return { entries, gaps, messages, until }
}

/** Has two sources write and read the same log. */
async function exchange(one: RedisClient, other: RedisClient): Promise<void> {
  const sources = [one, other].map((client) => redisSource({ client, onError: () => {} }))
  onTestFinished(async () => void (await Promise.all(sources.map((source) => source.close()))))
  const [first, second] = sources as [LogSource, LogSource]
  const readers = [await follow(first), await follow(second)]
  await first.append(records('one'))
  await second.appendOnce('key', records('two'), 'answer')
  expect(await first.appendOnce('key', records('two'), 'again')).toBe('answer')
  for (const reader of readers) {
    await reader.until(2)
    expect(reader.messages()).toEqual(['one', 'two'])
  }

  const [here, there] = [one, other].map((client) => redisStreams({ client, onError: () => {} })) as [
    LogDirectory,
    LogDirectory,
  ]
  await here.claim('shop', { lasting: true, max: 1 })
  await there.claim('shop', { lasting: true, max: 1 })
  await expect(there.claim('pay', { lasting: true, max: 1 })).rejects.toMatchObject({ code: 'too_many_streams' })
  expect(await there.list()).toEqual(['shop'])
  const [written, read] = [here.open('shop'), there.open('shop')]
  onTestFinished(async () => void (await Promise.all([written.close(), read.close()])))
  const reader = await follow(read)
  await written.append(records('into the shop'))
  await reader.until(1)
  expect(reader.messages()).toEqual(['into the shop'])
}

describe.skipIf(NO_REDIS)('redisSource', () => {
  it('goes on without a gap after a restart that lost nothing, live and by id', async () => {
    const redis = await start()
    const source = await open(redis)
    const live = await follow(source)
    const [first] = await source.append(records('one', 'two'))
    await live.until(2)
    await redis.kill()
    await redis.start()
    await source.append(records('three'))
    await live.until(3)
    expect(live.gaps).toEqual([])
    const resumed = await follow(source, first)
    await resumed.until(2)
    expect(resumed.messages()).toEqual(['two', 'three'])
    expect(resumed.gaps).toEqual([])
    // The ids of both eras rise together, and page back as one.
    expect(live.entries.map(({ id }) => id)).toEqual(live.entries.map(({ id }) => id).toSorted())
    const page = await source.history({ tail: 1, before: live.entries[2]?.id })
    expect(page.entries).toEqual([live.entries[1]])
  })

  it('tells those whose entries a restart has lost, and nobody else', async () => {
    const redis = await start([])
    const source = await open(redis)
    const live = await follow(source)
    const [one] = await source.append(records('one'))
    await live.until(1)
    // The disk has what there is now; what comes after it is lost with the process.
    expect(await redis.command('SAVE')).toBe('+OK')
    const [two] = await source.append(records('two'))
    await live.until(2)
    await redis.kill()
    await redis.start()
    // Told in silence, too.
    await expect.poll(() => live.gaps, { timeout: 15_000 }).toHaveLength(1)
    expect(live.gaps).toEqual([{ type: 'gap', reason: 'restarted', dropped: null, id: expect.any(String) }])
    const [other] = await source.append(records('other'))
    expect(other).not.toBe(two)
    const kept = await follow(source, one)
    await kept.until(1)
    expect([kept.messages(), kept.gaps]).toEqual([['other'], []])
    const lost = await follow(source, two)
    await lost.until(2)
    expect(lost.messages()).toEqual(['one', 'other'])
    expect(lost.gaps).toMatchObject([{ reason: 'restarted' }])
  })

  it('tells everybody when Redis was emptied', async () => {
    const redis = await start([])
    const [source, silent] = [await open(redis), await open(redis, { key: 'silent' })]
    const [live, quiet] = [await follow(source), await follow(silent)]
    const [id] = await source.append(records('one', 'two'))
    await silent.append(records('one'))
    await Promise.all([live.until(2), quiet.until(1)])
    await redis.command('FLUSHALL')
    await source.append(records('three'))
    await live.until(3)
    expect(live.gaps).toMatchObject([{ reason: 'restarted', dropped: null }])
    const late = await follow(source, id)
    await late.until(1)
    expect(late.gaps).toMatchObject([{ reason: 'restarted' }])
    await expect.poll(() => quiet.gaps, { timeout: 10_000 }).toHaveLength(1)
  })

  it('keeps appends while Redis hangs, within a time and a bound', async () => {
    const redis = await start([])
    const source = await open(redis, { waitMs: 1500, maxWaiting: 2000 })
    const live = await follow(source)
    await source.append(records('one'))
    redis.signal('SIGSTOP')
    const waiting = [source.append(records('two')), source.append(records('three'))]
    await expect(source.append(records('x'.repeat(3000)))).rejects.toMatchObject({ code: 'source_unavailable' })
    await sleep(300)
    redis.signal('SIGCONT')
    await Promise.all(waiting)
    await live.until(3)
    expect(live.messages()).toEqual(['one', 'two', 'three'])
    redis.signal('SIGSTOP')
    const started = performance.now()
    await expect(source.append(records('late'))).rejects.toMatchObject({ code: 'source_unavailable' })
    expect(performance.now() - started).toBeLessThan(4000)
    redis.signal('SIGCONT')
    await source.append(records('four'))
    await expect.poll(() => live.messages().at(-1)).toBe('four')
    expect(live.gaps).toEqual([])
  })

  it('stores a write once whose answer was lost', async () => {
    const redis = await start([])
    const client = createClient({ url: redis.url })
    client.on('error', () => {})
    await client.connect()
    let losses = 0
    // Cut off after Redis has done it, every other time that an entry is in it.
    const cutOff: NodeRedisClient = {
      duplicate: () => client.duplicate(),
      on: (event, listener) => client.on(event, listener),
      connect: () => client.connect(),
      destroy: () => client.destroy(),
      async sendCommand(args) {
        const answer = await client.sendCommand(args)
        if (args.at(-1)?.includes('entry') && losses++ % 2 === 0) throw new Error('Socket closed unexpectedly')
        return answer
      },
    }
    const source = redisSource({ client: cutOff, onError: () => {} })
    onTestFinished(async () => {
      await source.close()
      client.destroy()
    })
    const ids: string[] = []
    for (let number = 0; number < 5; number++) ids.push(...(await source.append(records(`entry ${number}`))))
    expect(losses).toBe(10)
    expect(await source.appendOnce('key', records('entry 5'), 'answer')).toBe('answer')
    const { entries } = await source.history({ tail: 100 })
    expect(entries.map(({ message }) => message)).toEqual(Array.from({ length: 6 }, (_, number) => `entry ${number}`))
    expect(entries.map(({ id }) => id).slice(0, 5)).toEqual(ids)
  })

  it('gives watchers what this process wrote also while the connection that waits hangs', async () => {
    const redis = await start([])
    const client = createClient({ url: redis.url })
    await client.connect()
    onTestFinished(() => client.destroy())
    const hanging: NodeRedisClient = {
      duplicate: () => ({
        ...hanging,
        connect: async () => {},
        destroy: () => {},
        sendCommand: () => new Promise(() => {}),
      }),
      on: (event, listener) => client.on(event, listener),
      connect: () => client.connect(),
      destroy: () => client.destroy(),
      sendCommand: (args) => client.sendCommand(args),
    }
    const source = redisSource({ client: hanging, onError: () => {} })
    onTestFinished(() => source.close())
    const live = await follow(source)
    await source.append(records('one', 'two'))
    await source.append(records('three'))
    await live.until(3)
    expect(live.messages()).toEqual(['one', 'two', 'three'])
  })

  it('gives the watchers of all processes one order while all of them write', async () => {
    const redis = await start([])
    const sources = [await open(redis), await open(redis), await open(redis)]
    const readers = await Promise.all(sources.map((source) => follow(source)))
    await Promise.all(
      sources.map(async (source, index) => {
        for (let number = 0; number < 200; number++) await source.append(records(`${index}: ${number}`))
      }),
    )
    for (const reader of readers) await reader.until(600)
    const { entries } = await (sources[0] as LogSource).history({ tail: 1000 })
    for (const reader of readers) expect([reader.entries, reader.gaps]).toEqual([entries, []])
    for (const index of sources.keys()) {
      const own = entries.filter(({ message }) => message.startsWith(`${index}:`))
      expect(own.map(({ message }) => message)).toEqual(
        Array.from({ length: 200 }, (_, number) => `${index}: ${number}`),
      )
    }
  })

  it('writes to a Redis that has forgotten its scripts, and as a user who may not call them by name', async () => {
    const redis = await start([])
    const source = await open(redis)
    const calls = async (): Promise<string> => {
      await source.append(records('one'))
      return redis.command('INFO', 'commandstats')
    }
    // Its name is a hash, which is not there at once.
    await expect.poll(calls).toContain('cmdstat_evalsha')
    expect(await redis.command('SCRIPT', 'FLUSH')).toBe('+OK')
    await source.append(records('two'))
    expect(await redis.command('ACL', 'SETUSER', 'default', '-evalsha')).toBe('+OK')
    await source.append(records('three'))
    await source.append(records('four'))
    const { entries } = await source.history({ tail: 4 })
    expect(entries.map(({ message }) => message)).toEqual(['one', 'two', 'three', 'four'])
  })

  it('works on a cluster over either client, with all keys in one slot', async () => {
    const redis = await start(['--cluster-enabled', 'yes', '--cluster-announce-ip', '127.0.0.1'])
    await redis.command('CLUSTER', 'ADDSLOTSRANGE', '0', '16383')
    await expect.poll(() => redis.command('CLUSTER', 'INFO'), { timeout: 15_000 }).toContain('cluster_state:ok')
    const one = createCluster({ rootNodes: [{ url: redis.url }] })
    one.on('error', () => {})
    await one.connect()
    const other = new Cluster([{ host: '127.0.0.1', port: redis.port }])
    onTestFinished(() => {
      one.destroy()
      other.disconnect()
    })
    await exchange(one, other)
  })

  it('works through sentinels over either client', async () => {
    const redis = await start([])
    const folder = await mkdtemp(join(tmpdir(), 'edgetail-sentinel-'))
    onTestFinished(() => rm(folder, { recursive: true }))
    const conf = join(folder, 'sentinel.conf')
    await writeFile(conf, `sentinel monitor logs 127.0.0.1 ${redis.port} 1\n`)
    const sentinel = await start([conf, '--sentinel'])
    const node = { host: '127.0.0.1', port: sentinel.port }
    const one = createSentinel({ name: 'logs', sentinelRootNodes: [node] })
    one.on('error', () => {})
    await one.connect()
    const other = new Redis({ name: 'logs', sentinels: [node] })
    onTestFinished(async () => {
      await one.destroy()
      other.disconnect()
    })
    await exchange(one, other)
  })

  it('says what a Redis refuses', async () => {
    const redis = await start([])
    await redis.command('SET', '{taken}:meta', 'text')
    const client = new Redis(redis.url)
    onTestFinished(() => client.disconnect())
    const told: unknown[] = []
    const source = redisSource({ client, key: 'taken', onError: (error) => told.push(String(error)) })
    onTestFinished(() => source.close())
    await expect(source.append(records('one'))).rejects.toMatchObject({ code: 'source_unavailable' })
    expect(told[0]).toContain('WRONGTYPE')
  })
})
