/** What a client was told of a stream, held against what was acknowledged: every entry, in order, once, or in a gap. */
import { expect } from 'vitest'
import type { Seen } from './stream-clients.ts'

/** An entry that was acknowledged. */
export interface Entry {
  readonly id: string
  readonly message: string
}

/** Walks through what was told beside what was acknowledged, up to the last of that. */
export function account(
  seen: readonly Seen[],
  entries: readonly Entry[],
): { got: number; missed: number; gaps: number } {
  let place = 0
  let missed = 0
  let gaps = 0
  for (const [index, { event, data, id }] of seen.entries()) {
    if (place >= entries.length) break
    const around = seen.slice(Math.max(0, index - 3), index + 1).map((told) => `${told.event} ${told.id}`)
    const where = `place ${place}, told: ${around.join(', ')}`
    const parsed = JSON.parse(data) as { dropped?: number; message?: string; resumed?: boolean }
    if (event === 'gap') {
      expect(parsed.dropped, where).toBeGreaterThan(0)
      missed += parsed.dropped as number
      place += parsed.dropped as number
      gaps++
    }
    if (event === 'log') expect({ id, message: parsed.message }, where).toEqual(entries[place++])
    // The id of an event is the place after it. A `ready` without one is followed by a gap.
    else if (place > 0 && id) expect(id, where).toBe(entries[place - 1]?.id)
  }
  return { got: place - missed, missed, gaps }
}
