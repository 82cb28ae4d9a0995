/** The contract of a directory of logs as a suite, run by each of ours. */
import { describe, expect, it, onTestFinished } from 'vitest'
import type { MonitorError } from '../../src/errors.ts'
import { createRecord } from '../../src/normalize.ts'
import type { LogDirectory } from '../../src/streams.ts'

const lasting = (max: number): { lasting: boolean; max: number } => ({ lasting: true, max })
const lent = (max: number): { lasting: boolean; max: number } => ({ lasting: false, max })

/** Waits until the clock shows another one, so that of two claims one is the earlier. */
async function anotherMillisecond(): Promise<void> {
  const now = Date.now()
  do await new Promise((resolve) => setTimeout(resolve, 1))
  while (Date.now() === now)
}

/** What came of claims. */
async function outcomes(claims: readonly Promise<void>[]): Promise<{ given: number; refused: string[] }> {
  const settled = await Promise.allSettled(claims)
  const refused = settled.flatMap((one) => (one.status === 'rejected' ? [(one.reason as MonitorError).code] : []))
  return { given: settled.length - refused.length, refused: [...new Set(refused)] }
}

/**
 * Runs the suite.
 *
 * @param open - a directory at a place; called twice with the same place it opens the same names, where they are shared
 */
export function testDirectory(
  name: string,
  open: (place: string) => Promise<LogDirectory>,
  { shared = false }: { shared?: boolean } = {},
): void {
  let places = 0
  const somewhere = (): string => `directory-${places++}`

  describe(`directory: ${name}`, () => {
    it('is empty at first, and lists what has a place once', async () => {
      const directory = await open(somewhere())
      expect(await directory.list()).toEqual([])
      for (const claim of [lent(5), lasting(5), lent(5), lasting(5)]) await directory.claim('shop', claim)
      await directory.claim('pay-in', lent(5))
      expect([...(await directory.list())].sort()).toEqual(['pay-in', 'shop'])
    })

    it('gives no more places than there are, however many are claimed at once', async () => {
      const directory = await open(somewhere())
      const claims = Array.from({ length: 50 }, (_, n) => directory.claim(`s${n}`, n % 2 ? lasting(10) : lent(10)))
      // What is lent gives way, so that of those each place was given twice at the most.
      const { given, refused } = await outcomes(claims)
      expect(given).toBeGreaterThanOrEqual(10)
      expect(given).toBeLessThanOrEqual(20)
      expect(refused).toEqual(['too_many_streams'])
      const names = await directory.list()
      expect(names).toHaveLength(10)
      expect(await outcomes(names.map((name) => directory.claim(name, lasting(10))))).toMatchObject({ given: 10 })
      // A limit that is lower now takes nobody's place.
      expect(await outcomes(names.map((name) => directory.claim(name, lasting(1))))).toMatchObject({ given: 10 })
      await expect(directory.claim('one-more', lasting(10))).rejects.toMatchObject({ code: 'too_many_streams' })
      await directory.claim('one-more', lasting(11))
    })

    it('gives what lasts the place of the name that was lent longest ago, and what is lent none', async () => {
      const directory = await open(somewhere())
      for (const [name, claim] of [
        ['written', lasting(4)],
        ['older', lent(4)],
        ['newer', lent(4)],
        ['renewed', lent(4)],
        ['older', lent(4)],
        ['renewed', lent(4)],
      ] as const) {
        await directory.claim(name, claim)
        await anotherMillisecond()
      }
      const full = { code: 'too_many_streams' }
      await expect(directory.claim('reader', lent(4))).rejects.toMatchObject(full)
      // Whoever has a place takes nobody's.
      await directory.claim('written', lasting(4))
      expect([...(await directory.list())].sort()).toEqual(['newer', 'older', 'renewed', 'written'])
      await directory.claim('first', lasting(4))
      expect([...(await directory.list())].sort()).toEqual(['first', 'older', 'renewed', 'written'])
      // All that is lent, where the limit is lower now.
      await directory.claim('second', lasting(3))
      expect([...(await directory.list())].sort()).toEqual(['first', 'second', 'written'])
      await expect(directory.claim('third', lasting(3))).rejects.toMatchObject(full)
      await expect(directory.claim('third', lasting(0))).rejects.toThrow(/MAX_STREAMS .*allows 0 named streams/)
      expect(await directory.list()).toHaveLength(3)
    })

    it('takes no place that is lent for a claim that is refused all the same', async () => {
      const directory = await open(somewhere())
      for (const name of ['a', 'b']) await directory.claim(name, lasting(3))
      await directory.claim('lent', lent(3))
      await expect(directory.claim('c', lasting(2))).rejects.toMatchObject({ code: 'too_many_streams' })
      expect([...(await directory.list())].sort()).toEqual(['a', 'b', 'lent'])
    })

    it('keeps what a name whose place was taken gets later, in a log that is still open', async () => {
      const directory = await open(somewhere())
      await directory.claim('watched', lent(1))
      const source = directory.open('watched')
      onTestFinished(() => source.close())
      await directory.claim('written', lasting(1))
      expect(await directory.list()).toEqual(['written'])
      expect((await source.history({ tail: 1 })).entries).toEqual([])
      await directory.claim('watched', lasting(2))
      await source.append([createRecord('info', 'at last', {})])
      expect((await source.history({ tail: 1 })).entries[0]?.message).toBe('at last')
    })

    it('opens logs that are apart from each other', async () => {
      const directory = await open(somewhere())
      const sources = []
      for (const name of ['a', 'a.b', 'constructor']) {
        await directory.claim(name, lasting(5))
        const source = directory.open(name)
        onTestFinished(() => source.close())
        await source.append([createRecord('info', `of ${name}`, {})])
        sources.push(source)
      }
      const stored = await Promise.all(sources.map((source) => source.history({ tail: 10 })))
      expect(stored.map(({ entries }) => entries.map(({ message }) => message))).toEqual([
        ['of a'],
        ['of a.b'],
        ['of constructor'],
      ])
    })

    it.runIf(shared)('shares names, their logs and the limit with all who open the same place', async () => {
      const place = somewhere()
      const [one, two] = [await open(place), await open(place)]
      const claims = Array.from({ length: 50 }, (_, n) => (n % 2 ? one : two).claim(`s${n}`, lasting(10)))
      expect(await outcomes(claims)).toEqual({ given: 10, refused: ['too_many_streams'] })
      const names = [...(await one.list())].sort()
      expect(names).toHaveLength(10)
      expect([...(await two.list())].sort()).toEqual(names)
      const [name = ''] = names
      const [written, read] = [one.open(name), two.open(name)]
      onTestFinished(async () => void (await Promise.all([written.close(), read.close()])))
      await written.append([createRecord('info', 'by the other', {})])
      expect((await read.history({ tail: 1 })).entries[0]?.message).toBe('by the other')
      const elsewhere = await open(somewhere())
      expect(await elsewhere.list()).toEqual([])
    })
  })
}
