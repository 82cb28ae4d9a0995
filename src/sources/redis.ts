/**
 * Entries in Redis: any number of processes write to one log and show it to their watchers, who may come back to any of them
 * and go on where they were.
 */
import { type ErrorReporter, MonitorError, reportToConsole } from '../errors.ts'
import { compileFilter, type Filter } from '../filter/filter.ts'
import { type LogEntry, parseRecord } from '../log.ts'
import type { Start } from '../positions.ts'
import { MAX_PAGE_BYTES } from '../ring.ts'
import type { HistoryQuery, LogSource, StoredEntry, SubscribeOptions } from '../source.ts'
import { commandOf, openConnection, type RedisClient } from './redis-client.ts'
import type { Eras } from './redis-eras.ts'
import { RedisFeed, within } from './redis-feed.ts'
import { type EraRow, type LogWritten, RedisLog } from './redis-log.ts'
import { RedisWriter, unavailable } from './redis-writer.ts'

/** Options of {@link redisSource}. */
export interface RedisSourceOptions {
  /**
   * A client of node-redis (5 or newer, connected) or of ioredis; also their clients for Cluster and Sentinel. It stays yours:
   * the source closes only the connection that it opens beside it, with the same settings.
   */
  readonly client: RedisClient
  /** Name of the log: what its keys begin with. Processes with the same one share it. @default edgetail */
  readonly key?: string | undefined
  /** Most entries kept for those who connect or resume later. The same in every process. @default 10000 */
  readonly retain?: number | undefined
  /** Most bytes of JSON text that Redis holds of them; about as many more go into its own structures. @default 67108864 (64 Mi) */
  readonly retainBytes?: number | undefined
  /** Longest time that an append waits while Redis cannot be reached, in milliseconds. @default 10000 */
  readonly waitMs?: number | undefined
  /** Most characters of JSON text that wait meanwhile; what comes beyond is refused at once. @default 8388608 (8 Mi) */
  readonly maxWaiting?: number | undefined
  /** Told of what goes wrong with Redis, once until it goes well again. @default console.error */
  readonly onError?: ErrorReporter | undefined
}

/** Longest wait for an answer that somebody waits for, in milliseconds. */
const ANSWER_MS = 5000

/**
 * Most questions without an answer. A client keeps what it cannot send, and those who come back again and again while Redis is
 * away would fill it.
 */
const MAX_UNANSWERED = 2000

/** Longest time that a close waits for what was appended before, in milliseconds; a server's stop has 4 seconds in all. */
const LAST_MS = 1500

const DEFAULT_KEY = 'edgetail'

/** Rows that are read at once while looking back. */
const ROWS = 32

/**
 * A source that keeps entries in Redis 6.2 or newer, or Valkey.
 *
 * @throws MonitorError `invalid_setting` when an option cannot be used
 * @example
 * const client = await createClient({ url: process.env.REDIS_URL }).connect()
 * const monitor = createMonitor({ source: redisSource({ client }), token })
 */
export function redisSource(options: RedisSourceOptions): LogSource {
  return openRedis(options)
}

/** The same, told each time that Redis may have lost something: it was restarted, emptied, or another server took over. */
export function openRedis(options: RedisSourceOptions, onLost: () => void = () => {}): LogSource {
  const { client, key, retain = 10_000, retainBytes = 64 * 1024 * 1024 } = options
  const { waitMs = 10_000, maxWaiting = 8 * 1024 * 1024, onError = reportToConsole } = options
  for (const [name, value] of Object.entries({ retain, retainBytes, waitMs, maxWaiting })) {
    if (Number.isSafeInteger(value) && value >= 1) continue
    throw new MonitorError('invalid_setting', `${name} is a whole number from 1, not ${value}.`)
  }
  const tag = tagOf(key)
  const log = new RedisLog(tag, commandOf(client, `${tag}:log`))
  let closed = false
  let isTroubled = false
  let unanswered = 0
  const onFailure = (error: unknown): void => {
    if (!isTroubled && !closed) onError(error, 'source')
    isTroubled = true
  }
  const onAnswer = (): void => {
    isTroubled = false
  }
  const feed = new RedisFeed(log, {
    retain,
    open: () => openConnection(client, `${tag}:log`, onFailure),
    onError: onFailure,
    onAnswer,
    onLost,
  })
  let last: LogWritten | undefined
  const writer = new RedisWriter(log, {
    retain,
    retainBytes,
    waitMs,
    maxWaiting,
    onError: onFailure,
    onWritten(written, records) {
      last = written
      feed.wrote(written, records)
      onAnswer()
    },
  })

  function ensureOpen(): void {
    if (closed) throw new MonitorError('source_unavailable', 'The log source is closed.')
  }

  /** What Redis answers, or that it cannot be reached. */
  async function ask<Answer>(question: () => Promise<Answer>): Promise<Answer> {
    if (unanswered >= MAX_UNANSWERED) throw unavailable()
    unanswered++
    const answer = question()
    const settle = (): void => {
      unanswered--
    }
    answer.then(settle, settle)
    try {
      return await within(answer, ANSWER_MS)
    } catch (error) {
      onFailure(error)
      throw error instanceof MonitorError ? error : unavailable(error)
    }
  }

  /** Entries from a place to the oldest kept, newest first. */
  async function* backwards(from: number, kept: number, eras: Eras): AsyncGenerator<Found> {
    // The row that the place is in, then those before it.
    let rows: EraRow[] = (await ask(() => log.rowsFrom(eras.idOf(from), 1))).filter(({ era }) => eras.endOf(era) >= 0)
    for (let end: string | undefined; ; rows = await ask(() => log.rowsBefore(end, ROWS))) {
      if (rows.length === 0 && end !== undefined) return
      for (const { era, id, first, lines } of rows) {
        end = id
        // Of a history that was lost, or that began meanwhile.
        if (eras.endOf(era) < 0) return
        for (let index = Math.min(lines.length - 1, from - first); index >= 0; index--) {
          if (first + index < kept) return
          const json = lines[index] as string
          yield { sequence: first + index, era, json, entry: parseRecord(json).entry }
        }
      }
      if (end === undefined) return
    }
  }

  async function locate({ after, tail = 0 }: SubscribeOptions, filter: Filter): Promise<{ start: Start; eras: Eras }> {
    const { state, eras } = await ask(() => feed.refresh())
    const kept = feed.keptOf(state)
    if (after !== undefined) return { start: eras.resume(after, kept, state.head), eras }
    let next = Math.max(kept, state.head + 1 - tail)
    if (filter.key !== '' && tail > 0) {
      next = state.head + 1
      let left = tail
      for await (const { sequence, entry } of backwards(state.head, kept, eras)) {
        if (!filter.matches(entry)) continue
        next = sequence
        if (--left === 0) break
      }
    }
    return { start: { next, gap: undefined, resumed: false }, eras }
  }

  return {
    async append(records) {
      ensureOpen()
      return (await writer.append(records, undefined)).ids
    },
    async appendOnce(key, records, answer) {
      ensureOpen()
      return (await writer.append(records, { key, answer })).answer
    },
    async subscribe(options) {
      ensureOpen()
      const filter = compileFilter(options.filter)
      let located = await locate(options, filter)
      // While the past was looked through, a part of the history was lost.
      while (!feed.isCurrent(located.eras)) located = await locate(options, filter)
      ensureOpen()
      return feed.readers.open(options, () => located.start)
    },
    async history(query) {
      ensureOpen()
      // What a program has just logged without waiting is to be found.
      await ask(() => writer.settled())
      const { state, eras } = await ask(() => feed.refresh())
      const from = query.before === undefined ? state.head : (eras.sequenceOf(query.before, state.head) ?? 0) - 1
      const kept = feed.keptOf(state)
      return readPage(from < kept ? [] : backwards(from, kept, eras), query, eras.idOf(from + 1))
    },
    async status() {
      ensureOpen()
      const { state } = await ask(() => feed.refresh())
      const entries = state.head - feed.keptOf(state) + 1
      return { entries, clients: feed.readers.clients, total: state.head, flushWindowMs: feed.flushWindowMs }
    },
    async close() {
      if (closed) return
      closed = true
      const ended = performance.now() + LAST_MS
      try {
        await within(writer.settled(), LAST_MS)
      } catch (error) {
        onError(error, 'source')
      }
      if (last !== undefined) await feed.reached(last.era, last.last, Math.max(0, ended - performance.now()))
      feed.close()
    },
  }
}

/** An entry of the past. */
interface Found {
  readonly sequence: number
  readonly era: string
  readonly json: string
  readonly entry: LogEntry
}

async function readPage(
  found: AsyncIterable<Found> | Iterable<Found>,
  { tail, filter }: HistoryQuery,
  end: string,
): Promise<{ entries: StoredEntry[]; before: string | null }> {
  const { matches } = compileFilter(filter)
  const entries: StoredEntry[] = []
  let bytes = 0
  let oldest = end
  for await (const { sequence, era, json, entry } of found) {
    if (entries.length >= tail || bytes >= MAX_PAGE_BYTES) return { entries: entries.reverse(), before: oldest }
    oldest = `${era}-${sequence}`
    if (!matches(entry)) continue
    entries.push({ id: oldest, ...entry })
    bytes += json.length
  }
  return { entries: entries.reverse(), before: null }
}

/**
 * What the keys of a log begin with, with its hash tag.
 *
 * @throws MonitorError `invalid_setting` for a key that cannot be used
 */
export function tagOf(key: string = DEFAULT_KEY): string {
  if (!/^[^\s{}]{1,200}$|^[^\s{}]*\{[^\s{}]+\}[^\s{}]*$/.test(key)) {
    throw new MonitorError(
      'invalid_setting',
      'key is 1 to 200 characters without blanks, with one hash tag {...} at most.',
    )
  }
  return key.includes('{') ? key : `{${key}}`
}
