/**
 * What a number of watchers and a rate of entries take: processes, cores, memory, delay, traffic and money, on Node in memory,
 * on Node with Redis, and on Cloudflare. docs/scale.md explains it, and `npm run scale -- --help` prints the usage.
 */
import { writeFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { MonitorError } from '../src/errors.ts'
import { type AskedLoad, readArguments, USAGE } from './scale/args.ts'
import { type Compared, compareBench, compareCounts, fitCosts } from './scale/check.ts'
import {
  type BenchRow,
  MEASUREMENTS_FILE,
  type Measurements,
  readMeasurements,
  readResults,
} from './scale/measurements.ts'
import { type NodePlan, planMemory, planRedis } from './scale/node.ts'
import { type Bill, CORE_MONTH, EGRESS_GB } from './scale/prices.ts'
import { planWorkers } from './scale/workers.ts'

/** Seconds of a month. */
const MONTH_S = 730 * 3600

/** Loads of the tables. */
const WATCHERS = [1, 100, 1000, 10_000, 100_000, 1_000_000]
const RATES = [1, 100, 10_000, 1_000_000]

/** A part of Cloudflare's bill, and what it is called. */
type Part = Exclude<keyof Bill, 'total'>
const PARTS: Readonly<Record<Part, string>> = {
  plan: 'plan',
  workerRequests: 'requests of Workers',
  workerCpuMs: 'CPU of Workers',
  objectRequests: 'requests of objects',
  objectGbSeconds: 'active time of objects',
  rowsRead: 'rows read',
  rowsWritten: 'rows written',
}

try {
  const args = readArguments(process.argv.slice(2), process.env)
  const measured = readMeasurements()
  if (args.command === 'help') process.stdout.write(USAGE)
  else if (args.command === 'fit') writeFit(measured, args.path)
  else if (args.command === 'check') process.exitCode = check(measured, args.path) ? 0 : 1
  else printTables(measured, args)
} catch (error) {
  // What is refused has a sentence; anything else is a fault of ours and keeps its stack.
  if (!(error instanceof MonitorError)) throw error
  process.stderr.write(`scale: ${error.message}\n`)
  process.exitCode = 1
}

function printTables(measured: Measurements, asked: AskedLoad): void {
  const { share } = asked
  const watchers = asked.watchers === undefined ? WATCHERS : [asked.watchers]
  const rates = asked.rate === undefined ? RATES : [asked.rate]
  const loads = rates.flatMap((rate) => {
    const batch = asked.batch ?? batchOf(rate)
    return watchers.map((count) => ({ count, rate, batch }))
  })
  heading(
    'watchers',
    'entries/s',
    'a post',
    'Node: cores, p99',
    'Node and Redis: processes, cores, p99',
    'MB of a process',
    '$ of machines',
    'GB out',
    '$ of that',
  )
  for (const { count, rate, batch } of loads) {
    const load = { watchers: count, entriesPerSecond: rate, entriesPerPost: batch }
    const [memory, redis] = [planMemory(measured, load), planRedis(measured, load)]
    const best = memory.limit === undefined ? memory : redis.limit === undefined ? redis : undefined
    // Redis has a core of its own.
    const machines = best === undefined ? 0 : Math.max(best.instances, Math.ceil(best.cores)) + (best === redis ? 1 : 0)
    const gb = (count * rate * measured.entryBytes * MONTH_S * share) / 1e9
    print([
      number(count),
      number(rate),
      number(batch),
      nodeCell(memory),
      redis.limit === undefined ? `${number(redis.instances)}, ${nodeCell(redis)}` : nodeCell(redis),
      best === undefined ? '' : number(best.memoryMb),
      best === undefined ? '' : number(machines * CORE_MONTH),
      number(gb),
      `${number(gb * EGRESS_GB.host)} to ${number(gb * EGRESS_GB.cloud)}`,
    ])
  }
  console.log()
  heading(
    'watchers',
    'entries/s',
    'a post',
    'relays',
    'commits/s',
    'flushes/s',
    'share of a core: room, relay',
    '$ a month',
    'most of it',
  )
  for (const { count, rate, batch } of loads) {
    const { entryBytes: bytesPerEntry } = measured
    const load = { watchers: count, entriesPerSecond: rate, entriesPerPost: batch, bytesPerEntry, share }
    const plan = planWorkers(measured.workers, load)
    const { total, ...parts } = plan.bill
    const [largest = 'plan'] = (Object.keys(parts) as Part[]).sort((one, other) => parts[other] - parts[one])
    const cells = [number(count), number(rate), number(batch), number(plan.relays)]
    if (plan.limit === undefined) {
      cells.push(number(plan.commitsPerSecond), number(plan.flushesPerSecond))
      cells.push(`${number(plan.roomCpu)}, ${number(plan.relayCpu)}`, number(total), PARTS[largest])
    } else cells.push('', '', `**${plan.limit}**`, '', '')
    print(cells)
  }
}

function nodeCell({ cores, outcome, limit }: NodePlan): string {
  return limit === undefined ? `${number(cores)}, ${number(outcome.p99Ms)} ms` : `**${limit}**`
}

/** Entries in a post where nobody says: what senders that batch make of such a rate, and what 1 MiB takes. */
function batchOf(rate: number): number {
  return Math.min(1000, Math.max(1, Math.round(rate / 100)))
}

/** Holds the model against the measurements it was made from, or against other results of the benchmark. */
function check(measured: Measurements, path: string | undefined): boolean {
  const { speed, compared } = compareBench(measured, path === undefined ? measured.bench : resultsOf(measured, path))
  const all: Compared[] = [...compared, ...compareCounts(measured.counts)]
  console.log(`The machine takes ${speed.toFixed(2)} times what the costs say.\n`)
  heading('', 'measured', 'model', 'factor', '')
  for (const { what, measured, predicted, factor, isClose } of all) {
    print([what, number(measured), number(predicted), factor.toFixed(2), isClose ? '' : '**off**'])
  }
  const off = all.filter(({ isClose }) => !isClose).length
  console.log(off === 0 ? '\nAll within the tolerance.' : `\n${off} of ${all.length} are off.`)
  return off === 0
}

function writeFit(measured: Measurements, path: string): void {
  const bench = resultsOf(measured, path)
  const { memory, redis, senderMs } = fitCosts(measured, bench)
  const machine = `${cpus()[0]?.model ?? 'unknown'}, ${cpus().length} cores`
  const taken = { ...measured.taken, date: new Date().toISOString().slice(0, 10), machine }
  const rounded = JSON.stringify({ ...measured, taken, memory, redis, senderMs, bench }, round, 2)
  writeFileSync(MEASUREMENTS_FILE, `${rounded}\n`)
  check(readMeasurements(), undefined)
}

/** The results in a file, of which the model explains some. */
function resultsOf(measured: Measurements, path: string): BenchRow[] {
  const rows = readResults(path)
  if (compareBench(measured, rows).compared.length > 0) return rows
  throw new MonitorError(
    'invalid_setting',
    `${path} has no workload that the model explains: run npm run bench with all of its servers and workloads.`,
  )
}

function round(_: string, value: unknown): unknown {
  return typeof value === 'number' ? Number(value.toPrecision(4)) : value
}

/** Three digits at the most, since more would claim too much. */
function number(value: number): string {
  return value === 0 ? '0' : Number(value.toPrecision(value < 100 ? 2 : 3)).toLocaleString('en')
}

function heading(...cells: string[]): void {
  print(cells)
  console.log(`|${'---|'.repeat(cells.length)}`)
}

function print(cells: readonly string[]): void {
  console.log(`| ${cells.join(' | ')} |`)
}
