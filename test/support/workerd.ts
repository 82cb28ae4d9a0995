/**
 * Several Workers on one workerd, as they are deployed: the bundles of dry-run deploys and a configuration of our own.
 * `wrangler dev` would catch what they throw and print a name before each of their lines.
 */
import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { freePort } from './free-port.ts'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
/** Has the workerd that a deploy would be checked with. */
const WRANGLER = createRequire(import.meta.url).resolve('wrangler/package.json')
const WRANGLER_BIN = join(dirname(WRANGLER), 'bin', 'wrangler.js')

/** A Worker. */
export interface WorkerSpec {
  readonly name: string
  /** Its configuration for wrangler, as a path in the repository. */
  readonly config: string
  /** What it is bound to and what else workerd needs to know, as members of `Worker` in workerd.capnp. */
  readonly members: string
  /** Whether it listens. */
  readonly listens?: boolean
}

/** Workers that run. */
export interface Workerd {
  /** Where each listens, by its name. */
  readonly origins: Readonly<Record<string, string>>
  readonly pid: number
  /** The folder of what their objects keep. */
  readonly objects: string
  /** Everything that was printed. */
  output(): string
  stop(): Promise<void>
}

/** What wrangler would deploy, as members of `Worker`. */
interface Bundle {
  readonly config: string
  readonly members: string
}

/** Starts a program; what is not a pipe is not read. */
type Launch = (program: string, args: readonly string[]) => ChildProcess

/** How they are started. */
export interface WorkerdOptions {
  /** @default spawn */
  readonly launch?: Launch
  /** @default what makes a function optimised after some calls: faults of optimised code else need thousands of requests */
  readonly v8Flags?: readonly string[]
}

const OPTIMISED_EARLY = ['--invocation-count-for-maglev=10', '--invocation-count-for-turbofan=20']

const launchHere: Launch = (program, args) => spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'] })

/** Builds and starts Workers. What they keep is in the disk service `objects`, in a folder that goes when they stop. */
export async function startWorkerd(
  workers: readonly WorkerSpec[],
  { launch = launchHere, v8Flags = OPTIMISED_EARLY }: WorkerdOptions = {},
): Promise<Workerd> {
  const folder = await mkdtemp(join(tmpdir(), 'edgetail-workerd-'))
  await mkdir(join(folder, 'objects'))
  const bundles = await Promise.all(
    [...new Set(workers.map(({ config }) => config))].map((config) => build(folder, config)),
  )
  const sockets: string[] = []
  const origins: Record<string, string> = {}
  for (const { name, listens = false } of workers) {
    if (!listens) continue
    const address = `127.0.0.1:${await freePort()}`
    sockets.push(`(name = "${name}", address = "${address}", http = (), service = "${name}")`)
    origins[name] = `http://${address}`
  }
  const services = workers.map(({ name, config, members }) => {
    const bundle = bundles.find((built) => built.config === config)
    return `(name = "${name}", worker = (${bundle?.members}, ${members}))`
  })
  await writeFile(
    join(folder, 'config.capnp'),
    `using Workerd = import "/workerd/workerd.capnp";
     const config :Workerd.Config = (
       services = [${services.join(', ')}, (name = "objects", disk = (path = "${folder}/objects", writable = true))],
       v8Flags = ${JSON.stringify(v8Flags)},
       sockets = [${sockets.join(', ')}],
     );`,
  )
  const program = join(dirname(createRequire(WRANGLER).resolve('workerd/package.json')), 'bin', 'workerd')
  const child = launch(program, ['serve', '--experimental', join(folder, 'config.capnp')])
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream?.on('data', (chunk) => {
      output += chunk
    })
  }
  const stopped = async (): Promise<void> => {
    await stop(child)
    await rm(folder, { recursive: true })
  }
  for (const origin of Object.values(origins)) await ready(child, origin, () => output, stopped)
  const objects = join(folder, 'objects')
  return { origins, pid: child.pid as number, objects, output: () => output, stop: stopped }
}

async function build(folder: string, config: string): Promise<Bundle> {
  const out = config.replaceAll('/', '-')
  await promisify(execFile)(
    process.execPath,
    [WRANGLER_BIN, 'deploy', '-c', config, '--dry-run', '--outdir', join(folder, out)],
    { cwd: ROOT, env: { ...process.env, CI: '1', WRANGLER_SEND_METRICS: 'false' } },
  )
  const toml = await readFile(join(ROOT, config), 'utf8')
  const [, main = ''] = /^main = "(?:.*\/)?(.*)\.ts"$/m.exec(toml) ?? []
  const [, date] = /^compatibility_date = (".*")$/m.exec(toml) ?? []
  const [, flags = '[]'] = /^compatibility_flags = (\[.*\])$/m.exec(toml) ?? []
  return {
    config,
    members: `modules = [(name = "${main}.js", esModule = embed "${out}/${main}.js")],
      compatibilityDate = ${date}, compatibilityFlags = ${flags}`,
  }
}

async function ready(
  child: ChildProcess,
  origin: string,
  output: () => string,
  stopped: () => Promise<void>,
): Promise<void> {
  const deadline = Date.now() + 20_000
  while (Date.now() < deadline && child.exitCode === null) {
    // Workers that keep each other busy without end never answer.
    if (await fetch(origin, { signal: AbortSignal.timeout(2000) }).catch(() => undefined)) return
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  await stopped()
  throw new Error(`workerd did not start:\n${output()}`)
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const gone = once(child, 'exit')
  child.kill('SIGTERM')
  const late = setTimeout(() => child.kill('SIGKILL'), 5000)
  await gone
  clearTimeout(late)
}
