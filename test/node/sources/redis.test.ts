import { Redis } from 'ioredis'
import { createClient } from 'redis'
import { afterAll, beforeAll, describe } from 'vitest'
import { redisSource } from '../../../src/sources/redis.ts'
import { testSource } from '../../../src/testing/source.ts'
import { NO_REDIS, type RedisServer, startRedis } from '../../support/redis.ts'

describe.skipIf(NO_REDIS)('Redis', () => {
  let redis: RedisServer
  const ends: (() => unknown)[] = []
  beforeAll(async () => {
    redis = await startRedis([])
  })
  afterAll(async () => {
    for (const end of ends) end()
    await redis?.close()
  })

  testSource(
    'Redis over node-redis',
    async (key) => {
      const client = createClient({ url: redis.url })
      ends.push(() => client.destroy())
      await client.connect()
      return redisSource({ client, key, retain: 50 })
    },
    { retain: 50, durable: true, shared: true },
  )

  testSource(
    'Redis over ioredis',
    async (key) => {
      const client = new Redis(redis.url)
      ends.push(() => client.disconnect())
      return redisSource({ client, key, retain: 50 })
    },
    { retain: 50, durable: true, shared: true },
  )
})
