import { describe, expect, it } from 'vitest'
import { createBuckets } from '../../../src/viewer/app/model/buckets.ts'
import { layOut } from '../../../src/viewer/app/model/layout.ts'
import { type RowChoice, Rows } from '../../../src/viewer/app/model/rows.ts'
import { EntryStore } from '../../../src/viewer/app/model/store.ts'
import { entryRow, gapRow, toBatch } from '../../../src/viewer/app/wire/columns.ts'
import { type Batch, GAP } from '../../../src/viewer/app/wire/protocol.ts'
import { createRandom } from '../../support/random.ts'

const ALL = { levels: 0, range: undefined, collapse: false }

function line(message: string, level = 'info', second = 0): string {
  return JSON.stringify({ ts: new Date(second * 1000).toISOString(), level, message, context: {} })
}

function batch(from: number, to: number, text: (number: number) => string = (number) => `m${number}`): Batch {
  const rows = []
  for (let number = from; number < to; number++) rows.push(entryRow(`e-${number}`, line(text(number), 'info', number)))
  return toBatch(rows)
}

function ids(store: EntryStore): string[] {
  return Array.from({ length: store.size }, (_, index) => store.id(store.start + index))
}

describe('the entries that a page holds', () => {
  it('keeps the newest, and a position is that of the same entry for good', () => {
    const store = new EntryStore(4)
    expect(store.append(batch(0, 3))).toBe(0)
    const position = store.find('e-2') as number
    expect(store.append(batch(3, 7))).toBe(3)
    expect(ids(store)).toEqual(['e-3', 'e-4', 'e-5', 'e-6'])
    expect(store.find('e-2')).toBeUndefined()
    expect(position).toBe(2)
    expect(store.id(store.find('e-5') as number)).toBe('e-5')
  })

  it('takes older ones in front as far as there is room, the newest of them', () => {
    const store = new EntryStore(5)
    store.append(batch(10, 13))
    expect(store.prepend(batch(0, 10))).toBe(2)
    expect(ids(store)).toEqual(['e-8', 'e-9', 'e-10', 'e-11', 'e-12'])
    store.append(batch(13, 15))
    expect(ids(store)).toEqual(['e-10', 'e-11', 'e-12', 'e-13', 'e-14'])
    expect(store.find('e-14')).toBe(4)
  })

  it('holds what a list would, whatever is done to it', () => {
    const random = createRandom(5)
    const totals = createBuckets()
    const store: EntryStore = new EntryStore(50, {
      added: (position) => totals.add(store.time(position), store.level(position)),
      removed: (position) => totals.remove(store.time(position), store.level(position)),
    })
    const rows = new Rows(store, { ...ALL, collapse: true })
    const model: string[] = []
    let low = 1000
    let high = 1000
    for (let step = 0; step < 400; step++) {
      const count = random.int(1, 20)
      const text = (number: number): string => `m${Math.floor(number / 3)}`
      if (random.chance(0.7)) {
        store.append(batch(high, high + count, text))
        for (let number = high; number < high + count; number++) model.push(`e-${number}`)
        high += count
        while (model.length > 50) {
          model.shift()
          low++
        }
        rows.grow()
      } else {
        const taken = store.prepend(batch(low - count, low, text))
        for (let index = 0; index < taken; index++) model.unshift(`e-${--low}`)
        rows.remake()
      }
      expect(ids(store)).toEqual(model)
      expect(totals.totals[2]).toBe(model.length)
      // Rows that were kept up are those that are made anew, but for the first, whose repeats may be gone.
      const fresh = new Rows(store, { ...ALL, collapse: true })
      const positions = (of: Rows): number[] => Array.from({ length: of.length }, (_, row) => of.position(row))
      expect(positions(rows)).toEqual(positions(fresh))
    }
  })
})

describe('the rows', () => {
  const rowsOf = (store: EntryStore, choice: Partial<RowChoice>): Rows => new Rows(store, { ...ALL, ...choice })

  it('put repeats on one row with their count, which shows the last of them', () => {
    const store = new EntryStore(100)
    store.append(toBatch(['a', 'a', 'b', 'a', 'a', 'a'].map((text, at) => entryRow(`e-${at}`, line(text, 'info', at)))))
    const rows = rowsOf(store, { collapse: true })
    expect([0, 1, 2].map((row) => [rows.position(row), rows.count(row)])).toEqual([
      [1, 2],
      [2, 1],
      [5, 3],
    ])
    expect(rowsOf(store, { collapse: false }).length).toBe(6)
  })

  it('does not take for a repeat what only looks alike', () => {
    const store = new EntryStore(100)
    store.append(toBatch([entryRow('e-1', line('a')), entryRow('e-2', line('a', 'warn')), entryRow('e-3', line('a '))]))
    expect(rowsOf(store, { collapse: true }).length).toBe(3)
  })

  it('show the chosen levels and range, and every gap', () => {
    const store = new EntryStore(100)
    store.append(
      toBatch([
        entryRow('e-1', line('a', 'info', 1)),
        entryRow('e-2', line('b', 'error', 2)),
        gapRow('e-9', '{"reason":"evicted","dropped":6}', 3000),
        entryRow('e-10', line('c', 'error', 4)),
      ]),
    )
    const shown = (rows: Rows): string[] =>
      Array.from({ length: rows.length }, (_, row) => store.id(rows.position(row)))
    expect(shown(rowsOf(store, { levels: 1 << 4 }))).toEqual(['e-2', 'e-9', 'e-10'])
    expect(shown(rowsOf(store, { range: [1000, 2000] }))).toEqual(['e-1', 'e-2', 'e-9'])
    expect(store.level(2)).toBe(GAP)
  })

  it('find the row of a position, or the next that is shown', () => {
    const store = new EntryStore(100)
    store.append(
      toBatch(['info', 'error', 'info', 'error'].map((level, at) => entryRow(`e-${at}`, line('x', level, at)))),
    )
    const rows = rowsOf(store, { levels: 1 << 4 })
    expect([0, 1, 2, 3, 4].map((position) => rows.rowAt(position))).toEqual([0, 0, 1, 1, 2])
  })
})

describe('the layout', () => {
  it('knows where every row stands, also behind unfolded ones', () => {
    const layout = layOut(10, 20, [
      { row: 2, px: 30 },
      { row: 5, px: 10 },
    ])
    expect(layout.height).toBe(240)
    expect([0, 2, 3, 5, 6].map(layout.top)).toEqual([0, 40, 90, 130, 160])
    for (let row = 0; row < 10; row++) {
      expect(layout.rowAt(layout.top(row))).toBe(row)
      expect(layout.rowAt(layout.top(row + 1) - 1)).toBe(row)
    }
  })
})

describe('the bars', () => {
  it('count by level and forget what is removed', () => {
    const buckets = createBuckets()
    for (const [time, level] of [
      [1000, 2],
      [1999, 4],
      [2000, 4],
      [61_000, 5],
    ] as const) {
      buckets.add(time, level)
    }
    buckets.add(1500, GAP)
    expect(buckets.span()).toEqual([1, 61])
    expect(buckets.totals).toEqual([0, 0, 1, 0, 2, 1])
    const { width, times, levels } = buckets.bars(0, 61, 100)
    expect([width, times.length, levels[4]?.slice(0, 4), levels[5]?.at(-1)]).toEqual([1, 62, [0, 1, 1, 0], 1])
    expect(buckets.bars(0, 61, 10).width).toBe(10)
    buckets.remove(61_000, 5)
    expect(buckets.span()).toEqual([1, 2])
  })
})
