/** Node: one process in memory, or as many as it takes on one Redis, behind a load balancer. */
import type { Measurements } from './measurements.ts'
import { type Outcome, simulate } from './pacing.ts'

/** Share of a core after which a process counts as full: what is left is for those who connect. */
const FULL = 0.8

/** Longest delay that is good enough, in milliseconds; a second is promised. */
const LATE_MS = 800

/** Most clients of a process: what 5,000 were measured with, and as many again. */
const MAX_CLIENTS = 10_000

/** What a machine's network takes, in bytes a second: 10 Gbit/s less what else is on it. */
const NETWORK = 1e9

/** Processes that are tried. */
const MAX_INSTANCES = 2000

/** What is asked. */
export interface NodeLoad {
  readonly watchers: number
  readonly entriesPerSecond: number
  readonly entriesPerPost: number
}

/** What it takes. */
export interface NodePlan {
  readonly instances: number
  /** Of the process that has the most to do. */
  readonly outcome: Outcome
  /** Cores in all, those of Redis with them. */
  readonly cores: number
  /** Memory of each process. */
  readonly memoryMb: number
  /** The first limit that is passed; undefined when none is. */
  readonly limit: string | undefined
}

/** Plans one process with its entries in memory. */
export function planMemory(measured: Measurements, load: NodeLoad): NodePlan {
  return planInstances(measured, load, 1, false)
}

/** Plans the fewest processes on one Redis that are not full. */
export function planRedis(measured: Measurements, load: NodeLoad): NodePlan {
  const least = Math.max(1, Math.ceil(load.watchers / MAX_CLIENTS))
  let plan = planInstances(measured, load, least, true)
  for (let instances = least; isHelped(plan.limit) && instances < MAX_INSTANCES; ) {
    instances = Math.min(MAX_INSTANCES, Math.ceil(instances * 1.5))
    plan = planInstances(measured, load, instances, true)
  }
  return plan
}

/** Whether more processes would help. */
function isHelped(limit: string | undefined): boolean {
  return limit !== undefined && !limit.startsWith('Redis') && !limit.startsWith('reading')
}

function planInstances(measured: Measurements, load: NodeLoad, instances: number, isRedis: boolean): NodePlan {
  const { watchers, entriesPerSecond, entriesPerPost } = load
  const costs = isRedis ? measured.redis : measured.memory
  const clients = Math.ceil(watchers / instances)
  const foreign = (entriesPerSecond * (instances - 1)) / instances
  const outcome = simulate(costs, {
    clients,
    entriesPerPost,
    bytesPerEntry: measured.entryBytes,
    arrivals: { postsPerSecond: entriesPerSecond / entriesPerPost / instances },
    foreignPerSecond: foreign,
  })
  const redisCpu = isRedis
    ? instances * (outcome.storeCpu + (outcome.flushesPerSecond * measured.redisReadUs) / 1e6)
    : 0
  const { entryBytes, processMb, clientKb } = measured
  const reading = (foreign * costs.readUs) / 1e6
  const limit =
    clients * entriesPerSecond * entryBytes > NETWORK
      ? 'network of a machine'
      : redisCpu > FULL
        ? 'Redis is one thread: batches, or several logs'
        : reading > FULL / 2
          ? 'reading: every process reads every entry'
          : clients > MAX_CLIENTS
            ? 'clients of a process'
            : outcome.isFull || outcome.cpu > FULL
              ? 'a core'
              : outcome.p99Ms > LATE_MS
                ? 'delay'
                : undefined
  return {
    instances,
    outcome,
    cores: instances * outcome.cpu + redisCpu,
    // The retention's 64 MiB twice: as bytes, and as what is being written.
    memoryMb: processMb + (clients * clientKb) / 1024 + 128,
    limit,
  }
}
