/** Random schedules: what can happen to a log source and its clients, and a world in which it happens. */
import fc from 'fast-check'
import { expect } from 'vitest'
import { LEVELS, type Level } from '../../src/log.ts'
import type { LogSource } from '../../src/source.ts'
import { type Begin, type LogModel, ModelClient } from './log-model.ts'

/** Something that happens. `who` is a client, by its number modulo how many there are. */
export type Action =
  | { type: 'append'; levels: Level[]; size: number }
  | { type: 'flood'; count: number; size: number }
  | { type: 'open'; begin: Begin; level: Level | undefined; greedy: boolean }
  | { type: 'take' | 'leave' | 'resume'; who: number }
  | { type: 'cut'; who: number; after: number }
  | { type: Pause }

/** Nothing but time, or what only some sources do. */
type Pause = 'turn' | 'silence' | 'sleep' | 'deploy'

const level = fc.constantFrom(...LEVELS)
const who = fc.nat(30)
const begin: fc.Arbitrary<Begin> = fc.oneof(
  fc.record({ tail: fc.constantFrom(0, 1, 3, 10, 1000) }),
  fc.record({ after: fc.nat(200) }),
  fc.record({ after: fc.constantFrom('malformed' as const, 'foreign' as const, 'future' as const) }),
)

/** A client that comes, greedy or one that takes only when it is told to. */
export const open: fc.Arbitrary<Action> = fc.record({
  type: fc.constant('open' as const),
  begin,
  level: fc.option(level, { nil: undefined }),
  greedy: fc.boolean(),
})

/** So many large entries at once. */
export function flood(min: number, max: number): fc.Arbitrary<Action> {
  return fc.record({
    type: fc.constant('flood' as const),
    count: fc.integer({ min, max }),
    size: fc.integer({ min: 15_000, max: 20_000 }),
  })
}

/** A turn after each flood: nobody can keep up with a turn that brings more than is ever held. */
export function withTurns(actions: readonly Action[]): Action[] {
  return actions.flatMap((action): Action[] => (action.type === 'flood' ? [action, { type: 'turn' }] : [action]))
}

/** Any action but a flood, pauses with the weights given. */
export function action(pauses: Partial<Record<Pause, number>>): fc.Arbitrary<Action> {
  const append = fc.record({
    type: fc.constant('append' as const),
    levels: fc.array(level, { minLength: 1, maxLength: 40 }),
    size: fc.oneof(
      { weight: 5, arbitrary: fc.nat(40) },
      { weight: 1, arbitrary: fc.integer({ min: 2_000, max: 20_000 }) },
    ),
  })
  return fc.oneof(
    { weight: 6, arbitrary: append as fc.Arbitrary<Action> },
    { weight: 3, arbitrary: open },
    { weight: 6, arbitrary: fc.record({ type: fc.constant('take' as const), who }) },
    { weight: 2, arbitrary: fc.record({ type: fc.constant('cut' as const), who, after: fc.nat(20) }) },
    { weight: 1, arbitrary: fc.record({ type: fc.constant('leave' as const), who }) },
    { weight: 3, arbitrary: fc.record({ type: fc.constant('resume' as const), who }) },
    ...Object.entries(pauses).map(([type, weight]) => ({
      weight,
      arbitrary: fc.record({ type: fc.constant(type as Pause) }),
    })),
  )
}

/** A source, its model and its clients. */
export abstract class World {
  abstract readonly source: LogSource
  readonly model: LogModel
  readonly clients: ModelClient[] = []

  constructor(model: LogModel) {
    this.model = model
  }

  /** Whether a `slow` gap now would be right. */
  abstract mayLose(client: ModelClient): boolean
  /** How many of the clients the source must count. */
  minClients(): number {
    return this.clients.length
  }
  /** Waits until it is known who has left, where that takes a moment. */
  async recount(): Promise<void> {}
  /** Lets time pass, and checks what must be so after it. */
  abstract pause(kind: Pause): Promise<void>
  /** Lets the clients do what they can do at once. */
  abstract settle(): Promise<void>
  /** Brings it all to its end, and checks that nobody lacks anything. */
  abstract end(): Promise<void>

  /** Plays a schedule. There is one entry before it, so that there is an id. */
  async play(actions: readonly Action[]): Promise<void> {
    await this.model.append(this.source, this.model.make(['info'], 1))
    for (const action of actions) {
      await this.#run(action)
      await this.settle()
      for (const client of this.clients) client.check()
    }
    for (const client of this.clients) {
      client.cutAfter = undefined
      if (!client.connected) await client.resume(this.source)
    }
    await this.recount()
    const { entries, clients } = await this.source.status()
    expect(entries).toBe(this.model.end - this.model.kept)
    expect(clients).toBeGreaterThanOrEqual(this.minClients())
    expect(clients).toBeLessThanOrEqual(this.clients.length)
    await this.end()
    for (const client of this.clients) {
      client.check()
      expect(client.connected, 'is ended').toBe(false)
      expect(client.complete, 'had everything').toBe(true)
    }
  }

  async #run(action: Action): Promise<void> {
    const client = 'who' in action ? this.clients[action.who % Math.max(1, this.clients.length)] : undefined
    switch (action.type) {
      case 'append':
        return this.model.append(this.source, this.model.make(action.levels, action.size))
      case 'flood': {
        const levels = Array.from({ length: action.count }, (_, index) => LEVELS[index % LEVELS.length] as Level)
        return this.model.append(this.source, this.model.make(levels, action.size))
      }
      case 'open': {
        const { begin, level, greedy } = action
        const opened = new ModelClient(this.model, level, greedy, (client) => this.mayLose(client))
        this.clients.push(opened)
        return opened.begin(this.source, begin)
      }
      case 'take':
        return client?.take()
      case 'cut':
        return client?.take(action.after)
      case 'leave':
        return client?.leave()
      case 'resume':
        return client?.resume(this.source)
      default:
        return this.pause(action.type)
    }
  }
}
