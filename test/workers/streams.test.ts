/** Named streams on Cloudflare: names in the default log's object, entries in one object for each. */
import { evictDurableObject, runInDurableObject } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { describe, expect, it } from 'vitest'
import type { LogRoom } from '../../src/cloudflare/log-room.ts'
import { createMonitor } from '../../src/monitor.ts'
import { durableObjectSource, type LogRoomNamespace } from '../../src/sources/durable-object.ts'
import { durableObjectStreams } from '../../src/sources/durable-object-streams.ts'
import { LENT_MS } from '../../src/streams.ts'
import { testDirectory } from '../conformance/directory.ts'

const namespace = (env as unknown as { LOG_ROOM: DurableObjectNamespace<LogRoom> }).LOG_ROOM

testDirectory('Durable Objects', async (name) => durableObjectStreams(namespace, { name }), { shared: true })

/** The namespace, with the rooms written down that are asked. */
function watched(): { rooms: LogRoomNamespace; asked: string[] } {
  const asked: string[] = []
  const rooms: LogRoomNamespace = {
    idFromName(name) {
      asked.push(name)
      return namespace.idFromName(name)
    },
    get: (id) => namespace.get(id),
  }
  return { rooms, asked }
}

describe('durableObjectStreams', () => {
  it('asks for a name once, and then only the object of the stream', async () => {
    const { rooms, asked } = watched()
    const [source, streams] = [durableObjectSource(rooms), durableObjectStreams(rooms)]
    const { routes } = createMonitor({ source, streams, token: 'secret' })
    const headers = { Authorization: 'Bearer secret', 'Content-Type': 'application/json' }
    const write = async (): Promise<number> =>
      (await routes.request('/s/hot/logs', { method: 'POST', headers, body: '{"message":"x"}' })).status
    expect(await write()).toBe(202)
    expect(new Set(asked)).toEqual(new Set(['default', 'default/s/hot']))
    asked.length = 0
    for (let n = 0; n < 5; n++) expect(await write()).toBe(202)
    expect((await routes.request('/s/hot/logs', { headers })).status).toBe(200)
    expect(asked).toEqual(Array(6).fill('default/s/hot'))
  })

  it('keeps the names through a sleep, and makes no table in rooms that have none', async () => {
    const streams = durableObjectStreams(namespace, { name: 'sleeper' })
    await streams.claim('shop', { lasting: true, max: 3 })
    const room = namespace.get(namespace.idFromName('sleeper'))
    await evictDurableObject(room)
    expect(await streams.list()).toEqual(['shop'])
    const named = namespace.get(namespace.idFromName('sleeper/s/shop'))
    const tables = await runInDurableObject(named, (_, { storage }) =>
      [...storage.sql.exec("SELECT name FROM sqlite_master WHERE type = 'table'")].map(({ name }) => name),
    )
    expect(tables).toContain('batches')
    expect(tables).not.toContain('streams')
  })

  it('gives a place that was lent to another name when its time is over', async () => {
    const streams = durableObjectStreams(namespace, { name: 'lender' })
    await streams.claim('looked', { lasting: false, max: 2 })
    await streams.claim('written', { lasting: true, max: 2 })
    await streams.claim('written', { lasting: false, max: 2 })
    await expect(streams.claim('new', { lasting: false, max: 2 })).rejects.toMatchObject({ code: 'too_many_streams' })
    const room = namespace.get(namespace.idFromName('lender'))
    await runInDurableObject(room, (_, { storage }) => {
      const { until } = storage.sql.exec("SELECT until FROM streams WHERE name = 'looked'").one()
      expect(Number(until) - Date.now()).toBeGreaterThan(LENT_MS - 60_000)
      storage.sql.exec('UPDATE streams SET until = ? WHERE until IS NOT NULL', Date.now() - 1)
    })
    expect(await streams.list()).toEqual(['written'])
    await streams.claim('new', { lasting: true, max: 2 })
    await expect(streams.claim('next', { lasting: true, max: 2 })).rejects.toMatchObject({ code: 'too_many_streams' })
    expect([...(await streams.list())].sort()).toEqual(['new', 'written'])
  })

  it('says that the object cannot be reached', async () => {
    const gone: LogRoomNamespace = {
      idFromName: () => 'gone',
      get: () => ({
        claimStream: () => Promise.reject(new Error('Network connection lost.')),
        streams: () => Promise.reject(new Error('Network connection lost.')),
      }),
    }
    const streams = durableObjectStreams(gone)
    await expect(streams.list()).rejects.toMatchObject({ code: 'source_unavailable' })
    await expect(streams.claim('a', { lasting: true, max: 1 })).rejects.toMatchObject({ code: 'source_unavailable' })
  })
})
