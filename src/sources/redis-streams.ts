/**
 * Named streams in Redis: each a log under a key of its own, and one sorted set with the names that have a place, by the time in
 * milliseconds until which they have it. Any number of processes share them.
 */
import { MonitorError, tooManyStreams } from '../errors.ts'
import { LENT_MS, type LogDirectory } from '../streams.ts'
import { openRedis, type RedisSourceOptions, tagOf } from './redis.ts'
import { commandOf, type RedisCommand } from './redis-client.ts'
import { within } from './redis-feed.ts'
import { unavailable } from './redis-writer.ts'

/** Longest wait for an answer, in milliseconds. */
const ANSWER_MS = 5000

/** All of one claim or nothing. Names that are only lent their place come first in the set, the one lent longest ago before all. By the server's own clock, since those of the processes differ. */
const CLAIM = `
local places, name, lent, max = KEYS[1], ARGV[1], ARGV[2], tonumber(ARGV[3])
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local place = redis.call('ZSCORE', places, name)
if not place then
  redis.call('ZREMRANGEBYSCORE', places, '-inf', now)
  local over = redis.call('ZCARD', places) - max + 1
  if over > 0 then
    if lent ~= '' or redis.call('ZCOUNT', places, '+inf', '+inf') >= max then return 0 end
    redis.call('ZREMRANGEBYRANK', places, 0, over - 1)
  end
end
if place ~= 'inf' then redis.call('ZADD', places, lent == '' and '+inf' or string.format('%.0f', now + lent), name) end
return 1
`

const LIST = `
local time = redis.call('TIME')
return redis.call('ZRANGEBYSCORE', KEYS[1], time[1] * 1000 + math.floor(time[2] / 1000), '+inf')
`

/**
 * Named streams for any number of processes, which share the names and their limit.
 *
 * Each stream that a process uses takes it one connection to Redis more, which waits for entries, as long as the process lives.
 *
 * @param options - as for {@link redisSource}, whose `key` is that of the default log; the limits are for each stream
 * @throws MonitorError `invalid_setting` when an option cannot be used
 * @example
 * const monitor = createMonitor({ source: redisSource({ client }), streams: redisStreams({ client }), token })
 */
export function redisStreams(options: RedisSourceOptions): LogDirectory {
  const { client } = options
  const tag = tagOf(options.key)
  const places = `${tag}:streams`
  const command = commandOf(client, places)

  async function ask(...parts: Parameters<RedisCommand>): Promise<unknown> {
    try {
      return await within(command(...parts), ANSWER_MS)
    } catch (error) {
      throw error instanceof MonitorError ? error : unavailable(error)
    }
  }

  return {
    async list() {
      return (await ask('EVAL', LIST, '1', places)) as string[]
    },

    async claim(name, { lasting, max }) {
      const lent = lasting ? '' : String(LENT_MS)
      if (Number(await ask('EVAL', CLAIM, '1', places, name, lent, String(max))) === 0) throw tooManyStreams(max)
    },

    // A slash is in no EDGETAIL_REDIS_KEY, so that no other log has this key.
    open: (name, onLost) => openRedis({ ...options, key: tag.replace(/\}?$/, (end) => `/s/${name}${end}`) }, onLost),
  }
}
