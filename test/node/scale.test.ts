/** The model behind docs/scale.md: it paces as the program does, explains what was measured, and counts what Redis counts. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createClient } from 'redis'
import { describe, expect, it, onTestFinished } from 'vitest'
import { readArguments } from '../../scripts/scale/args.ts'
import { compareBench, compareCounts } from '../../scripts/scale/check.ts'
import { type Count, readMeasurements, readResults } from '../../scripts/scale/measurements.ts'
import { planMemory, planRedis } from '../../scripts/scale/node.ts'
import { simulate } from '../../scripts/scale/pacing.ts'
import { billOf } from '../../scripts/scale/prices.ts'
import { planWorkers, writesOf } from '../../scripts/scale/workers.ts'
import { createRecord } from '../../src/normalize.ts'
import { redisSource } from '../../src/sources/redis.ts'
import { NO_REDIS, startRedis } from '../support/redis.ts'

const measured = readMeasurements()
const COSTS = { ...measured.memory, postUs: 100, entryUs: 0, clientUs: 10, byteNs: 0 }
const LOAD = { clients: 1000, entriesPerPost: 1, bytesPerEntry: 230 }

describe('the arguments', () => {
  const read = (line: string, env: Record<string, string> = {}) => readArguments(line.split(' ').filter(Boolean), env)

  it('are a load, as far as it is said, or a file', () => {
    const tables = { command: 'plan', watchers: undefined, rate: undefined, batch: undefined, share: 1 }
    expect(read('')).toEqual(tables)
    const most = { watchers: 1e6, rate: 1e6, batch: 10_000, share: 0.1 }
    expect(read('--watchers 1000000 --rate 1e6 --batch 10000 --share=0.1')).toEqual({ ...tables, ...most })
    expect(read('--check')).toEqual({ command: 'check', path: undefined })
    expect(read('--check a.json')).toEqual({ command: 'check', path: 'a.json' })
    expect(read('--fit a.json')).toEqual({ command: 'fit', path: 'a.json' })
    expect(read('--help --watchers 1')).toEqual({ command: 'help' })
  })

  it.each([
    ['foo', /^foo belongs to no option\. Write npm run scale -- --watchers 1000 --rate 100\./],
    ['1000 100', /^1000 100 belongs to no option/],
    ['--check a.json b.json', /^b\.json belongs/],
    ['--watchers 1000001', /^--watchers is a whole number from 1 to 1000000, not 1000001\.$/],
    ['--watchers 1.5', /whole number/],
    ['--rate 1000000000000', /^--rate is a number from 0\.001 to 1000000, not/],
    ['--rate 0', /--rate is/],
    ['--rate=', /not nothing\.$/],
    ['--rate ten', /not ten\.$/],
    ['--rate -1', /no dash/],
    ['--batch 2.5', /--batch is a whole number from 1 to 10000/],
    ['--share 1.1', /--share is a number from 0 to 1/],
    ['--share', /--share.*--help lists the options\.$/],
    ['--watcher 1', /^Unknown option '--watcher'\. npm run scale -- --help lists the options\.$/],
    ['--check --fit a.json', /not together/],
    ['--check --rate 1', /--check takes none/],
    ['--fit', /takes a file/],
  ])('are refused with a sentence: %s', (line, sentence) => {
    expect(() => read(line)).toThrow(
      expect.objectContaining({ code: 'invalid_setting', message: expect.stringMatching(sentence) }),
    )
  })

  it('are refused when npm took them', () => {
    expect(() => read('', { npm_config_watchers: '1000' })).toThrow(
      /Put -- before the options: npm run scale -- --watchers/,
    )
    expect(() => read('a.json', { npm_config_check: 'true' })).toThrow(/npm run scale -- --check/)
  })
})

describe('results of the benchmark', () => {
  const fileOf = async (text: string): Promise<string> => {
    const folder = await mkdtemp(join(tmpdir(), 'edgetail-scale-'))
    onTestFinished(() => rm(folder, { recursive: true }))
    const path = join(folder, 'results.json')
    await writeFile(path, text)
    return path
  }

  it('are the rows that have figures', async () => {
    const row = { server: 'edgetail', workload: 'wide', cpuUs: 1, perSecond: 2, p99Ms: 3 }
    const rows = [
      { ...row, runs: 3 },
      { ...row, cpuUs: null },
    ]
    expect(readResults(await fileOf(JSON.stringify({ machine: {}, rows })))).toEqual([row])
  })

  it('are missed with a sentence', async () => {
    expect(() => readResults('/nowhere/latest.json')).toThrow(
      '/nowhere/latest.json is not there. npm run bench makes bench/results/latest.json.',
    )
    expect(() => readResults(tmpdir())).toThrow(/cannot be read \(EISDIR\)\. npm run bench/)
    for (const text of ['{"name":"edgetail"}', 'null', 'no JSON', '{"rows":[{"server":"edgetail"}]}']) {
      const path = await fileOf(text)
      expect(() => readResults(path)).toThrow(`${path} has no results of the benchmark. npm run bench writes them`)
    }
  })
})

describe('the simulation', () => {
  it('waits for what comes seldom', () => {
    const { p99Ms, flushesPerSecond } = simulate(COSTS, { ...LOAD, arrivals: { postsPerSecond: 0.001 } })
    expect(p99Ms).toBeGreaterThan(1)
    expect(flushesPerSecond).toBeLessThan(0.01)
  })

  it('gives a lone entry to everyone at once, and the same each time', () => {
    const load = { ...LOAD, arrivals: { postsPerSecond: 1 } }
    const outcome = simulate(COSTS, load)
    expect(simulate(COSTS, load)).toEqual(outcome)
    // 10 ms of writes, and 0.1 ms for the post before them.
    expect(outcome.p50Ms).toBeCloseTo(0.1 + 10 / 2, 1)
    expect(outcome.flushesPerSecond).toBeCloseTo(1, 0)
  })

  it('spends a fifth of the core on short flushes under load, and half on long ones', () => {
    for (const postsPerSecond of [500, 1000]) {
      const short = simulate(COSTS, { ...LOAD, arrivals: { postsPerSecond } })
      expect(short.flushesPerSecond * 0.01).toBeCloseTo(0.2, 1)
      expect(short.isFull).toBe(false)
      const long = simulate(COSTS, { ...LOAD, clients: 7000, arrivals: { postsPerSecond } })
      expect(long.flushesPerSecond * 0.07).toBeCloseTo(0.5, 1)
      expect(long.cpu).toBeLessThan(0.8)
    }
    expect(simulate(COSTS, { ...LOAD, arrivals: { postsPerSecond: 12_000 } }).isFull).toBe(true)
  })

  it('gathers no longer than a flush takes where much comes at once', () => {
    const perSecond = (clients: number, entriesPerPost: number, postsPerSecond: number): number =>
      simulate(COSTS, { ...LOAD, clients, entriesPerPost, arrivals: { postsPerSecond } }).flushesPerSecond
    // 4 ms each: four batches for a hundred clients, and one for four hundred.
    expect(perSecond(100, 1000, 100)).toBeGreaterThan(55)
    expect(perSecond(400, 1, 400)).toBeLessThan(60)
  })

  it('puts posts that come during a write to the store into one', () => {
    const store = { ...COSTS, storeUs: 1000, writeUs: 10, roundTripUs: 1000 }
    const { writesPerSecond } = simulate(store, { ...LOAD, clients: 1, arrivals: { postsPerSecond: 2000 } })
    expect(writesPerSecond).toBeGreaterThan(350)
    expect(writesPerSecond).toBeLessThan(500)
  })
})

describe('the model', () => {
  it('explains what was measured, and does not when a cost is wrong', () => {
    const off = (model: typeof measured): string[] =>
      [...compareBench(model, measured.bench).compared, ...compareCounts(model.counts)]
        .filter(({ isClose }) => !isClose)
        .map(({ what }) => what)
    expect(measured.bench.length).toBeGreaterThan(10)
    expect(off(measured)).toEqual([])
    expect(off({ ...measured, redis: { ...measured.redis, storeUs: 5000 } })).not.toEqual([])
    expect(off({ ...measured, counts: [{ ...(measured.counts[0] as Count), writes: 1 }] })).not.toEqual([])
  })

  it('takes more processes for more watchers, and says what no number of them can do', () => {
    const load = { entriesPerSecond: 100, entriesPerPost: 1 }
    expect(planMemory(measured, { ...load, watchers: 100 }).limit).toBeUndefined()
    expect(planMemory(measured, { ...load, watchers: 1_000_000 }).limit).toBeDefined()
    const [some, many] = [1000, 50_000].map((watchers) => planRedis(measured, { ...load, watchers }))
    expect([some?.limit, many?.limit]).toEqual([undefined, undefined])
    expect(many?.instances).toBeGreaterThan(some?.instances ?? 0)
    expect(planRedis(measured, { watchers: 100, entriesPerSecond: 1e6, entriesPerPost: 1000 }).limit).toMatch(/reading/)
  })

  it('bills what is beyond the included, once', () => {
    const nothing = {
      workerRequests: 0,
      workerCpuMs: 0,
      objectRequests: 0,
      objectSeconds: 0,
      rowsRead: 0,
      rowsWritten: 0,
    }
    expect(billOf(nothing).total).toBe(5)
    expect(billOf({ ...nothing, rowsWritten: 51e6, objectRequests: 2e6, workerRequests: 11e6 }).total).toBeCloseTo(6.45)
    // An object that is active for the whole month is within what is included; the second one is not.
    expect(billOf({ ...nothing, objectSeconds: 730 * 3600 }).total).toBe(5)
    expect(billOf({ ...nothing, objectSeconds: 2 * 730 * 3600 }).objectGbSeconds).toBeCloseTo(3.41, 1)
  })

  it('charges a log with entries one by one for its rows, and less when they come in batches', () => {
    const load = { watchers: 10, entriesPerSecond: 100, bytesPerEntry: 230 }
    const [single, batched] = [1, 20].map((entriesPerPost) =>
      planWorkers(measured.workers, { ...load, entriesPerPost }),
    )
    // 100 rows a second and as many deletions.
    expect(single?.bill.rowsWritten).toBeCloseTo((200 * 730 * 3600 - 50e6) / 1e6, 0)
    expect(batched?.bill.rowsWritten).toBe(0)
  })
})

describe.skipIf(NO_REDIS)('what Redis counts', () => {
  it.each([
    [200, 1, 1],
    [200, 1, 50],
    [2000, 100, 4],
  ])('%i entries, %i a post, %i senders', async (entries, entriesPerPost, senders) => {
    const redis = await startRedis([])
    onTestFinished(() => redis.close())
    const client = createClient({ url: redis.url })
    await client.connect()
    const source = redisSource({ client })
    onTestFinished(async () => {
      await source.close()
      client.destroy()
    })
    let left = entries / entriesPerPost
    const records = Array.from({ length: entriesPerPost }, () => createRecord('info', 'an entry', {}))
    await Promise.all(
      Array.from({ length: senders }, async () => {
        while (left-- > 0) await source.append(records)
      }),
    )
    const stats = await redis.command('INFO', 'commandstats')
    const writes = Number(/cmdstat_xadd:calls=(\d+)/.exec(stats)?.[1])
    const [least, most] = writesOf({ where: 'redis', entries, entriesPerPost, senders })
    expect(writes).toBeGreaterThanOrEqual(least)
    expect(writes).toBeLessThanOrEqual(most)
  })
})
