/** The Durable Object against a model, through random schedules, sleeps and deploys. Time is real here. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { LogSource } from '../../src/source.ts'
import { LogModel, type ModelClient } from '../support/log-model.ts'
import { type Action, action, flood, open, World, withTurns } from '../support/schedule.ts'
import { SERVICE_SETTINGS } from '../support/settings.ts'
import { evict, hurryTimers, PLACES, relaysOf, roomSource, rooms, settled } from './room-source.ts'

hurryTimers()

/** What a Worker holds for one slow client before it drops it all, less what may still be on its way. */
const QUEUED_LENGTH = 512 * 1024

let worlds = 0

class RoomWorld extends World {
  readonly #name: string
  readonly source: LogSource
  /** How much had been appended when sockets were last closed. */
  #deployedAt = -1

  constructor(name: string, source: LogSource) {
    super(new LogModel(Number(SERVICE_SETTINGS.EDGETAIL_RETAIN)))
    this.#name = name
    this.source = source
  }

  static async open(): Promise<RoomWorld> {
    const name = `model-${worlds++}`
    return new RoomWorld(name, await roomSource(name))
  }

  /** Who lost its socket before it had all, or did not take what the Worker holds. */
  mayLose({ greedy, at }: ModelClient): boolean {
    return at <= this.#deployedAt || (!greedy && this.model.lengthOf(at, this.model.end) > QUEUED_LENGTH)
  }

  /** Who lost its socket opens another only when it asks for an item. */
  override minClients(): number {
    return this.#deployedAt === -1 ? this.clients.filter((client) => !this.mayLose(client)).length : 0
  }

  /** A relay tells the room a moment later who has left, and one that was stopped is missed with the next entry. */
  override async recount(): Promise<void> {
    if (PLACES === undefined) return
    await this.model.append(this.source, this.model.make(['info'], 1))
    const clients = async (): Promise<number> => (await this.source.status()).clients
    await expect.poll(clients, { timeout: 4000 }).toBeLessThanOrEqual(this.clients.length)
  }

  async pause(kind: string): Promise<void> {
    if (kind === 'sleep') await this.#evict('hibernate')
    else if (kind === 'deploy') {
      this.#deployedAt = this.model.end
      await this.#evict('close')
    } else await wait(2)
  }

  async settle(): Promise<void> {}

  /** Everyone takes all there is; then this Worker's readers end. */
  async end(): Promise<void> {
    for (const client of this.clients) {
      for (let tries = 0; !client.complete && tries < 100; tries++) {
        client.take()
        await wait(tries < 10 ? 0 : 5)
        client.check()
      }
    }
    // What a client asked for may be an earlier position, so it asks again.
    const positionOf = (client: ModelClient): number => {
      client.take()
      client.check()
      return client.at
    }
    for (const client of this.clients) {
      if (client.waiting)
        await expect.poll(() => positionOf(client), { message: 'its position', timeout: 4000 }).toBe(this.model.end)
    }
    await this.source.close()
    for (const client of this.clients) client.take()
    await wait(0)
  }

  async #evict(webSockets: 'close' | 'hibernate'): Promise<void> {
    if (webSockets === 'hibernate') await settled(this.#name)
    await evict([...(await relaysOf(this.#name)), rooms.get(rooms.idFromName(this.#name))], webSockets)
  }
}

function wait(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds))
}

describe('LogRoom against the model', () => {
  it('accounts for every entry once, to every client, through any schedule', { timeout: 60_000 }, async () => {
    const actions = fc.array(action({ turn: 4, sleep: 2, deploy: 1 }), { maxLength: 40, size: 'max' })
    await fc.assert(
      fc.asyncProperty(actions, async (actions) => (await RoomWorld.open()).play(actions)),
      { numRuns: 60, timeout: 10_000, endOnFailure: true },
    )
  })
  it('tells those who stall what they lost when a Worker held too much for them', { timeout: 60_000 }, async () => {
    // An id that does not exist when the client comes, and does when the Worker asks again for what it dropped.
    const fromTheFuture: Action = { type: 'open', begin: { after: 'future' }, level: undefined, greedy: false }
    const tooMuch: Action = { type: 'flood', count: 5, size: 16_000 }
    const opens = fc.array(open, { minLength: 3, maxLength: 5 })
    const happenings = fc.oneof({ weight: 3, arbitrary: flood(4, 8) }, { weight: 1, arbitrary: action({ turn: 1 }) })
    const actions = fc.array(happenings, { minLength: 15, maxLength: 25 })
    await fc.assert(
      fc.asyncProperty(opens, actions, async (opens, actions) =>
        (await RoomWorld.open()).play([...opens, ...withTurns(actions)]),
      ),
      { numRuns: 10, timeout: 10_000, endOnFailure: true, examples: [[[fromTheFuture], Array(24).fill(tooMuch)]] },
    )
  })
})
