/** Processes: started on a core of their own, and what they have used, as the kernel counts it. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'

/** The core of the server and that of the load, when they can be told apart. */
export const CORES: { readonly server: number; readonly load: number } | undefined =
  availableParallelism() > 1 && hasTaskset() ? { server: 0, load: 1 } : undefined

/** Microseconds in a tick of `/proc/<pid>/stat`. Linux reports in hundredths of a second whatever the kernel's own clock. */
const TICK_US = 10_000

/** What runs on a core. */
export interface Command {
  readonly program: string
  readonly args: readonly string[]
}

/** What was started and has not ended. */
const running = new Set<ChildProcess>()

/** Starts a program, on its core where that is possible. `taskset` becomes the program, so the pid is the program's. */
export function start({ program, args }: Command, core: number | undefined): ChildProcess {
  const [first, ...rest] = core === undefined ? [program, ...args] : ['taskset', '-c', String(core), program, ...args]
  const child = spawn(first as string, rest, { stdio: ['ignore', 'pipe', 'inherit'] })
  running.add(child)
  child.on('exit', () => running.delete(child))
  return child
}

/** Ends a process that was started here, and waits until it is gone. */
export async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const gone = once(child, 'exit')
  child.kill('SIGTERM')
  const late = setTimeout(() => child.kill('SIGKILL'), 8000)
  await gone
  clearTimeout(late)
}

/** Ends all that runs when the benchmark itself is ended. */
export function stopOnSignals(): void {
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.on(signal, () => {
      for (const child of running) child.kill('SIGKILL')
      process.exit(1)
    })
  }
}

/** A process and all below it: nginx works in a child. */
export function processTree(pid: number): number[] {
  const children = new Map<number, number[]>()
  for (const name of readdirSync('/proc')) {
    const stat = /^\d+$/.test(name) ? readStat(Number(name)) : undefined
    if (stat === undefined) continue
    const parent = Number(stat[1])
    children.set(parent, [...(children.get(parent) ?? []), Number(name)])
  }
  const below = (id: number): number[] => [id, ...(children.get(id) ?? []).flatMap(below)]
  return below(pid)
}

/** CPU time that processes have used, in microseconds: user and system, all threads. */
export function cpuUs(pids: readonly number[]): number {
  let ticks = 0
  for (const pid of pids) {
    const stat = readStat(pid)
    ticks += Number(stat?.[11] ?? 0) + Number(stat?.[12] ?? 0)
  }
  return ticks * TICK_US
}

/** Resident memory, in KiB. */
export function rssKb(pids: readonly number[]): number {
  let total = 0
  for (const pid of pids) total += Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0)
  return total
}

/** The fields of `/proc/<pid>/stat` from the third, `state`, on; undefined when the process is gone. */
function readStat(pid: number): string[] | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8')
    // The second field is the program's name in parentheses, and may hold anything.
    return text.slice(text.lastIndexOf(')') + 2).split(' ')
  } catch {
    return undefined
  }
}

function hasTaskset(): boolean {
  try {
    execFileSync('taskset', ['-p', String(process.pid)], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}
