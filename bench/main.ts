/** The benchmark: starts each server and a load for each workload, one pair at a time, and reports. */
import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { guard } from './guard.ts'
import type { Job, Measurement } from './load/job.ts'
import { CORES, start, stop, stopOnSignals } from './processes.ts'
import { printTable, type Result, writeResults } from './report.ts'
import { type BenchServer, run, SERVERS } from './servers.ts'
import { type BenchWorkload, QUICK, WORKLOADS } from './workloads.ts'

/** Most time for the publishing, and again for the wait until all have everything, in milliseconds. */
const TIMEOUT_MS = 60_000

/** Descriptors that 5,000 clients need on either side, with room for a runtime's own. */
const DESCRIPTORS = 5500

const { values } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    only: { type: 'string' },
    servers: { type: 'string' },
    runs: { type: 'string' },
    profile: { type: 'string' },
    save: { type: 'string' },
  },
})
const runs = Number(values.runs ?? (values.quick ? 2 : 3))
const workloads = chosen(values.quick ? QUICK : WORKLOADS, values.only, ({ group }) => group)
const servers = available(
  chosen(SERVERS, values.servers ?? (values.quick ? 'edgetail,control' : undefined), ({ name }) => name),
)

checkMachine()
stopOnSignals()
const results: Result[] = []
for (let number = 1; number <= runs; number++) {
  for (const workload of workloads) {
    // Each run begins with another server, so that none always has the warm or the cold machine.
    for (const server of rotated(servers.filter(workload.suits), number - 1)) {
      const measurement = await measure(workload, server)
      results.push({ run: number, workload: workload.name, server: server.name, ...measurement })
      const [fault, ...others] = measurement.faults
      console.error(
        `run ${number}  ${workload.name}  ${server.name}  ${fault === undefined ? said(measurement) : 'FAILED'}`,
      )
      if (fault !== undefined) console.error(`  ${fault}${others.length > 0 ? `, and ${others.length} more` : ''}`)
    }
  }
}
printTable(results)
if (values.quick) process.exitCode = guard(results) ? 0 : 1
// A part of the benchmark never takes the place of a run of everything: it is saved under a name of its own.
else if (values.save !== undefined) await writeResults(results, values.save)
else if ([values.only, values.servers, values.profile].every((value) => value === undefined))
  await writeResults(results, 'latest')
// A figure of a server that lost something is no figure; edgetail's own losses are a failure.
if (results.some(({ server, faults }) => server.startsWith('edgetail') && faults.length > 0)) process.exitCode = 1

async function measure(workload: BenchWorkload, server: BenchServer): Promise<Measurement> {
  const running = await run(server, values.profile)
  const { stream, publish, pids } = running
  const { collects, resumes } = server
  const job: Job = { workload, stream, publish, pids, collects, resumes, timeoutMs: TIMEOUT_MS }
  const path = fileURLToPath(new URL('load.ts', import.meta.url))
  const load = start({ program: process.execPath, args: [path, JSON.stringify(job)] }, CORES?.load)
  const late = setTimeout(() => load.kill('SIGKILL'), 3 * TIMEOUT_MS)
  let output = ''
  load.stdout?.on('data', (text) => {
    output += text
  })
  try {
    await once(load, 'close')
    return JSON.parse(output) as Measurement
  } catch {
    return { count: 0, wallMs: 0, cpuUs: 0, p50Ms: 0, p99Ms: 0, rssKb: 0, faults: ['the load ended without a result'] }
  } finally {
    clearTimeout(late)
    await stop(load)
    await running.stop()
  }
}

function said({ cpuUs, count, wallMs, p99Ms }: Measurement): string {
  return `${(cpuUs / count).toFixed(3)} us each, ${(wallMs / 1000).toFixed(1)} s, p99 ${p99Ms.toFixed(1)} ms`
}

function chosen<Item>(items: readonly Item[], names: string | undefined, nameOf: (item: Item) => string): Item[] {
  if (names === undefined) return [...items]
  const wanted = names.split(',')
  for (const name of wanted) {
    if (items.some((item) => nameOf(item) === name)) continue
    throw new Error(`There is no ${name}; there are ${[...new Set(items.map(nameOf))].join(', ')}.`)
  }
  return items.filter((item) => wanted.includes(nameOf(item)))
}

function available(servers: readonly BenchServer[]): BenchServer[] {
  return servers.filter(({ name, missing }) => {
    const reason = missing?.()
    if (reason !== undefined) console.log(`${name} was left out: ${reason}.`)
    return reason === undefined
  })
}

function rotated<Item>(items: readonly Item[], by: number): Item[] {
  const first = items.length === 0 ? 0 : by % items.length
  return [...items.slice(first), ...items.slice(0, first)]
}

/** Says what makes this machine's figures worth less. */
function checkMachine(): void {
  if (process.platform !== 'linux') throw new Error('CPU time and memory are read from /proc: run this on Linux.')
  if (CORES === undefined) console.log('Not pinned: there is one core, or no taskset. Expect figures that vary.')
  const limit = execFileSync('sh', ['-c', 'ulimit -n'], { encoding: 'utf8' }).trim()
  const most = Math.max(0, ...workloads.map(({ clients }) => clients))
  if (limit !== 'unlimited' && Number(limit) < Math.min(DESCRIPTORS, most + 500)) {
    throw new Error(
      `A process may open ${limit} files, too few for ${most} clients. Run "ulimit -n ${DESCRIPTORS}" before.`,
    )
  }
}
