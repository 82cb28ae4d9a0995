/** The servers that are compared: how each is started, what it is asked for, and what it cannot do. */
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { NO_REDIS } from '../test/support/redis.ts'
import type { Target } from './load/stream-client.ts'
import { CORES, processTree, start, stop } from './processes.ts'
import { nchan } from './servers/nchan.ts'
import { workerd } from './servers/workerd.ts'

/** A token that the servers with access control are given. */
const TOKEN = 'bench-token-of-no-secret'

/** Most time that a server may take to listen, in milliseconds. */
const START_MS = 20_000

/** What a server can be asked to do. */
interface Abilities {
  /** Takes NDJSON. */
  readonly batches: boolean
  /** Has filters of edgetail's kind. */
  readonly filters: boolean
  /** Resumes after `Last-Event-ID`. */
  readonly resumes: boolean
  /** Runs on Node, and so collects garbage when asked to. */
  readonly collects: boolean
}

/** A server that is compared. */
export interface BenchServer extends Abilities {
  readonly name: string
  readonly streamPath: string
  readonly publishPath: string
  readonly headers: Readonly<Record<string, string>>
  /** Why it cannot run here; undefined when it can. */
  missing?(): string | undefined
  /** Starts it on a core. `profile` is a folder for CPU profiles. */
  start(profile: string | undefined): Promise<Started>
}

/** A process that listens. */
export interface Started {
  readonly origin: string
  readonly pid: number
  stop(): Promise<void>
}

/** A server as the load needs it. */
export interface RunningServer {
  readonly stream: Target
  readonly publish: Target
  readonly pids: readonly number[]
  stop(): Promise<void>
}

const PLAIN = { streamPath: '/stream?tail=0', publishPath: '/logs', headers: {}, collects: true }
const EDGETAIL = {
  streamPath: '/monitor/stream?tail=0',
  publishPath: '/monitor/logs',
  headers: { Authorization: `Bearer ${TOKEN}` },
  batches: true,
  filters: true,
  resumes: true,
}

/** All of them. */
export const SERVERS: readonly BenchServer[] = [
  { ...EDGETAIL, name: 'edgetail', collects: true, start: (profile) => startProgram('edgetail', profile) },
  {
    ...EDGETAIL,
    name: 'edgetail-sqlite',
    collects: true,
    start: (profile) => startProgram('edgetail-sqlite', profile),
  },
  {
    ...EDGETAIL,
    name: 'edgetail-redis',
    collects: true,
    missing: () => NO_REDIS,
    start: (profile) => startProgram('edgetail-redis', profile),
  },
  program('control'),
  { ...nchan, collects: false },
  program('better-sse'),
  program('hono-stream-sse'),
  { ...EDGETAIL, name: 'edgetail-workerd', collects: false, start: () => workerd(TOKEN) },
]

/** Starts a server and waits until it listens. */
export async function run(server: BenchServer, profile: string | undefined): Promise<RunningServer> {
  const started = await server.start(profile)
  const { hostname: host, port } = new URL(started.origin)
  const target = { host, port: Number(port), headers: server.headers }
  return {
    stream: { ...target, path: server.streamPath },
    publish: { ...target, path: server.publishPath },
    pids: processTree(started.pid),
    stop: () => started.stop(),
  }
}

function program(name: string): BenchServer {
  const cannot = { batches: true, filters: false, resumes: false }
  return { ...PLAIN, ...cannot, name, start: (profile) => startProgram(name, profile) }
}

/** Starts one of the programs beside this file, which print where they listen. */
async function startProgram(name: string, profile: string | undefined): Promise<Started> {
  const path = fileURLToPath(new URL(`servers/${name}.ts`, import.meta.url))
  const profiling =
    profile === undefined
      ? []
      : ['--cpu-prof', `--cpu-prof-dir=${profile}`, `--cpu-prof-name=${name}-${Date.now()}.cpuprofile`]
  process.env.BENCH_TOKEN = TOKEN
  const child = start({ program: process.execPath, args: ['--expose-gc', ...profiling, path] }, CORES?.server)
  if (child.stdout === null || child.pid === undefined) throw new Error(`${name} did not start.`)
  const late = setTimeout(() => child.kill('SIGKILL'), START_MS)
  const lines = createInterface(child.stdout)
  const [origin] = await Promise.race([once(lines, 'line'), once(child, 'exit').then(() => [])])
  clearTimeout(late)
  if (typeof origin !== 'string') throw new Error(`${name} did not start.`)
  return { origin, pid: child.pid, stop: () => stop(child) }
}
