/** The store of the Durable Object over Node's own SQLite, against the same model; a reopened store is the object after a sleep. */
import { DatabaseSync } from 'node:sqlite'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { BatchStore, type Retention, type SqlDriver } from '../../src/batch-store.ts'
import { compileFilter } from '../../src/filter/filter.ts'
import { LEVELS } from '../../src/log.ts'
import { LogModel } from '../support/log-model.ts'

const level = fc.constantFrom(...LEVELS)
const append = fc.record({
  levels: fc.array(level, { minLength: 1, maxLength: 40 }),
  // The largest make a batch of several rows.
  size: fc.oneof(fc.nat(40), fc.integer({ min: 1, max: 20_000 })),
  reopen: fc.boolean(),
  trim: fc.option(fc.nat(100), { nil: undefined }),
})

/** A model of what is appended, and a store that is trimmed at random. */
async function build(retain: number, appends: readonly (typeof append extends fc.Arbitrary<infer T> ? T : never)[]) {
  const database = new DatabaseSync(':memory:')
  const sql = {
    exec: (statement: string, ...values: (string | number | null)[]) => database.prepare(statement).iterate(...values),
  } as SqlDriver
  const model = new LogModel(retain)
  let store = new BatchStore(sql, { retain })
  for (const { levels, size, reopen, trim } of appends) {
    if (reopen) store = new BatchStore(sql, { retain })
    const records = model.make(levels, size)
    const ids = store.append(records.map(({ json }) => json))
    await model.append({ append: async () => ids }, records)
    if (trim !== undefined) store.trim(Math.max(1, store.head - trim))
    expect(store.head).toBe(model.end)
    expect(store.size).toBe(model.end - model.kept)
  }
  return { store, model }
}

const world = [
  fc.integer({ min: 1, max: 60 }),
  fc.array(append, { minLength: 1, maxLength: 20, size: 'max' }),
  fc.option(level, { nil: undefined }),
] as const

describe('BatchStore against the model', () => {
  it('gives what matches after every place, once, or the exact number that is gone', async () => {
    await fc.assert(
      fc.asyncProperty(...world, fc.nat(), async (retain, appends, level, place) => {
        const { store, model } = await build(retain, appends)
        const filter = compileFilter({ level })
        const after = place % (model.end + 1)
        const { next: from, gap, resumed } = store.locate(model.idAt(after), 0, filter)
        const dropped = model.kept - after
        expect(resumed).toBe(true)
        expect(from).toBe(Math.max(after, model.kept) + 1)
        expect(gap).toEqual(
          dropped > 0 ? { type: 'gap', reason: 'evicted', dropped, id: model.idAt(model.kept) } : undefined,
        )
        const ids: string[] = []
        let next = from
        for (let reading = store.read(next, filter); reading !== undefined; reading = store.read(next, filter)) {
          expect(reading.next).toBeGreaterThan(next)
          expect(reading.batch?.id).toBe(reading.batch?.entries().at(-1)?.id)
          ids.push(...(reading.batch?.entries().map(({ id }) => id) ?? []))
          next = reading.next
        }
        expect(next).toBe(model.end + 1)
        expect(ids).toEqual(model.matching(from - 1, model.end, level).map((index) => model.idAt(index + 1)))
      }),
      { numRuns: 200 },
    )
  })

  it('keeps what a connected reader still wants, and tells one that it overtook by how many', async () => {
    await fc.assert(
      fc.asyncProperty(...world, fc.nat(), async (retain, appends, _level, place) => {
        const { store, model } = await build(
          retain,
          appends.map((one) => ({ ...one, trim: undefined })),
        )
        const wanted = 1 + (place % model.end)
        store.trim(wanted)
        expect(store.overtaken(wanted)).toBeUndefined()
        store.trim(Number.POSITIVE_INFINITY)
        const overtaken = store.overtaken(1)
        const first = overtaken?.next ?? 1
        expect(first).toBeLessThanOrEqual(model.kept + 1)
        if (overtaken !== undefined) {
          expect(overtaken.gap).toEqual({ type: 'gap', reason: 'slow', dropped: first - 1, id: model.idAt(first - 1) })
        }
      }),
      { numRuns: 100 },
    )
  })

  it('begins a tail at the last entries that match, and pages through them all', async () => {
    await fc.assert(
      fc.asyncProperty(...world, fc.integer({ min: 1, max: 30 }), async (retain, appends, level, tail) => {
        const { store, model } = await build(retain, appends)
        const kept = model.matching(model.kept, model.end, level)
        const { next } = store.locate(undefined, tail, compileFilter({ level }))
        expect(model.matching(next - 1, model.end, level)).toEqual(kept.slice(-tail))
        const paged: string[] = []
        for (let before: string | undefined; ; ) {
          const page = store.history({ tail, before }, compileFilter({ level }))
          paged.unshift(...page.entries.map(({ id }) => id))
          if (page.before === null) break
          before = page.before
        }
        expect(paged).toEqual(kept.map((index) => model.idAt(index + 1)))
      }),
      { numRuns: 100 },
    )
  })
})

describe('BatchStore by bytes and age', () => {
  const line = (length: number): string => JSON.stringify({ message: 'x'.repeat(length - 14) })

  function open(retention: Omit<Retention, 'retain'>) {
    const database = new DatabaseSync(':memory:')
    const sql = {
      exec: (statement: string, ...values: (string | number | null)[]) =>
        database.prepare(statement).iterate(...values),
    } as SqlDriver
    const clock = { now: 1_000_000 }
    const make = () => new BatchStore(sql, { retain: 1000, ...retention }, () => clock.now)
    const rows = (): number => Number(database.prepare('SELECT COUNT(*) AS rows FROM batches').get()?.rows)
    return { database, clock, make, rows }
  }

  it('keeps rows up to a size, and the last one in any case', () => {
    const { make, rows } = open({ retainBytes: 250 })
    const store = make()
    const [first] = store.append([line(100)])
    for (let count = 2; count <= 5; count++) store.append([line(100)])
    expect(store.size).toBe(2)
    expect(store.locate(first, 0, compileFilter({})).gap).toMatchObject({ reason: 'evicted', dropped: 2 })
    store.trim(Number.POSITIVE_INFINITY)
    expect(rows()).toBe(2)
    // Read again from the file it is the same.
    expect(make().size).toBe(2)
    store.append([line(400)])
    expect(store.size).toBe(1)
  })

  it('lets go of what is too old, also in silence, and still knows the last number', () => {
    const { clock, make, rows } = open({ retainMs: 1000 })
    const store = make()
    store.append([line(20), line(20)])
    clock.now += 600
    store.append([line(20)])
    clock.now += 500
    store.expire()
    expect(store.size).toBe(1)
    clock.now += 600
    store.expire()
    store.trim(Number.POSITIVE_INFINITY)
    expect(store.size).toBe(0)
    expect(rows()).toBe(1)
    expect(make().head).toBe(3)
    expect(make().size).toBe(0)
  })

  it('takes over a store from before', () => {
    const { database, make } = open({ retainBytes: 250 })
    database.exec(
      'CREATE TABLE batches (first INTEGER PRIMARY KEY, count INTEGER NOT NULL, lines TEXT NOT NULL, key TEXT, answer TEXT)',
    )
    for (let first = 1; first <= 4; first++) {
      database.prepare('INSERT INTO batches (first, count, lines) VALUES (?, 1, ?)').run(first, line(100))
    }
    const store = make()
    expect([store.head, store.size]).toEqual([4, 2])
    expect(store.append([line(100)])).toHaveLength(1)
    expect(make().size).toBe(2)
  })
})

describe('BatchStore', () => {
  it('looks for what is to go only when there is something', () => {
    const database = new DatabaseSync(':memory:')
    let looks = 0
    const sql = {
      exec(statement: string, ...values: (string | number | null)[]) {
        if (statement.startsWith('SELECT first, count, at, size')) looks++
        return database.prepare(statement).iterate(...values)
      },
    } as SqlDriver
    const store = new BatchStore(sql, { retain: 10, retainBytes: 1000 })
    for (let number = 0; number < 10; number++) store.append(['{}'])
    expect([store.size, looks]).toEqual([10, 0])
    store.append(['{}'])
    expect([store.size, looks]).toEqual([10, 1])
  })
})
