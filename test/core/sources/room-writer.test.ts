/** What becomes of appends that wait for one call, whatever becomes of the call. Time is moved by hand. */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { Append } from '../../../src/group-commit.ts'
import { type AppendOutcome, RoomWriter } from '../../../src/sources/room-writer.ts'

interface Call {
  readonly appends: readonly Append[]
  answer(outcomes?: readonly AppendOutcome[]): void
  fail(error: Error): void
}

describe('RoomWriter', () => {
  let calls: Call[]
  let kept: Promise<unknown>[]
  let writer: RoomWriter
  const stored = ({ lines, once }: Append): AppendOutcome => ({
    ids: lines.map((line) => `id of ${line}`),
    answer: once?.answer ?? '',
  })

  beforeEach(() => {
    vi.useFakeTimers()
    calls = []
    kept = []
    writer = new RoomWriter({
      waitUntil: (promise) => void kept.push(promise),
      send: (appends) =>
        new Promise((resolve, reject) => {
          calls.push({ appends, fail: reject, answer: (outcomes = appends.map(stored)) => resolve(outcomes) })
        }),
    })
  })
  afterEach(() => {
    vi.useRealTimers()
  })

  const linesOf = ({ appends }: Call): string[] => appends.flatMap(({ lines }) => lines)
  const turn = (): Promise<unknown> => vi.advanceTimersByTimeAsync(1)

  it('sends a lone append at once, and together what comes meanwhile, in order, each with its own answer', async () => {
    const first = writer.append({ lines: ['a'] })
    const others = [
      writer.append({ lines: ['b', 'c'] }),
      writer.append({ lines: ['d'], once: { key: 'key', answer: 'stored d' } }),
      writer.append({ lines: ['e'] }),
    ]
    expect(calls.map(linesOf)).toEqual([['a']])
    calls[0]?.answer()
    expect(await first).toEqual({ ids: ['id of a'], answer: '' })
    await turn()
    expect(calls.map(linesOf)).toEqual([['a'], ['b', 'c', 'd', 'e']])
    calls[1]?.answer()
    expect(await Promise.all(others)).toEqual([
      { ids: ['id of b', 'id of c'], answer: '' },
      { ids: ['id of d'], answer: 'stored d' },
      { ids: ['id of e'], answer: '' },
    ])
    // Each request is kept until its own is stored.
    expect(kept).toHaveLength(4)
    await Promise.all(kept)
  })

  it('tells everyone of a call that failed, and goes on with the next', async () => {
    const first = writer.append({ lines: ['a'] })
    const second = writer.append({ lines: ['b'] })
    calls[0]?.fail(new Error('The object was stopped.'))
    await expect(first).rejects.toThrow('The object was stopped.')
    await turn()
    calls[1]?.answer([{ error: 'The disk is full.' }])
    await expect(second).rejects.toThrow('The disk is full.')
    // What waitUntil is given does not fail: nobody would look at it.
    await Promise.all(kept)
  })

  it('parts what is too much for one call', async () => {
    const large = 'x'.repeat(3 * 1024 * 1024)
    const appends = ['first', large, large, 'small'].map((line) => writer.append({ lines: [line] }))
    for (let number = 0; number < 3; number++) {
      await turn()
      calls[number]?.answer()
    }
    await Promise.all(appends)
    expect(calls.map(({ appends }) => appends.length)).toEqual([1, 1, 2])
  })

  it('gives up a call that never ends, and is not held up by it', async () => {
    const lost = writer.append({ lines: ['lost'] })
    const refused = expect(lost).rejects.toThrow('in time')
    await vi.advanceTimersByTimeAsync(20_000)
    const waiting = writer.append({ lines: ['waiting'] })
    expect(calls).toHaveLength(1)
    await vi.advanceTimersByTimeAsync(10_100)
    await refused
    expect(calls.map(linesOf)).toEqual([['lost'], ['waiting']])
    calls[1]?.answer()
    expect(await waiting).toEqual({ ids: ['id of waiting'], answer: '' })
    // An answer that comes after all changes nothing for those who came later.
    const later = writer.append({ lines: ['later'] })
    calls[0]?.answer()
    await turn()
    expect(calls).toHaveLength(3)
    calls[2]?.answer()
    await later
  })

  it('refuses who has waited too long', async () => {
    void writer.append({ lines: ['a'] }).catch(() => {})
    await vi.advanceTimersByTimeAsync(20_000)
    void writer.append({ lines: ['b'] }).catch(() => {})
    const late = writer.append({ lines: ['c'] })
    const refused = expect(late).rejects.toThrow('in time')
    await vi.advanceTimersByTimeAsync(61_000)
    await refused
  })
})
