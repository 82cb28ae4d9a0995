/**
 * The load, in a process of its own: it takes a job as JSON argument, does it to a server that runs already, reads what the
 * server used from the kernel at the two ends of the measured part, and prints the measurement as JSON.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { Crowd, lastIdOf } from './load/crowd.ts'
import type { Job, Measurement } from './load/job.ts'
import { type Publisher, startPublisher } from './load/publisher.ts'
import { cpuUs, rssKb } from './processes.ts'

/** Share of a workload's entries that is published before anything is measured, so that compilers have done their work. */
const WARM_UP = 0.5

/** Time in which connections and their garbage settle, in milliseconds. */
const SETTLE_MS = 300

const job = JSON.parse(process.argv[2] as string) as Job
const measure = { flow, idle, storm }[job.workload.kind]
console.log(JSON.stringify(await measure(job).catch(failed)))
process.exit(0)

/** Clients are connected and entries flow. */
async function flow(job: Job): Promise<Measurement> {
  const { entries, batch } = job.workload
  const warm = Math.max(batch, Math.round((entries * WARM_UP) / batch) * batch)
  const end = warm + entries
  const { crowd, publisher } = await prepare(job, end)
  await crowd.open({ first: 0 })
  await sleep(SETTLE_MS)
  await publisher.publish(0, warm)
  await crowd.all(warm)
  await sleep(SETTLE_MS)
  crowd.clear()

  const measured = await window(job, async () => {
    await publisher.publish(warm, end)
    await crowd.all(end)
  })
  const count = crowd.received
  const [p50Ms, p99Ms] = [crowd.latencies.percentile(0.5), crowd.latencies.percentile(0.99)]
  // Whatever comes now was sent twice.
  await sleep(SETTLE_MS)
  const faults = crowd.faults(end)
  if (crowd.received !== count) faults.push(`${crowd.received - count} entries came after the last`)
  crowd.close()
  return { ...measured, count, p50Ms, p99Ms, rssKb: rssKb(job.pids), faults }
}

/** Clients are connected and nothing happens. */
async function idle(job: Job): Promise<Measurement> {
  const { crowd } = await prepare(job, 1)
  const empty = await settledRss(job)
  const measured = await window(job, () => crowd.open({ first: 0 }))
  const added = (await settledRss(job)) - empty
  const faults = crowd.faults(0)
  crowd.close()
  return { ...measured, count: crowd.clients.length, p50Ms: 0, p99Ms: 0, rssKb: added, faults }
}

/** Clients leave, miss something, and come back at once. */
async function storm(job: Job): Promise<Measurement> {
  const missed = job.workload.entries
  const end = 2 * missed + 1
  const { crowd, publisher } = await prepare(job, end)
  await crowd.open({ first: 0, keepAll: job.resumes })
  await sleep(SETTLE_MS)
  await publisher.publish(0, missed)
  await crowd.all(missed)
  const before = crowd.faults(missed)
  const lastIds = job.resumes ? crowd.clients.map(lastIdOf) : []
  crowd.close()
  await sleep(4 * SETTLE_MS)
  await publisher.publish(missed, 2 * missed)
  await sleep(SETTLE_MS)
  crowd.clear()

  // Without a resume there is only the connection to measure.
  const next = job.resumes ? missed : 2 * missed
  const measured = await window(job, async () => {
    await crowd.open({ first: next, lastIds })
    if (job.resumes) await crowd.all(2 * missed)
  })
  const [p50Ms, p99Ms] = [crowd.latencies.percentile(0.5), crowd.latencies.percentile(0.99)]
  await sleep(SETTLE_MS)
  await publisher.publish(2 * missed, end)
  await crowd.all(end)
  const faults = [...before, ...crowd.faults(end)]
  crowd.close()
  return { ...measured, count: crowd.clients.length, p50Ms, p99Ms, rssKb: rssKb(job.pids), faults }
}

/** The clients, which are still to connect, and the publisher. */
async function prepare(job: Job, total: number): Promise<{ crowd: Crowd; publisher: Publisher }> {
  const { batch, pauseMs = 0 } = job.workload
  const sentAt = new Float64Array(new SharedArrayBuffer(total * Float64Array.BYTES_PER_ELEMENT))
  const publisher = await startPublisher({ target: job.publish, batch, pauseMs, total, sentAt })
  return { crowd: new Crowd(job, sentAt), publisher }
}

/** What the server used while something was done. */
async function window(job: Job, act: () => Promise<void>): Promise<Pick<Measurement, 'wallMs' | 'cpuUs'>> {
  const started = performance.now()
  const used = cpuUs(job.pids)
  await act()
  return { cpuUs: cpuUs(job.pids) - used, wallMs: performance.now() - started }
}

/** The least resident memory of several readings, each after garbage was collected where that can be asked for. */
async function settledRss({ pids, collects }: Job): Promise<number> {
  let least = Number.POSITIVE_INFINITY
  for (let reading = 0; reading < 4; reading++) {
    if (collects) process.kill(pids[0] as number, 'SIGUSR2')
    await sleep(3 * SETTLE_MS)
    least = Math.min(least, rssKb(pids))
  }
  return least
}

function failed(error: unknown): Measurement {
  return { count: 0, wallMs: 0, cpuUs: 0, p50Ms: 0, p99Ms: 0, rssKb: 0, faults: [String(error)] }
}
