/** A source in a log room, whose readers are at relays where the settings have few places at the room. */
import { evictDurableObject, runInDurableObject } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { expect, onTestFinished, vi } from 'vitest'
import { SETTLE_MS } from '../../src/cloudflare/relay-link.ts'
import { CHECKPOINT_MS } from '../../src/readers.ts'
import type { LogSource } from '../../src/source.ts'
import { durableObjectSource } from '../../src/sources/durable-object.ts'

const bindings = env as unknown as {
  readonly LOG_ROOM: DurableObjectNamespace
  readonly LOG_RELAY: DurableObjectNamespace
  readonly EDGETAIL_ROOM_CLIENTS?: string
}

/** Places at the room, and at each relay; undefined where the room has all that are needed. */
export const PLACES: number | undefined =
  bindings.EDGETAIL_ROOM_CLIENTS === undefined ? undefined : Number(bindings.EDGETAIL_ROOM_CLIENTS)

/** The namespaces. */
export const rooms: DurableObjectNamespace = bindings.LOG_ROOM
export const relays: DurableObjectNamespace = bindings.LOG_RELAY

/** Opens a source, and with few places takes all that the room has. */
export async function roomSource(name: string): Promise<LogSource> {
  const source = durableObjectSource(rooms, { name, relays })
  const stop = new AbortController()
  onTestFinished(() => stop.abort())
  const { close } = source
  for (let place = 0; place < (PLACES ?? 0); place++) await source.subscribe({ signal: stop.signal })
  return {
    ...source,
    close() {
      stop.abort()
      return close()
    },
  }
}

/** The relays that have watchers of a room. */
export async function relaysOf(name: string): Promise<DurableObjectStub[]> {
  const names = await runInDurableObject(rooms.get(rooms.idFromName(name)), (_, { storage }) =>
    [...storage.sql.exec('SELECT name FROM relays')].map((row) => String(row.name)),
  )
  return names.map((relay) => relays.get(relays.idFromName(relay)))
}

/** Waits until the relays of a room have stored where they stand, as they have long before they can sleep. */
export async function settled(name: string): Promise<void> {
  const head = (): Promise<number> =>
    runInDurableObject(rooms.get(rooms.idFromName(name)), (_, { storage }) =>
      Number(storage.sql.exec('SELECT COALESCE(MAX(first + count) - 1, 0) AS head FROM batches').one().head),
    )
  const areSettled = async (): Promise<boolean> => {
    const last = await head()
    const settled = (await relaysOf(name)).map((stub) =>
      runInDurableObject(stub, (_, state) => {
        // One that was stopped has nobody, and is not told so before the next entry.
        const isLeft = state.getWebSockets().length === 0
        return isLeft || state.storage.kv.get<{ head: number }>('place')?.head === last
      }),
    )
    return (await Promise.all(settled)).every((isSettled) => isSettled)
  }
  await expect.poll(areSettled, { timeout: 4000, message: 'the relays are settled' }).toBe(true)
}

/** Stops objects. One that sleeps already is woken where its sockets are to be closed. */
export async function evict(stubs: readonly DurableObjectStub[], webSockets: 'close' | 'hibernate'): Promise<void> {
  await Promise.all(
    stubs.map(async (stub) => {
      try {
        await evictDurableObject(stub, { webSockets })
      } catch (error) {
        if (!String(error).includes('not currently running')) throw error
        if (webSockets === 'hibernate') return
        await (await stub.fetch('https://log-room/')).text()
        await evictDurableObject(stub, { webSockets })
      }
    }),
  )
}

/**
 * The objects run in the isolate of the tests. Their timers come soon, because an object does not sleep while one runs. So would
 * the end of a poll that waits exactly as long as one of them.
 */
export function hurryTimers(): void {
  const { setTimeout: realTimeout } = globalThis
  vi.stubGlobal('setTimeout', (run: () => void, milliseconds: number) =>
    realTimeout(run, milliseconds === CHECKPOINT_MS || milliseconds === SETTLE_MS ? SOON_MS : milliseconds),
  )
}

const SOON_MS = 5
