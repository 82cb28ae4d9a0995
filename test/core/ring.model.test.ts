/** The memory source against a model, through random schedules; the clock is the test's, so that a seed repeats its run. */
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { CHECKPOINT_MS } from '../../src/readers.ts'
import { MAX_LATE_BYTES } from '../../src/ring.ts'
import type { LogSource } from '../../src/source.ts'
import { LogModel, type ModelClient } from '../support/log-model.ts'
import { action, flood, open, World, withTurns } from '../support/schedule.ts'

let memorySource: typeof import('../../src/sources/memory.ts').memorySource

beforeAll(async () => {
  vi.useFakeTimers()
  // The pacer takes its clock when it is loaded.
  vi.resetModules()
  memorySource = (await import('../../src/sources/memory.ts')).memorySource
})
afterAll(() => {
  vi.useRealTimers()
})

/** A flush takes a millisecond of this clock at the most, and what comes next is gathered four times as long. */
const TURN_MS = 5

class MemoryWorld extends World {
  readonly source: LogSource

  constructor(retain: number, retainBytes = Number.MAX_SAFE_INTEGER) {
    super(new LogModel(retain, retainBytes))
    this.source = memorySource({ retain, retainBytes })
  }

  /** Only who does not take, and only what is beyond the retention and the late bytes. */
  mayLose({ greedy, at }: ModelClient): boolean {
    const { kept } = this.model
    return !greedy && this.model.lengthOf(at, kept) > MAX_LATE_BYTES
  }

  /** After a turn whoever waits has everything; after a silence it knows its position as well. */
  async pause(kind: string): Promise<void> {
    await this.#pass(TURN_MS)
    for (const client of this.clients) if (client.waiting) expect(client.complete, 'had everything').toBe(true)
    if (kind !== 'silence') return
    await this.#pass(CHECKPOINT_MS)
    for (const client of this.clients) if (client.waiting) expect(client.at, 'its position').toBe(this.model.end)
  }

  async #pass(milliseconds: number): Promise<void> {
    vi.advanceTimersByTime(milliseconds)
    await this.settle()
  }

  /** Lets microtasks run until nothing moves. */
  async settle(): Promise<void> {
    const items = (): number => this.clients.reduce((sum, { items }) => sum + items, 0)
    for (let before = items(), idle = 0; idle < 8; idle++) {
      await null
      if (items() === before) continue
      before = items()
      idle = 0
    }
  }

  /** A reader is ended after it was given what was appended before, flushed or not. */
  async end(): Promise<void> {
    await this.source.close()
    for (const client of this.clients) {
      for (let before = -1; client.connected && client.items > before; ) {
        before = client.items
        client.take()
        await this.settle()
      }
    }
  }
}

describe('memory source against the model', () => {
  it('accounts for every entry once, to every client, through any schedule', { timeout: 60_000 }, async () => {
    const actions = fc.array(action({ turn: 4, silence: 1 }), { maxLength: 60, size: 'max' })
    const retainBytes = fc.option(fc.integer({ min: 1, max: 100_000 }), { nil: undefined })
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 60 }), retainBytes, actions, (retain, retainBytes, actions) =>
        new MemoryWorld(retain, retainBytes).play(actions),
      ),
      { numRuns: 400 },
    )
  })

  it('tells those who stall what they lost, and loses nothing of those who keep up', { timeout: 60_000 }, async () => {
    const opens = fc.array(open, { minLength: 2, maxLength: 4 })
    const actions = fc.array(fc.oneof(flood(100, 300), action({ turn: 4, silence: 1 })), {
      minLength: 10,
      maxLength: 30,
      size: 'max',
    })
    await fc.assert(
      fc.asyncProperty(opens, actions, (opens, actions) => new MemoryWorld(5).play([...opens, ...withTurns(actions)])),
      { numRuns: 8, endOnFailure: true },
    )
  })
})
