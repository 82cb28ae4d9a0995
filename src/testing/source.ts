/**
 * The contract of {@link LogSource} as a suite for vitest: what it says in words, as tests that any source can be put through.
 */
import { describe, expect, it, onTestFinished } from 'vitest'
import type { Level, LogRecord } from '../log.ts'
import { createRecord } from '../normalize.ts'
import type { Gap, LogSource, StoredEntry, StreamItem, SubscribeOptions, Subscription } from '../source.ts'

/** What a source promises beyond the contract, and what the suite must know of how it was opened. */
export interface SourceTraits {
  /** Entries that it was opened to keep, 20 to 1000: the suite fills it several times over. */
  readonly retain: number
  /** Opened again at the same place after it was closed, it still has its entries. @default false */
  readonly durable?: boolean
  /** Two that are opened at the same place see each other's entries. @default false */
  readonly shared?: boolean
}

/**
 * Runs the suite.
 *
 * @param name - of the source, for the report
 * @param open - opens a source at a place; an unknown place is empty
 * @example
 * testSource('memory', async () => memorySource({ retain: 50 }), { retain: 50 })
 */
export function testSource(
  name: string,
  open: (place: string) => Promise<LogSource>,
  { retain, durable = false, shared = false }: SourceTraits,
): void {
  let places = 0
  const newPlace = (): string => `place-${Date.now().toString(36)}-${places++}`

  async function start(place: string = newPlace()): Promise<LogSource> {
    const source = await open(place)
    onTestFinished(() => source.close())
    return source
  }

  describe(`LogSource: ${name}`, () => {
    it('gives ids that rise, are one line and belong to one epoch', async () => {
      const source = await start()
      const ids = [...(await append(source, 3)), ...(await append(source, 2))]
      expect(ids).toHaveLength(5)
      for (const id of ids) expect(id).toMatch(/^[0-9A-Za-z]+-\d+$/)
      expect(new Set(ids.map((id) => id.split('-')[0])).size).toBe(1)
      const sequences = ids.map((id) => Number(id.split('-')[1]))
      expect(sequences).toEqual([...sequences].sort((a, b) => a - b))
      expect(new Set(ids).size).toBe(5)
    })

    it('gives the last entries and then live ones, in order', async () => {
      const source = await start()
      await append(source, 10)
      const reader = await read(source, { tail: 4 })
      await append(source, 3, 10)
      await append(source, 2, 13)
      expect(await reader.messages(9)).toEqual(numbers(6, 15))
    })

    it('replays nothing unless asked to', async () => {
      const source = await start()
      await append(source, 10)
      const reader = await read(source, {})
      const [id] = await append(source, 1, 10)
      expect(await reader.messages(1)).toEqual(numbers(10, 11))
      expect(reader.entries[0]?.id).toBe(id)
    })

    it('gives the same entries as bytes and as objects', async () => {
      const source = await start()
      const reader = await read(source, {})
      const [id] = await source.append([createRecord('warn', 'line one\nline two \u2028 é 🎉', { a: [1, null] })])
      await reader.messages(1)
      const [entry] = reader.entries
      expect(entry).toMatchObject({
        id,
        level: 'warn',
        message: 'line one\nline two \u2028 é 🎉',
        context: { a: [1, null] },
      })
      const { id: _, ...fields } = entry as StoredEntry
      expect(reader.text()).toBe(`event: log\ndata: ${JSON.stringify(fields)}\nid: ${id}\n\n`)
    })

    it('resumes at every position without loss or repetition while others append', async () => {
      const source = await start()
      const ids = await append(source, 10)
      const subscription = await source.subscribe({ signal: new AbortController().signal })
      const start0 = subscription.id as string
      await subscription[Symbol.asyncIterator]().return?.()
      expect(start0).toBe(ids.at(-1))
      const opening = ids.map(async (after, index) => {
        const reader = await read(source, { after })
        expect(reader.subscription.resumed).toBe(true)
        expect(reader.subscription.id).toBe(after)
        return { reader, index }
      })
      const appending = (async () => {
        for (let from = 10; from < 20; from += 2) await append(source, 2, from)
      })()
      for (const { reader, index } of await Promise.all(opening)) {
        expect(await reader.messages(19 - index)).toEqual(numbers(index + 1, 20))
      }
      await appending
    })

    it('gives every reader a position before its first item', async () => {
      const source = await start()
      const empty = await read(source, { tail: 5 })
      await append(source, 2)
      expect(await (await read(source, { after: empty.subscription.id })).messages(2)).toEqual(numbers(0, 2))
      const late = await read(source, { tail: 1 })
      expect(await (await read(source, { after: late.subscription.id })).messages(1)).toEqual(numbers(1, 2))
    })

    it('tells an evicted position as a gap with the exact number, and goes on with what is stored', async () => {
      const source = await start()
      const [first] = await append(source, 1)
      for (let from = 1; from < 3 * retain; from += 7) await append(source, Math.min(7, 3 * retain - from), from)
      const reader = await read(source, { after: first })
      expect(reader.subscription.id).toBeUndefined()
      expect(await reader.messages(retain)).toEqual(numbers(2 * retain, 3 * retain))
      expect(reader.gaps).toEqual([{ type: 'gap', reason: 'evicted', dropped: 2 * retain - 1, id: expect.any(String) }])
      // The gap's own id is a position like any other: nothing is told twice.
      const again = await read(source, { after: reader.gaps[0]?.id })
      expect(await again.messages(retain)).toEqual(numbers(2 * retain, 3 * retain))
      expect(again.gaps).toEqual([])
    })

    it.each([
      ['malformed', () => 'no id at all'],
      ['empty of digits', () => 'abc-'],
      ['not a sequence', () => 'abc-1e3'],
      ['of another epoch', () => 'abc-1'],
      ['from the future', (id: string) => `${id}999999`],
      ['endless', (id: string) => id + '9'.repeat(5000)],
    ])('tells an id that is %s as a restart, and goes on with what is stored', async (_kind, make) => {
      const source = await start()
      const ids = await append(source, 3)
      const reader = await read(source, { after: make(ids[0] as string) })
      expect(reader.subscription.resumed).toBe(false)
      expect(await reader.messages(3)).toEqual(numbers(0, 3))
      expect(reader.gaps).toEqual([{ type: 'gap', reason: 'restarted', dropped: null, id: expect.any(String) }])
    })

    it('filters past and live entries, and counts the past after filtering', async () => {
      const source = await start()
      await append(source, 3, 0, 'error')
      await append(source, 4, 3, 'debug')
      const reader = await read(source, { tail: 2, filter: { level: 'warn' } })
      await append(source, 2, 7, 'info')
      await append(source, 1, 9, 'fatal')
      expect(await reader.messages(3)).toEqual(['entry 1', 'entry 2', 'entry 9'])
      const words = await read(source, { tail: 9, filter: { q: 'ENTRY "y 4"' } })
      expect(await words.messages(1)).toEqual(['entry 4'])
    })

    it('tells a filtered reader its position when entries pass it by', { timeout: 15_000 }, async () => {
      const source = await start()
      const reader = await read(source, { filter: { level: 'error' } })
      const [, , last] = await append(source, 3)
      await reader.until(() => reader.checkpoints.length > 0, 10_000)
      expect(reader.checkpoints).toEqual([last])
      const resumed = await read(source, { after: last })
      await append(source, 1, 3)
      expect(await resumed.messages(1)).toEqual(['entry 3'])
    })

    it('gives a reader that keeps up everything, however small the retention', async () => {
      const source = await start()
      const reader = await read(source, {})
      const total = 10 * retain
      for (let from = 0; from < total; from += retain * 2) await append(source, retain * 2, from, 'info', 2000)
      expect(await reader.messages(total)).toEqual(numbers(0, total))
      expect(reader.gaps).toEqual([])
    })

    it('tells a reader that was overtaken how many it lost, and goes on', { timeout: 30_000 }, async () => {
      const source = await start()
      const stop = new AbortController()
      onTestFinished(() => stop.abort())
      const iterator = (await source.subscribe({ signal: stop.signal }))[Symbol.asyncIterator]()
      const total = 1200
      for (let from = 0; from < total; from += 40) await append(source, 40, from, 'info', 20_000)
      let received = 0
      let dropped = 0
      while (received + dropped < total) {
        const { value } = await iterator.next()
        if (value?.type === 'batch') received += value.count
        if (value?.type === 'gap') {
          expect(value.reason).toBe('slow')
          dropped += value.dropped ?? Number.NaN
        }
      }
      expect(received + dropped).toBe(total)
      expect(dropped).toBeGreaterThan(0)
    })

    it('does not let readers that take nothing delay one that does', async () => {
      const source = await start()
      for (let index = 0; index < 50; index++) await source.subscribe({ signal: stopAtEnd() })
      const reader = await read(source, {})
      for (let from = 0; from < 400; from += 100) await append(source, 100, from, 'info', 1000)
      expect(await reader.messages(400)).toEqual(numbers(0, 400))
    })

    it('ends a reader at once when its signal aborts in silence', async () => {
      const source = await start()
      const stop = new AbortController()
      const iterator = (await source.subscribe({ signal: stop.signal }))[Symbol.asyncIterator]()
      const next = iterator.next()
      stop.abort()
      expect(await next).toEqual({ done: true, value: undefined })
      expect(await iterator.next()).toEqual({ done: true, value: undefined })
    })

    it('ends a reader whose signal had aborted before', async () => {
      const source = await start()
      await append(source, 1)
      const iterator = (await source.subscribe({ tail: 1, signal: AbortSignal.abort() }))[Symbol.asyncIterator]()
      expect(await iterator.next()).toEqual({ done: true, value: undefined })
    })

    it('counts clients, refuses too many, and takes new ones when others have left', async () => {
      const source = await start()
      const stops = [new AbortController(), new AbortController()]
      for (const { signal } of stops) await source.subscribe({ signal, maxClients: 2 })
      await source.subscribe({ signal: stopAtEnd() })
      expect((await source.status()).clients).toBe(2)
      await expect(source.subscribe({ signal: stopAtEnd(), maxClients: 2 })).rejects.toMatchObject({
        code: 'too_many_clients',
      })
      stops[0]?.abort()
      await expect.poll(async () => (await source.status()).clients).toBe(1)
      await source.subscribe({ signal: stopAtEnd(), maxClients: 2 })
      stops[1]?.abort()
    })

    it('refuses one credential too many, and leaves places for others', async () => {
      const source = await start()
      const limits = { maxClients: 3, maxPerCredential: 1 }
      const stop = new AbortController()
      await source.subscribe({ ...limits, credential: 'one', signal: stop.signal })
      const refused = source.subscribe({ ...limits, credential: 'one', signal: stopAtEnd() })
      await expect(refused).rejects.toMatchObject({ code: 'too_many_clients' })
      await source.subscribe({ ...limits, credential: 'other', signal: stopAtEnd() })
      stop.abort()
      await expect.poll(async () => (await source.status()).clients).toBe(1)
      await source.subscribe({ ...limits, credential: 'one', signal: stopAtEnd() })
    })

    it('stores nothing again under a key that was used, also at the same time, and gives the first answer', async () => {
      const source = await start()
      const [two, other] = [records(2), records(1, 2)]
      const answers = await Promise.all([
        source.appendOnce('a', two, 'first'),
        source.appendOnce('a', two, 'second'),
        source.appendOnce('b', other, 'third'),
      ])
      expect(answers).toEqual(['first', 'first', 'third'])
      expect(await source.appendOnce('a', other, 'fourth')).toBe('first')
      expect((await source.history({ tail: 10 })).entries.map(({ message }) => message)).toEqual(numbers(0, 3))
    })

    it('forgets a key when what was stored with it is gone', async () => {
      const source = await start()
      const reader = await read(source, {})
      await source.appendOnce('a', records(2), 'first')
      for (let from = 2; from < 3 * retain; from += 3) await append(source, 3, from)
      await reader.until(() => reader.entries.length >= 3 * retain)
      expect(await source.appendOnce('a', records(1, 3 * retain), 'second')).toBe('second')
    })

    it('pages through the past, each entry once', async () => {
      const source = await start()
      for (let from = 0; from < 18; from += 3) await append(source, 3, from)
      let before: string | undefined
      const pages: string[][] = []
      do {
        const page = await source.history({ before, tail: 5 })
        pages.unshift(page.entries.map(({ message }) => message))
        before = page.before ?? undefined
      } while (before !== undefined)
      expect(pages.flat()).toEqual(numbers(0, 18))
      expect(pages.map(({ length }) => length)).toEqual([3, 5, 5, 5])
      for (const unknown of ['unknown', 'epoch-5']) {
        expect(await source.history({ before: unknown, tail: 1 })).toEqual({ entries: [], before: null })
      }
      const filtered = await source.history({ tail: 2, filter: { q: 'entry 1' } })
      expect(filtered.entries.map(({ message }) => message)).toEqual(['entry 16', 'entry 17'])
      expect(await source.history({ tail: 0 })).toMatchObject({ entries: [] })
    })

    it('keeps no more than it was opened to keep', async () => {
      const source = await start()
      for (let from = 0; from < 2 * retain; from += 3) await append(source, 3, from)
      expect((await source.status()).entries).toBe(retain)
      expect((await source.history({ tail: 10 * retain })).entries).toHaveLength(retain)
    })

    it('ends its readers and refuses what comes later when it is closed', async () => {
      const source = await start()
      const reader = await read(source, {})
      await append(source, 5)
      await source.close()
      await reader.ended
      // Where the entries outlive the source, a reader gets the rest when it resumes.
      if (!shared) expect(reader.entries.map(({ message }) => message)).toEqual(numbers(0, 5))
      await expect(append(source, 1)).rejects.toMatchObject({ code: 'source_unavailable' })
      await expect(source.subscribe({ signal: stopAtEnd() })).rejects.toMatchObject({ code: 'source_unavailable' })
      await expect(source.status()).rejects.toMatchObject({ code: 'source_unavailable' })
      await source.close()
    })

    it.runIf(durable)('has its entries when it is opened again, and its ids go on', async () => {
      const place = newPlace()
      const first = await start(place)
      const ids = await append(first, 5)
      await first.close()
      const second = await start(place)
      const reader = await read(second, { after: ids[2] })
      const [next] = await append(second, 1, 5)
      expect(await reader.messages(3)).toEqual(numbers(3, 6))
      expect(reader.gaps).toEqual([])
      expect(Number(next?.split('-')[1])).toBeGreaterThan(Number(ids[4]?.split('-')[1]))
    })

    it.runIf(shared)('shows what another one at the same place appends', async () => {
      const place = newPlace()
      const [one, other] = [await start(place), await start(place)]
      const reader = await read(one, {})
      await append(other, 3)
      expect(await reader.messages(3)).toEqual(numbers(0, 3))
      await other.close()
      await append(one, 1, 3)
      expect(await reader.messages(4)).toEqual(numbers(0, 4))
    })
  })
}

/** A reader that takes everything as it comes. */
interface Reading {
  readonly subscription: Subscription
  readonly entries: StoredEntry[]
  readonly gaps: Gap[]
  readonly checkpoints: string[]
  readonly ended: Promise<void>
  text(): string
  until(condition: () => boolean, timeoutMs?: number): Promise<void>
  /** Waits for so many entries and returns their messages. */
  messages(count: number): Promise<string[]>
}

async function read(source: LogSource, options: Omit<SubscribeOptions, 'signal'>): Promise<Reading> {
  const subscription = await source.subscribe({ ...options, signal: stopAtEnd() })
  const entries: StoredEntry[] = []
  const gaps: Gap[] = []
  const checkpoints: string[] = []
  let text = ''
  const take = (item: StreamItem): void => {
    if (item.type === 'gap') gaps.push(item)
    else if (item.type === 'checkpoint') checkpoints.push(item.id)
    else {
      entries.push(...item.entries())
      expect(item.count).toBe(item.entries().length)
      text += new TextDecoder().decode(item.bytes)
      expect(item.id).toBe(entries.at(-1)?.id)
    }
  }
  const ended = (async () => {
    for await (const item of subscription) take(item)
  })()
  const until = async (condition: () => boolean, timeoutMs = 5000): Promise<void> => {
    await expect.poll(condition, { timeout: timeoutMs, interval: 5 }).toBe(true)
  }
  return {
    subscription,
    entries,
    gaps,
    checkpoints,
    ended,
    text: () => text,
    until,
    async messages(count) {
      await until(() => entries.length >= count)
      return entries.map(({ message }) => message.trimEnd())
    },
  }
}

function stopAtEnd(): AbortSignal {
  const stop = new AbortController()
  onTestFinished(() => stop.abort())
  return stop.signal
}

/** Appends {@link records}. */
function append(
  source: LogSource,
  count: number,
  from = 0,
  level: Level = 'info',
  length = 0,
): Promise<readonly string[]> {
  return source.append(records(count, from, level, length))
}

/** `entry <from>` and those that follow; with a length, padded with blanks to it. */
function records(count: number, from = 0, level: Level = 'info', length = 0): LogRecord[] {
  return Array.from({ length: count }, (_, index) => createRecord(level, `entry ${from + index}`.padEnd(length), {}))
}

function numbers(from: number, to: number): string[] {
  return Array.from({ length: to - from }, (_, index) => `entry ${from + index}`)
}
