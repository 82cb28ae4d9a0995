/**
 * A log in Redis, as commands. A Redis stream holds one entry for each row of log entries, under the id `<era>-<sequence of
 * its last entry>`, so that an id of Redis and an id of ours are the same text: any position finds its row by itself, rows of a
 * later era come after all of an earlier one, and how many entries lie between two ids is a subtraction.
 *
 * An *era* is what one run of one Redis server has taken, named by the time it began in microseconds. A server that was
 * restarted, or a replica that took over, may lack what others have acknowledged; so it begins an era and writes down where the
 * one before it ended by what it has. An id up to there still stands; one beyond it names what was lost.
 *
 * Beside the stream (`:log`) stand a hash with the head and the eras (`:meta`), where each row of the stream ends (`:marks`), and
 * what was answered under idempotency keys (`:keys`, `:answers`). All have one hash tag, for a cluster. Each script does all of
 * one thing or nothing. Needs Redis 6.2 (XTRIM with MINID), or Valkey.
 */
import type { Row } from '../batch-store.ts'
import { MonitorError } from '../errors.ts'
import { MAX_LATE_BYTES } from '../ring.ts'
import type { RedisCommand } from './redis-client.ts'

/** A row with its era. */
export interface EraRow extends Row {
  readonly era: string
  /** Of its last entry. */
  readonly id: string
}

/** An era that is over. */
export interface PastEra {
  readonly era: string
  /** The last entry of it that this server has. */
  readonly end: number
}

/** What a log consists of at a moment. */
export interface LogState {
  readonly era: string
  readonly head: number
  /** The first entry that is stored; after the head when none is. */
  readonly oldest: number
  readonly past: readonly PastEra[]
}

/** An append as it is sent. */
export interface LogWrite {
  /** Rises with each write of a writer: one that is sent again, since its answer was lost, is not done again. */
  readonly number: number
  readonly rows: readonly (readonly string[])[]
  readonly once: { readonly key: string; readonly answer: string } | undefined
}

/** What came of it. */
export interface LogWritten {
  readonly era: string
  readonly last: number
  /** The answer of the first use of its key. */
  readonly answer: string
}

/** What is kept. */
export interface LogRetention {
  readonly retain: number
  readonly retainBytes: number
}

/** How long Redis remembers a writer's last write, in milliseconds: far longer than anybody waits for the answer. */
const WRITER_MS = 60 * 60 * 1000

/** Most characters of the list of past eras, about 40 of them: an id from before is told as from another history. */
const MAX_ERAS_LENGTH = 1000

/** Finds the era, or begins one. */
const BEGIN = `
local stream, meta, marks, keys, answers = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local info = redis.call('INFO', 'server')
local at = string.find(info, 'run_id:', 1, true)
local here = at and string.match(info, '^%w+', at + 7) or ''
local era, head, run, eras, bytes = unpack(redis.call('HMGET', meta, 'era', 'head', 'run', 'eras', 'bytes'))
if not era or run ~= here then
  local time = redis.call('TIME')
  local born = math.max(time[1] * 1000000 + time[2], tonumber(ARGV[1]) + 1, (tonumber(era) or 0) + 1)
  if era then
    eras = eras .. era .. ':' .. head .. ' '
    if #eras > ${MAX_ERAS_LENGTH} then eras = string.gsub(eras, '^%S+ ', '') end
  else
    redis.call('DEL', stream, marks, keys, answers, meta)
    head, eras, bytes = '0', '', '0'
  end
  era = string.format('%.0f', born)
  redis.call('HSET', meta, 'era', era, 'head', head, 'run', here, 'eras', eras)
end
head = tonumber(head)
local function text(number) return string.format('%.0f', number) end
`

const STATE = `${BEGIN}
local oldest = head + 1
local mark = redis.call('EXISTS', stream) == 1 and redis.call('LINDEX', marks, 0)
if mark then
  local last, count = string.match(mark, '(%d+) (%d+)')
  oldest = last - count + 1
end
return { era, text(head), text(oldest), eras, string.match(info, 'redis_version:(%S+)') or '' }
`

// Rows beyond the retention stay for connected readers while all of them are small; then the oldest go one after the other.
const APPEND = `${BEGIN}
local writer = KEYS[6]
local number, retain, retainBytes = ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4])
local key, answer = ARGV[5], ARGV[6]
local done = redis.call('HMGET', writer, 'number', 'era', 'last', 'answer')
if done[1] == number then return { done[2], done[3], done[4] } end
if key ~= '' then
  local stored = redis.call('ZSCORE', keys, key)
  if stored and tonumber(stored) > head - retain then return { era, '0', redis.call('HGET', answers, key) } end
end

bytes = tonumber(bytes or 0)
for index = 7, #ARGV, 2 do
  head = head + ARGV[index]
  redis.call('XADD', stream, era .. '-' .. text(head), 'n', ARGV[index], 'd', ARGV[index + 1])
  redis.call('RPUSH', marks, text(head) .. ' ' .. ARGV[index] .. ' ' .. text(bytes))
  bytes = bytes + #ARGV[index + 1]
end
redis.call('HSET', meta, 'head', text(head), 'bytes', text(bytes))

local gone
while true do
  local last, _, start = string.match(redis.call('LINDEX', marks, 0) or '', '(%d+) (%d+) (%d+)')
  last = tonumber(last)
  if not last or last == head then break end
  local held = bytes - start
  if held <= retainBytes and (held <= ${MAX_LATE_BYTES} or last > head - retain) then break end
  redis.call('LPOP', marks)
  gone = last
end
if gone then
  local first = era
  for past, last in string.gmatch(eras, '(%d+):(%d+)') do
    if gone < tonumber(last) then first = past break end
  end
  redis.call('XTRIM', stream, 'MINID', '~', first .. '-' .. text(gone + 1))
  for _, old in ipairs(redis.call('ZRANGEBYSCORE', keys, '-inf', text(gone))) do redis.call('HDEL', answers, old) end
  redis.call('ZREMRANGEBYSCORE', keys, '-inf', text(gone))
end

if key ~= '' then
  redis.call('ZADD', keys, text(head), key)
  redis.call('HSET', answers, key, answer)
end
redis.call('HSET', writer, 'number', number, 'era', era, 'last', text(head), 'answer', answer)
redis.call('PEXPIRE', writer, ${WRITER_MS})
return { era, text(head), answer }
`

/** A log under a key. */
export class RedisLog {
  /** The stream's own key. */
  readonly stream: string
  readonly #command: RedisCommand
  readonly #keys: readonly string[]
  readonly #writer: string
  /** Names the script of a write; undefined while it is not known, and where the script cannot be called by it. */
  #append: string | undefined
  /** The latest era that was heard of: the next one is later also when a clock was set back. */
  #era = '0'

  /** @param tag - what all keys begin with, with its hash tag */
  constructor(tag: string, command: RedisCommand) {
    this.#command = command
    this.stream = `${tag}:log`
    this.#keys = [this.stream, ...['meta', 'marks', 'keys', 'answers'].map((name) => `${tag}:${name}`)]
    this.#writer = `${tag}:writer:${crypto.randomUUID()}`
    sha1(APPEND).then(
      (sha) => {
        this.#append = sha
      },
      // A runtime that has no such hash sends the text.
      () => {},
    )
  }

  /** Asks how the log stands. The question is sent in this turn. */
  async state(): Promise<LogState> {
    const reply = await this.#command('EVAL', STATE, '5', ...this.#keys, this.#era)
    const [era = '', head, oldest, eras = '', version = ''] = reply as string[]
    if (isOlderThan62(version)) {
      throw new MonitorError('source_unavailable', `Redis 6.2 or newer is needed; this is ${version}. Update it.`)
    }
    this.#hear(era)
    const past = eras.split(' ').filter((item) => item !== '')
    return {
      era,
      head: Number(head),
      oldest: Number(oldest),
      past: past.map((item) => {
        const [name = '', end] = item.split(':')
        return { era: name, end: Number(end) }
      }),
    }
  }

  async write({ number, rows, once }: LogWrite, { retain, retainBytes }: LogRetention): Promise<LogWritten> {
    const limits = [String(number), String(retain), String(retainBytes)]
    const reply = await this.#evaluateAppend(
      '6',
      ...this.#keys,
      this.#writer,
      this.#era,
      ...limits,
      once?.key ?? '',
      once?.answer ?? '',
      ...rows.flatMap((row) => [String(row.length), row.join('\n')]),
    )
    const [era = '', last, answer = ''] = reply as string[]
    this.#hear(era)
    return { era, last: Number(last), answer }
  }

  /** Rows from a position on. */
  async rowsFrom(id: string, count: number): Promise<EraRow[]> {
    return toRows(await this.#command('XRANGE', this.stream, id, '+', 'COUNT', String(count)))
  }

  /** Rows before a row, newest first. @param id - of that row; undefined for the end */
  async rowsBefore(id: string | undefined, count: number): Promise<EraRow[]> {
    const end = id === undefined ? '+' : `(${id}`
    return toRows(await this.#command('XREVRANGE', this.stream, end, '-', 'COUNT', String(count)))
  }

  /** Waits for rows after an id, over a connection of its own. Undefined when none came in time. */
  async await(command: RedisCommand, id: string, count: number, waitMs: number): Promise<EraRow[] | undefined> {
    const wait = ['BLOCK', String(waitMs), 'COUNT', String(count)]
    const reply = await command('XREAD', ...wait, 'STREAMS', this.stream, id)
    if (reply === null) return undefined
    // A list of pairs by the older protocol, a map by the newer one, whose form is up to the client.
    if (Array.isArray(reply)) return toRows(Array.isArray(reply[0]) ? reply[0][1] : reply[1])
    return toRows((reply instanceof Map ? [...reply.values()] : Object.values(reply as object))[0])
  }

  /** By its name, which saves most of the bytes of a small write; a server that does not have it gets the text. */
  async #evaluateAppend(...args: string[]): Promise<unknown> {
    if (this.#append !== undefined) {
      try {
        return await this.#command('EVALSHA', this.#append, ...args)
      } catch (error) {
        const message = error instanceof Error ? error.message : ''
        // The rights of a user may name EVAL only.
        if (message.startsWith('NOPERM')) this.#append = undefined
        else if (!message.startsWith('NOSCRIPT')) throw error
      }
    }
    return await this.#command('EVAL', APPEND, ...args)
  }

  #hear(era: string): void {
    if (Number(era) > Number(this.#era)) this.#era = era
  }
}

function toRows(reply: unknown): EraRow[] {
  return (reply as [string, string[]][]).map(([id, fields]) => {
    const [era = '', last] = id.split('-')
    const lines = (fields[3] ?? '').split('\n')
    return { era, id, first: Number(last) - lines.length + 1, lines }
  })
}

async function sha1(text: string): Promise<string> {
  const bytes = new Uint8Array(await crypto.subtle.digest('SHA-1', new TextEncoder().encode(text)))
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')
}

function isOlderThan62(version: string): boolean {
  const [major = 0, minor = 0] = version.split('.').map(Number)
  return version !== '' && (major < 6 || (major === 6 && minor < 2))
}
