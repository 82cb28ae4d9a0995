/** What was measured, as a table for people and as files for programs and the README. */
import { mkdir, writeFile } from 'node:fs/promises'
import { availableParallelism, cpus, release } from 'node:os'
import { fileURLToPath } from 'node:url'
import type { Measurement } from './load/job.ts'
import { plotScale } from './plot.ts'
import { CORES } from './processes.ts'

/** One measurement of one run. */
export interface Result extends Measurement {
  readonly run: number
  readonly workload: string
  readonly server: string
}

/** A server in a workload over all runs: medians, and the ratio formed within each run first. */
export interface Row {
  readonly workload: string
  readonly server: string
  readonly runs: number
  /** CPU of the server for each receipt or reconnect, in microseconds. */
  readonly cpuUs: number
  /** Of edgetail's in the same run. */
  readonly ratio: number
  readonly perSecond: number
  readonly p50Ms: number
  readonly p99Ms: number
  readonly rssMb: number
  /** In `idle`: what one client added. */
  readonly kbPerClient: number
  readonly faults: number
}

const FOLDER = fileURLToPath(new URL('results/', import.meta.url))

/** One row for each workload and server, in the order in which they were measured. */
function summarize(results: readonly Result[]): Row[] {
  const keys = [...new Set(results.map(({ workload, server }) => `${workload}\n${server}`))]
  return keys.map((key) => {
    const [workload = '', server = ''] = key.split('\n')
    const all = results.filter((result) => result.workload === workload && result.server === server)
    const good = all.filter(({ faults }) => faults.length === 0)
    const over = (value: (result: Result) => number): number => median(good.map(value))
    return {
      workload,
      server,
      runs: all.length,
      cpuUs: over(costOf),
      ratio: over((result) => costOf(result) / costOf(sameRun(results, result, 'edgetail'))),
      perSecond: over(({ count, wallMs }) => (count / wallMs) * 1000),
      p50Ms: over(({ p50Ms }) => p50Ms),
      p99Ms: over(({ p99Ms }) => p99Ms),
      rssMb: over(({ rssKb }) => rssKb / 1024),
      kbPerClient: over(({ rssKb, count }) => rssKb / count),
      faults: all.length - good.length,
    }
  })
}

/** Prints the table. */
export function printTable(results: readonly Result[]): void {
  let last = ''
  for (const row of summarize(results)) {
    if (row.workload !== last) {
      last = row.workload
      console.log(`\n${row.workload}`)
      console.log(
        line(['server', 'CPU us each', 'x edgetail', 'each/s', 'p50 ms', 'p99 ms', 'RSS MB', 'KB/client', 'failed']),
      )
    }
    const isIdle = row.workload === 'idle'
    console.log(
      line([
        row.server,
        row.cpuUs.toFixed(3),
        Number.isNaN(row.ratio) ? '-' : row.ratio.toFixed(2),
        String(Math.round(row.perSecond)),
        row.p50Ms === 0 ? '-' : row.p50Ms.toFixed(2),
        row.p99Ms === 0 ? '-' : row.p99Ms.toFixed(2),
        row.rssMb.toFixed(0),
        isIdle ? row.kbPerClient.toFixed(1) : '-',
        row.faults === 0 ? '-' : `${row.faults} of ${row.runs}`,
      ]),
    )
  }
}

/** Writes them, and the plot of the scale workload. @param name - of the files, without their endings */
export async function writeResults(results: readonly Result[], name: string): Promise<void> {
  await mkdir(FOLDER, { recursive: true })
  const rows = summarize(results)
  const machine = {
    date: new Date().toISOString(),
    cpu: cpus()[0]?.model,
    cores: availableParallelism(),
    pinned: CORES !== undefined,
    kernel: release(),
    node: process.version,
  }
  await writeFile(`${FOLDER}${name}.json`, `${JSON.stringify({ machine, rows, results }, null, 2)}\n`)
  const plot = plotScale(rows)
  if (plot !== undefined) await writeFile(`${FOLDER}${name}.svg`, plot)
}

function costOf({ cpuUs, count }: Pick<Result, 'cpuUs' | 'count'>): number {
  return cpuUs / count
}

function sameRun(
  results: readonly Result[],
  { run, workload }: Result,
  server: string,
): Pick<Result, 'cpuUs' | 'count'> {
  const found = results.find((result) => result.run === run && result.workload === workload && result.server === server)
  return found === undefined || found.faults.length > 0 ? { cpuUs: Number.NaN, count: 1 } : found
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = sorted.length >> 1
  if (sorted.length % 2 === 1) return sorted[middle] as number
  return ((sorted[middle - 1] ?? Number.NaN) + (sorted[middle] ?? Number.NaN)) / 2
}

function line(cells: readonly string[]): string {
  return cells.map((cell, index) => (index === 0 ? cell.padEnd(18) : cell.padStart(12))).join('')
}
