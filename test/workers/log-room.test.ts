/** What only the object does: sleep, be evicted, lose its storage. */
import { evictDurableObject, runInDurableObject } from 'cloudflare:test'
import { describe, expect, it, onTestFinished } from 'vitest'
import { createRecord } from '../../src/normalize.ts'
import type { LogSource, StreamItem, Subscription } from '../../src/source.ts'
import { evict, PLACES, relaysOf, roomSource, rooms, settled } from './room-source.ts'

interface Room {
  readonly stub: DurableObjectStub
  readonly source: LogSource
  /** Stops the room and its relays. */
  evict(webSockets: 'close' | 'hibernate'): Promise<void>
  watch(
    after?: string,
  ): Promise<{ subscription: Subscription; items: StreamItem[]; messages(): string[]; leave(): void }>
  append(...messages: string[]): Promise<readonly string[]>
}

let count = 0

async function room(): Promise<Room> {
  const name = `room-${count++}`
  const source = await roomSource(name)
  const stub = rooms.get(rooms.idFromName(name))
  return {
    stub,
    async evict(webSockets) {
      if (webSockets === 'hibernate') await settled(name)
      await evict([...(await relaysOf(name)), stub], webSockets)
    },
    source,
    append: (...messages) => source.append(messages.map((message) => createRecord('info', message, {}))),
    async watch(after) {
      const stop = new AbortController()
      onTestFinished(() => stop.abort())
      const subscription = await source.subscribe({ after, signal: stop.signal, maxClients: 10 })
      const items: StreamItem[] = []
      void (async () => {
        for await (const item of subscription) items.push(item)
      })()
      const messages = (): string[] =>
        items.flatMap((item) => (item.type === 'batch' ? item.entries().map(({ message }) => message) : []))
      return { subscription, items, messages, leave: () => stop.abort() }
    },
  }
}

describe('LogRoom', () => {
  it('stores many small appends in few rows, each answered with its own ids', async () => {
    const { stub, source, append } = await room()
    const once = (key: string): Promise<string> =>
      source.appendOnce(key, [createRecord('info', key, {})], `answer ${key}`)
    const [ids, first, again] = await Promise.all([
      Promise.all(Array.from({ length: 20 }, (_, index) => append(`${index} a`, `${index} b`))),
      once('key'),
      once('key'),
    ])
    expect([first, again]).toEqual(['answer key', 'answer key'])
    const { entries } = await source.history({ tail: 1000 })
    expect(entries).toHaveLength(41)
    const messages = new Map(entries.map(({ id, message }) => [id, message]))
    for (const [index, [a = '', b = '']] of ids.entries()) {
      expect([messages.get(a), messages.get(b)]).toEqual([`${index} a`, `${index} b`])
    }
    const rows = await runInDurableObject(stub, (_, { storage }) =>
      Number(storage.sql.exec('SELECT COUNT(*) AS rows FROM batches').one().rows),
    )
    expect(rows).toBeLessThan(8)
  })

  it('sleeps while two watchers wait, and gives them the next entry when it wakes', async () => {
    const { evict, append, watch } = await room()
    const [first] = await append('before')
    const watchers = [await watch(), await watch(first)]
    await evict('hibernate')
    const [second] = await append('after')
    for (const watcher of watchers) await expect.poll(watcher.messages).toEqual(['after'])
    expect(second).toBe(first?.replace(/1$/, '2'))
  })

  it('keeps a watcher’s filter and place through a sleep', async () => {
    const { evict, source, append } = await room()
    const stop = new AbortController()
    onTestFinished(() => stop.abort())
    for (let part = 0; part < 4; part++)
      await append(...Array.from({ length: 10 }, (_, index) => `${part * 10 + index}`.padEnd(10_000)))
    const subscription = await source.subscribe({ tail: 40, filter: { q: '1' }, signal: stop.signal })
    await evict('hibernate')
    await append('401', '402')
    const messages: string[] = []
    for await (const item of subscription) {
      if (item.type === 'batch') messages.push(...item.entries().map(({ message }) => message.trimEnd()))
      if (messages.includes('401')) break
    }
    expect(messages).toEqual([...Array.from({ length: 40 }, (_, n) => `${n}`).filter((n) => n.includes('1')), '401'])
  })

  it('is opened again after it dropped its sockets, and nothing is lost', async () => {
    const { evict, append, watch } = await room()
    const watcher = await watch()
    await append('one')
    await expect.poll(watcher.messages).toEqual(['one'])
    await evict('close')
    await append('two')
    await append('three')
    await expect.poll(watcher.messages).toEqual(['one', 'two', 'three'])
    expect(watcher.items.filter(({ type }) => type === 'gap')).toEqual([])
  })

  it('frees the socket of a watcher that leaves', async () => {
    const { stub, source, watch } = await room()
    const watcher = await watch()
    expect((await source.status()).clients).toBe(1)
    watcher.leave()
    await expect.poll(async () => (await source.status()).clients).toBe(0)
    await runInDurableObject(stub, (_, state) => expect(state.getWebSockets()).toHaveLength(PLACES ?? 0))
  })

  // A relay hears of it when somebody comes to it: a list of relays is lost with the storage.
  it.skipIf(PLACES !== undefined)('begins a new epoch when its storage is gone, and says so', async () => {
    const { stub, append, watch } = await room()
    const before = await watch()
    const [old] = await append('lost')
    await expect.poll(before.messages).toEqual(['lost'])
    await runInDurableObject(stub, (_, state) => state.storage.deleteAll())
    await evictDurableObject(stub)
    const [next] = await append('new')
    expect(next?.split('-')[0]).not.toBe(old?.split('-')[0])
    const watcher = await watch(old)
    await expect.poll(watcher.messages).toEqual(['new'])
    expect(watcher.items[0]).toMatchObject({ type: 'gap', reason: 'restarted', dropped: null })
    await expect.poll(before.messages).toEqual(['lost', 'new'])
    expect(before.items.at(-2)).toMatchObject({ type: 'gap', reason: 'restarted', dropped: null })
  })

  it('writes one row a batch', async () => {
    const { stub, append } = await room()
    await append(...Array.from({ length: 30 }, (_, index) => `${index}`))
    await append('last')
    await runInDurableObject(stub, (_, state) => {
      const rows = [...state.storage.sql.exec('SELECT first, count FROM batches')]
      expect(rows).toEqual([
        { first: 1, count: 30 },
        { first: 31, count: 1 },
      ])
    })
  })

  it('answers what is no subscription with 426', async () => {
    const { stub } = await room()
    expect((await stub.fetch('https://log-room/')).status).toBe(426)
  })
})
