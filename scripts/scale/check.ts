/** The model held against what was measured, and its costs fitted to it. */
import { WORKLOADS } from '../../bench/workloads.ts'
import type { BenchRow, Count, Measurements } from './measurements.ts'
import { type Costs, type Outcome, simulate } from './pacing.ts'
import { writesOf } from './workers.ts'

/**
 * How far a prediction may be off, as a factor, after the speed of the machine was taken out. Two runs of the same workload on a
 * busy machine differ by 1.4, and a workload of four flushes cannot have four and a half.
 */
const TOLERANCE = 1.6

/**
 * As much for the delay of the slowest hundredth, where flushes make it: with so many clients at least. With fewer the pauses of
 * the garbage collector and of the machine do, which the model has not.
 */
const DELAY_TOLERANCE = 2
const DELAY_CLIENTS = 1000

/** One comparison. */
export interface Compared {
  readonly what: string
  readonly measured: number
  readonly predicted: number
  /** Measured in terms of predicted, without the speed of the machine. */
  readonly factor: number
  readonly isClose: boolean
}

type Model = Pick<Measurements, 'memory' | 'redis' | 'senderMs' | 'entryBytes'>

/** What the model says of a workload of the benchmark; undefined when it has no model of it. */
function predict(model: Model, row: BenchRow): Outcome | undefined {
  const costs = { edgetail: model.memory, 'edgetail-redis': model.redis }[row.server]
  const load = loadOf(row)
  if (costs === undefined || load === undefined || load.kind !== 'flow' || load.filters !== undefined) return undefined
  const { clients, entries, batch, pauseMs = 0 } = load
  return simulate(costs, {
    clients,
    entriesPerPost: batch,
    bytesPerEntry: model.entryBytes,
    arrivals: { pauseMs: pauseMs + model.senderMs, posts: Math.ceil(entries / batch) },
    sharesCore: true,
  })
}

/**
 * Compares CPU for each delivery, and delays. All figures of a run are dearer or cheaper together with the machine and what else
 * it does, so that the median factor of the costs is the machine's.
 */
export function compareBench(model: Model, rows: readonly BenchRow[]): { speed: number; compared: Compared[] } {
  const pairs = rows.flatMap((row) => {
    const outcome = predict(model, row)
    return outcome === undefined || !(row.cpuUs > 0) ? [] : [{ row, outcome }]
  })
  const factors = pairs.map(({ row, outcome }) => row.cpuUs / outcome.perDeliveryUs).sort((one, other) => one - other)
  const speed = factors[factors.length >> 1] ?? 1
  const compare = (what: string, measured: number, model: number, tolerance: number): Compared => {
    const predicted = model * speed
    const factor = measured / predicted
    return { what, measured, predicted, factor, isClose: factor <= tolerance && factor >= 1 / tolerance }
  }
  const costs = pairs.map(({ row, outcome }) =>
    compare(`${row.server}, ${row.workload}: CPU us a delivery`, row.cpuUs, outcome.perDeliveryUs, TOLERANCE),
  )
  const delays = pairs
    .filter(({ row }) => (loadOf(row)?.clients ?? 0) >= DELAY_CLIENTS)
    .map(({ row, outcome }) =>
      compare(`${row.server}, ${row.workload}: p99 ms`, row.p99Ms, outcome.p99Ms, DELAY_TOLERANCE),
    )
  return { speed, compared: [...costs, ...delays] }
}

/** Holds rows and commands, which no machine makes more or fewer, against the bounds that the model gives. */
export function compareCounts(counts: readonly Count[]): Compared[] {
  return counts.map((count) => {
    const { where, entries, entriesPerPost, senders, writes } = count
    const [least, most] = writesOf(count)
    const predicted = Math.min(most, Math.max(least, writes))
    const what = `${where}, ${entries} entries, ${entriesPerPost} a post, ${senders} senders: writes`
    return { what, measured: writes, predicted, factor: writes / predicted, isClose: writes === predicted }
  })
}

function loadOf({ workload }: BenchRow): (typeof WORKLOADS)[number] | undefined {
  return WORKLOADS.find(({ name }) => name === workload)
}

/** What is fitted, for each place. Redis differs from memory by its writes alone. */
const FITTED: readonly (readonly [keyof Costs | 'senderMs', 'memory' | 'redis'])[] = [
  ['senderMs', 'memory'],
  ['postUs', 'memory'],
  ['entryUs', 'memory'],
  ['clientUs', 'memory'],
  ['byteNs', 'memory'],
  ['writeUs', 'redis'],
  ['storeUs', 'redis'],
  ['roundTripUs', 'redis'],
]

/** Finds the costs that explain results of the benchmark best: each in turn a little more or less, while that helps. */
export function fitCosts(model: Model, rows: readonly BenchRow[]): Model {
  let best = model
  let error = errorOf(best, rows)
  for (let step = 0.5; step > 0.02; step /= 2) {
    for (let improves = true; improves; ) {
      improves = false
      for (const [name, place] of FITTED) {
        for (const factor of [1 + step, 1 / (1 + step)]) {
          const next = scaled(best, name, place, factor)
          const nextError = errorOf(next, rows)
          if (nextError > error * 0.999) continue
          best = next
          error = nextError
          improves = true
        }
      }
    }
  }
  return best
}

function scaled(model: Model, name: keyof Costs | 'senderMs', place: 'memory' | 'redis', factor: number): Model {
  if (name === 'senderMs') return { ...model, senderMs: model.senderMs * factor }
  const value = model[place][name] * factor
  if (place === 'redis') return { ...model, redis: { ...model.redis, [name]: value } }
  return { ...model, memory: { ...model.memory, [name]: value }, redis: { ...model.redis, [name]: value } }
}

/** What the pace counts beside the cost: it says how long things take too, but other work on the machine changes it more. */
const PACE = 0.1

/** Sum of the squares of what is off, in logarithms, of cost and of pace. */
function errorOf(model: Model, rows: readonly BenchRow[]): number {
  let sum = 0
  for (const row of rows) {
    const outcome = predict(model, row)
    if (outcome === undefined) continue
    sum += Math.log(row.cpuUs / outcome.perDeliveryUs) ** 2
    sum += PACE * Math.log(row.perSecond / (outcome.entriesPerSecond * (loadOf(row)?.clients ?? 1))) ** 2
  }
  return sum
}
