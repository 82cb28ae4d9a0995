/** What only relays do: serve whom the room has no place for, and sleep, die and lag while they do. */
import { evictDurableObject, runInDurableObject } from 'cloudflare:test'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { LogRelay } from '../../src/cloudflare/log-relay.ts'
import { LogRoom } from '../../src/cloudflare/log-room.ts'
import type { RelayPlace, Update } from '../../src/cloudflare/relay-link.ts'
import type { FilterQuery } from '../../src/filter/filter.ts'
import { createRecord } from '../../src/normalize.ts'
import type { LogSource, StreamItem, SubscribeOptions } from '../../src/source.ts'
import { durableObjectSource } from '../../src/sources/durable-object.ts'
import { evict, hurryTimers, PLACES, relays, relaysOf, rooms, settled } from './room-source.ts'

hurryTimers()

const places = PLACES as number

interface Watching {
  readonly items: StreamItem[]
  messages(): string[]
  leave(): void
}

let count = 0

/** A log with its room and relays. */
class Log {
  readonly name: string = `relayed-${count++}`
  readonly room: DurableObjectStub = rooms.get(rooms.idFromName(this.name))
  readonly source: LogSource = this.open()

  /** Another Worker's way to it. */
  open(): LogSource {
    return durableObjectSource(rooms, { name: this.name, relays })
  }

  async watch(
    filter?: FilterQuery,
    options: Partial<SubscribeOptions> = {},
    source: LogSource = this.source,
  ): Promise<Watching> {
    const stop = new AbortController()
    onTestFinished(() => stop.abort())
    const subscription = await source.subscribe({ maxClients: 1000, ...options, filter, signal: stop.signal })
    const items: StreamItem[] = []
    void (async () => {
      for await (const item of subscription) items.push(item)
    })()
    const messages = (): string[] =>
      items.flatMap((item) => (item.type === 'batch' ? item.entries().map(({ message }) => message) : []))
    return { items, messages, leave: () => stop.abort() }
  }

  watchAll(number: number): Promise<Watching[]> {
    return Promise.all(Array.from({ length: number }, () => this.watch()))
  }

  append(...messages: string[]): Promise<readonly string[]> {
    return this.source.append(messages.map((message) => createRecord('info', message, {})))
  }

  relays(): Promise<DurableObjectStub[]> {
    return relaysOf(this.name)
  }

  sockets(stub: DurableObjectStub): Promise<number> {
    return runInDurableObject(stub, (_, state) => state.getWebSockets().length)
  }

  /** Entries in the room's storage, whether they are shown to new readers or not. */
  stored(): Promise<number> {
    return runInDurableObject(this.room, (_, { storage }) =>
      Number(storage.sql.exec('SELECT SUM(count) AS stored FROM batches').one().stored),
    )
  }

  async clients(): Promise<number> {
    return (await this.source.status()).clients
  }
}

describe('LogRelay', () => {
  it('serves those for whom the room has no place, no object more than it may', async () => {
    const log = new Log()
    const watchers = await log.watchAll(9)
    expect(await log.sockets(log.room)).toBe(places)
    const sockets = await Promise.all((await log.relays()).map((relay) => log.sockets(relay)))
    expect(sockets.reduce((sum, number) => sum + number, 0)).toBe(9 - places)
    expect(Math.max(...sockets)).toBe(places)
    expect(await log.clients()).toBe(9)
    await log.append('one')
    await log.append('two', 'three')
    for (const watcher of watchers) await expect.poll(watcher.messages).toEqual(['one', 'two', 'three'])
  })

  it('sleeps with its sockets open, as the room does, and both wake for the next entry', async () => {
    const log = new Log()
    const watchers = await log.watchAll(6)
    const filtered = await log.watch({ q: 'after' })
    await log.append('before')
    for (const watcher of watchers) await expect.poll(watcher.messages).toEqual(['before'])
    for (let night = 1; night < 4; night++) {
      await settled(log.name)
      await evict([log.room, ...(await log.relays())], 'hibernate')
      await log.append(`after ${night}`)
      for (const watcher of [...watchers, filtered])
        await expect.poll(() => watcher.messages().at(-1)).toBe(`after ${night}`)
    }
    for (const watcher of watchers) expect(watcher.messages()).toEqual(['before', 'after 1', 'after 2', 'after 3'])
    expect(filtered.messages()).toEqual(['after 1', 'after 2', 'after 3'])
  })

  it('wakes nobody who has everything when the room wakes', async () => {
    const log = new Log()
    await log.watchAll(4)
    await log.append('one')
    const [relay] = await log.relays()
    await settled(log.name)
    await evict([log.room, relay as DurableObjectStub], 'hibernate')
    await log.source.history({ tail: 1 })
    await expect(evictDurableObject(relay as DurableObjectStub)).rejects.toThrow('not currently running')
  })

  it('is told what it lacks when it could not be reached, and nobody else waits for it', async () => {
    const log = new Log()
    const watchers = await log.watchAll(2 + 2 * places)
    const [lame] = await log.relays()
    let failures = 3
    replacePublish(lame as DurableObjectStub, (publish) => {
      if (failures-- > 0) throw new Error('Not now.')
      return publish()
    })
    for (let number = 0; number < 5; number++) await log.append(`${number}`)
    for (const watcher of watchers)
      await expect.poll(watcher.messages, { timeout: 4000 }).toEqual(['0', '1', '2', '3', '4'])
    expect(failures).toBeLessThan(0)
  })

  it('asks for what it was not told, and passes over what it has', async () => {
    const log = new Log()
    const watchers = await log.watchAll(2 * places)
    const [relay] = (await log.relays()) as [DurableObjectStub]
    await log.append('1', '2')
    for (const watcher of watchers) await expect.poll(watcher.messages).toEqual(['1', '2'])
    const { epoch, head } = await tell(relay, { kept: 1, first: 1, lines: ['twice', 'twice'] })
    expect(head).toBe(2)
    // The room stores entries of which this relay does not hear.
    const hearAgain = replacePublish(relay, () => ({ epoch, head: 99, wanted: 100, watchers: places }))
    await log.append('3', '4')
    hearAgain()
    await tell(relay, { kept: 1, first: 5, lines: [] })
    for (const watcher of watchers) await expect.poll(watcher.messages).toEqual(['1', '2', '3', '4'])
  })

  it('has its watchers ask again when it woke without knowing where they stand', async () => {
    const log = new Log()
    const watchers = await log.watchAll(2 * places)
    const [relay] = (await log.relays()) as [DurableObjectStub]
    await log.append('1', '2')
    for (const watcher of watchers) await expect.poll(watcher.messages).toEqual(['1', '2'])
    await settled(log.name)
    await runInDurableObject(relay, (_, { storage }) => {
      storage.kv.put('place', { ...(storage.kv.get('place') as object), head: 0 })
    })
    await evict([relay], 'hibernate')
    await log.append('3')
    for (const watcher of watchers) await expect.poll(watcher.messages, { timeout: 4000 }).toEqual(['1', '2', '3'])
  })

  it('is opened again by its watchers when it dies, and nobody loses anything', async () => {
    const log = new Log()
    const watchers = await log.watchAll(8)
    for (let death = 0; death < 3; death++) {
      await log.append(`${death} before`)
      await evict(await log.relays(), 'close')
      await log.append(`${death} after`)
    }
    const all = [0, 1, 2].flatMap((death) => [`${death} before`, `${death} after`])
    for (const watcher of watchers) await expect.poll(watcher.messages, { timeout: 4000 }).toEqual(all)
    for (const { items } of watchers) expect(items.filter(({ type }) => type === 'gap')).toEqual([])
  })

  it('gives those who come back what they missed, and says what is no longer kept', async () => {
    const log = new Log()
    await log.watchAll(places)
    const [first] = await log.append('0')
    const [last] = (await log.append(...Array.from({ length: 70 }, (_, index) => `${index + 1}`))).slice(-1)
    const late = await log.watch(undefined, { after: first })
    const prompt = await log.watch({ q: '69 OR 70' }, { after: `${last?.split('-')[0]}-60` })
    const future = await log.watch(undefined, { after: `${last?.split('-')[0]}-99` })
    const recent = await log.watch({ q: '5' }, { tail: 3 })
    const kept = Array.from({ length: 50 }, (_, index) => `${index + 21}`)
    await expect.poll(late.messages).toEqual(kept)
    expect(late.items[0]).toMatchObject({ type: 'gap', reason: 'evicted', dropped: 20 })
    await expect.poll(prompt.messages).toEqual(['69', '70'])
    await expect.poll(future.messages).toEqual(kept)
    expect(future.items[0]).toMatchObject({ type: 'gap', reason: 'restarted', dropped: null })
    await expect.poll(recent.messages).toEqual(['58', '59', '65'])
  })

  it.each([
    ['awake', Number.POSITIVE_INFINITY],
    ['while all sleep now and then', 10],
  ])('has the room hold what one of its watchers is still reading, however small the retention, %s', async (_, day) => {
    const log = new Log()
    await log.watchAll(places)
    const early = Array.from({ length: 50 }, (_, index) => `${index}`.padEnd(10_000))
    for (let from = 0; from < 50; from += 10) await log.append(...early.slice(from, from + 10))
    const stop = new AbortController()
    onTestFinished(() => stop.abort())
    const subscription = await log.source.subscribe({ tail: 50, maxClients: 1000, signal: stop.signal })
    const late = Array.from({ length: 60 }, (_, index) => `late ${index}`)
    for (const [index, message] of late.entries()) {
      if (index % day === day - 1) {
        await settled(log.name)
        await evict([log.room, ...(await log.relays())], 'hibernate')
      }
      await log.append(message)
    }
    const messages: string[] = []
    for await (const item of subscription) {
      expect(item.type).toBe('batch')
      if (item.type === 'batch') messages.push(...item.entries().map(({ message }) => message))
      if (messages.length >= 110) break
    }
    expect(messages).toEqual([...early, ...late])
    // What nobody wants any more goes, also when nothing comes after.
    await expect.poll(() => log.stored(), { timeout: 4000 }).toBe(50)
  })

  it('counts clients with the room’s and those of other relays, and frees their places', async () => {
    const log = new Log()
    const limits = { maxClients: 7, maxPerCredential: 4 }
    const ones = await Promise.all(
      Array.from({ length: 4 }, () => log.watch(undefined, { ...limits, credential: 'one' })),
    )
    const refused = { code: 'too_many_clients' }
    // From a Worker that knows of no relay yet, and from one that does.
    for (const source of [log.open(), log.source]) {
      await expect(log.watch(undefined, { ...limits, credential: 'one' }, source)).rejects.toMatchObject(refused)
    }
    await Promise.all(Array.from({ length: 3 }, () => log.watch(undefined, { ...limits, credential: 'other' })))
    await expect(log.watch(undefined, { ...limits, credential: 'third' })).rejects.toMatchObject(refused)
    // Those who were refused are counted until their relay has said that they left.
    await expect.poll(() => log.clients(), { timeout: 4000 }).toBe(7)
    ones.at(-1)?.leave()
    await expect.poll(() => log.clients(), { timeout: 4000 }).toBe(6)
    await log.watch(undefined, { ...limits, credential: 'one' })
    await expect.poll(() => log.clients(), { timeout: 4000 }).toBe(7)
  })

  it('lets no two relays take the last place at once', async () => {
    const log = new Log()
    const comes = Array.from({ length: 30 }, () =>
      log.watch(undefined, { maxClients: 10 }, log.open()).then(
        () => 'in',
        () => 'out',
      ),
    )
    const came = await Promise.all(comes)
    const inside = came.filter((result) => result === 'in').length
    expect(inside).toBeLessThanOrEqual(10)
    expect(inside).toBeGreaterThan(places)
    await expect.poll(() => log.clients(), { timeout: 4000 }).toBe(inside)
  })

  it('is let go when its last watcher has left', async () => {
    const log = new Log()
    const watchers = await log.watchAll(2 * places)
    expect(await log.relays()).toHaveLength(1)
    for (const watcher of watchers) watcher.leave()
    await expect.poll(async () => (await log.relays()).length).toBe(0)
    expect(await log.clients()).toBe(0)
  })

  it('spares the room a storm: who comes back goes to a relay straight away', async () => {
    const log = new Log()
    const watchers = await log.watchAll(places + 20)
    const [id] = await log.append('one')
    const fetched = vi.spyOn(LogRoom.prototype, 'fetch')
    const exchanged = vi.spyOn(LogRoom.prototype, 'exchange')
    onTestFinished(() => [fetched, exchanged].forEach((spy) => void spy.mockRestore()))
    for (const watcher of watchers.slice(places)) watcher.leave()
    await expect.poll(() => log.clients(), { timeout: 4000 }).toBe(places)
    exchanged.mockClear()
    const again = await Promise.all(Array.from({ length: 10 }, () => log.watch(undefined, { after: id })))
    await log.append('two')
    for (const watcher of again) await expect.poll(watcher.messages).toEqual(['two'])
    // Few found both relays full that they tried.
    expect(fetched.mock.calls.length).toBeLessThan(5)
    expect(exchanged.mock.calls.length).toBeLessThanOrEqual(10)
  })
})

/** Does something else with what the room tells one relay. */
function replacePublish(stub: DurableObjectStub, replace: (publish: () => RelayPlace) => RelayPlace): () => void {
  const { publish } = LogRelay.prototype
  const spy = vi.spyOn(LogRelay.prototype, 'publish').mockImplementation(function (this: LogRelay, update) {
    // Each update says whom it is for.
    return relays.idFromName(update.relay).equals(stub.id)
      ? replace(() => publish.call(this, update))
      : publish.call(this, update)
  })
  onTestFinished(() => void spy.mockRestore())
  return () => void spy.mockRestore()
}

/** Tells a relay something, as the room would. */
async function tell(
  relay: DurableObjectStub,
  update: Pick<Update, 'kept' | 'first' | 'lines'>,
): Promise<{ epoch: string; head: number }> {
  return runInDurableObject(relay, async (object, { storage }) => {
    await expect.poll(() => storage.kv.get('place')).toBeDefined()
    const { epoch, name } = storage.kv.get('place') as { epoch: string; name: string }
    return (object as LogRelay).publish({ ...update, epoch, relay: name, watchers: places })
  })
}
