/** The Durable Object against a model, through random schedules, sleeps and deploys. Time is real here. */
import { evictDurableObject } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import fc from 'fast-check'
import { describe, expect, it, vi } from 'vitest'
import { CHECKPOINT_MS } from '../../src/readers.ts'
import { durableObjectSource } from '../../src/sources/durable-object.ts'
import { LogModel, type ModelClient } from '../support/log-model.ts'
import { type Action, action, flood, open, World, withTurns } from '../support/schedule.ts'
import { SERVICE_SETTINGS } from '../support/settings.ts'

const namespace = (env as unknown as { LOG_ROOM: DurableObjectNamespace }).LOG_ROOM

// The object runs in the same isolate. Its checkpoints come soon here, because an object does not sleep while a timer runs.
const { setTimeout: realTimeout } = globalThis
vi.stubGlobal('setTimeout', (run: () => void, milliseconds: number) =>
  realTimeout(run, milliseconds === CHECKPOINT_MS ? SOON_MS : milliseconds),
)
const SOON_MS = 5

/** What a Worker holds for one slow client before it drops it all, less what may still be on its way. */
const QUEUED_LENGTH = 512 * 1024

let rooms = 0

class RoomWorld extends World {
  readonly #name = `model-${rooms++}`
  readonly source = durableObjectSource(namespace, { name: this.#name })
  /** How much had been appended when sockets were last closed. */
  #deployedAt = -1

  constructor() {
    super(new LogModel(Number(SERVICE_SETTINGS.EDGETAIL_RETAIN)))
  }

  /** Who lost its socket before it had all, or did not take what the Worker holds. */
  mayLose({ greedy, at }: ModelClient): boolean {
    return at <= this.#deployedAt || (!greedy && this.model.lengthOf(at, this.model.end) > QUEUED_LENGTH)
  }

  /** Who lost its socket opens another only when it asks for an item. */
  override minClients(): number {
    return this.#deployedAt === -1 ? this.clients.filter((client) => !this.mayLose(client)).length : 0
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
    await wait(4 * SOON_MS)
    for (const client of this.clients) if (client.waiting) expect(client.at, 'its position').toBe(this.model.end)
    await this.source.close()
    for (const client of this.clients) client.take()
    await wait(0)
  }

  async #evict(webSockets: 'close' | 'hibernate'): Promise<void> {
    const stub = namespace.get(namespace.idFromName(this.#name))
    try {
      await evictDurableObject(stub, { webSockets })
    } catch (error) {
      if (!String(error).includes('not currently running')) throw error
      if (webSockets === 'hibernate') return
      await this.source.status()
      await evictDurableObject(stub, { webSockets })
    }
  }
}

function wait(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds))
}

describe('LogRoom against the model', () => {
  it('accounts for every entry once, to every client, through any schedule', { timeout: 60_000 }, async () => {
    const actions = fc.array(action({ turn: 4, sleep: 2, deploy: 1 }), { maxLength: 40, size: 'max' })
    await fc.assert(
      fc.asyncProperty(actions, (actions) => new RoomWorld().play(actions)),
      { numRuns: 60, timeout: 10_000 },
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
      fc.asyncProperty(opens, actions, (opens, actions) => new RoomWorld().play([...opens, ...withTurns(actions)])),
      { numRuns: 10, timeout: 10_000, endOnFailure: true, examples: [[[fromTheFuture], Array(24).fill(tooMuch)]] },
    )
  })
})
