/** What was measured, from which the model is made, and what it is checked against. */
import { readFileSync } from 'node:fs'
import * as v from 'valibot'
import { MonitorError } from '../../src/errors.ts'
import type { Costs } from './pacing.ts'

/** Costs on the machine that `taken` names. `npm run scale -- --fit` writes them anew from results of the benchmark. */
export interface Measurements {
  readonly taken: { readonly date: string; readonly machine: string; readonly note: string }
  /** Bytes of an entry on the wire, and in a store. */
  readonly entryBytes: number
  /** Memory of a process without clients, and of one idle client. */
  readonly processMb: number
  readonly clientKb: number
  /** What the benchmark's sender takes from an answer to its next post, in milliseconds. */
  readonly senderMs: number
  readonly memory: Costs
  readonly redis: Costs
  /** A reader's share of a question for new rows, in Redis, in microseconds. */
  readonly redisReadUs: number
  readonly workers: WorkersCosts
  /** The rows of the benchmark that the costs were fitted to. */
  readonly bench: readonly BenchRow[]
  /** Counts that are exact. */
  readonly counts: readonly Count[]
}

/**
 * Costs on workerd, of the Worker and its object together: from `bench/workers.ts`, and for messages what `workerd50` leaves when
 * each of its posts is one message to each watcher. How they divide between the two is not measured; half each is assumed.
 */
export interface WorkersCosts {
  readonly postUs: number
  readonly entryUs: number
  /** A message to one watcher, and a byte of it, in nanoseconds. */
  readonly messageUs: number
  readonly byteNs: number
}

/** A row of the benchmark's results. */
export interface BenchRow {
  readonly server: string
  readonly workload: string
  readonly cpuUs: number
  readonly perSecond: number
  readonly p99Ms: number
}

/** What was counted for entries that were posted, as `bench/workers.ts` prints it and as `INFO commandstats` of Redis tells. */
export interface Count {
  readonly where: 'workers' | 'redis'
  readonly entries: number
  readonly entriesPerPost: number
  readonly senders: number
  /** Rows that the object wrote, or commands that wrote to Redis. */
  readonly writes: number
}

/** The file, beside this one. */
export const MEASUREMENTS_FILE: URL = new URL('measurements.json', import.meta.url)

/** Reads it. */
export function readMeasurements(): Measurements {
  return JSON.parse(readFileSync(MEASUREMENTS_FILE, 'utf8')) as Measurements
}

/** A figure is null where each run of it failed. */
const FIGURE = v.nullable(v.number())

const RESULTS = v.object({
  rows: v.array(
    v.object({ server: v.string(), workload: v.string(), cpuUs: FIGURE, perSecond: FIGURE, p99Ms: FIGURE }),
  ),
})

/**
 * Reads the rows of `bench/results/latest.json` that have figures.
 *
 * @throws MonitorError `invalid_setting` when the file is not there, or none of the benchmark's
 */
export function readResults(path: string): BenchRow[] {
  const parsed = v.safeParse(RESULTS, readJson(path))
  if (!parsed.success) throw notResults(path, parsed.issues)
  return parsed.output.rows.flatMap(({ cpuUs, perSecond, p99Ms, ...row }) =>
    cpuUs === null || perSecond === null || p99Ms === null ? [] : [{ ...row, cpuUs, perSecond, p99Ms }],
  )
}

function readJson(path: string): unknown {
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    const why = code === 'ENOENT' ? 'is not there' : `cannot be read (${code})`
    const remedy = 'npm run bench makes bench/results/latest.json.'
    throw new MonitorError('invalid_setting', `${path} ${why}. ${remedy}`, { cause: error })
  }
  try {
    return JSON.parse(text)
  } catch (error) {
    throw notResults(path, error)
  }
}

function notResults(path: string, cause: unknown): MonitorError {
  const remedy = 'npm run bench writes them to bench/results/latest.json.'
  return new MonitorError('invalid_setting', `${path} has no results of the benchmark. ${remedy}`, { cause })
}
