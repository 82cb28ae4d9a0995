/** The command as a process of its own, seen from outside: what it prints, what memory it takes, how it ends. */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'

const MAIN = new URL('../../src/cli/main.ts', import.meta.url).pathname

/** Tells how much memory is in use when asked, after a collection: without it what is garbage would look like a leak. */
const TELL_MEMORY = `data:text/javascript,${encodeURIComponent(
  'process.on("message", () => { gc(); process.send(process.memoryUsage()) }); process.channel.unref()',
)}`

/** A server that listens. */
export interface NodeProcess {
  readonly origin: string
  readonly pid: number
  /** What it said after its greeting. */
  complaints(): string
  /** Whether it is still there. */
  isAlive(): boolean
  memory(): Promise<NodeJS.MemoryUsage>
  /** Stops it and returns its exit status. */
  stop(): Promise<number | null>
}

/** @param logRequests - whether it logs its own requests, as it does when nothing is piped into it */
export async function startNodeProcess(settings: Record<string, string>, logRequests = false): Promise<NodeProcess> {
  const child = fork(MAIN, [], {
    execArgv: ['--expose-gc', '--import', TELL_MEMORY],
    stdio: [logRequests ? 'ignore' : 'pipe', 'ignore', 'pipe', 'ipc'],
    env: { ...process.env, PORT: '0', ...settings },
  })
  const gone = once(child, 'exit').then(([code]) => code as number | null)
  let errors = ''
  child.stderr?.setEncoding('utf8').on('data', (chunk) => {
    errors += chunk
  })
  const greeting = /(http:\/\/[\d.]+:\d+)[\s\S]*\/stream\n\n/
  for (let tries = 0; !greeting.test(errors); tries++) {
    if (tries > 600 || child.exitCode !== null) {
      child.kill('SIGKILL')
      throw new Error(`The server did not start:\n${errors}`)
    }
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  const [greeted = '', origin = ''] = greeting.exec(errors) ?? []
  return {
    origin,
    pid: child.pid as number,
    complaints: () => errors.slice(greeted.length + errors.indexOf(greeted)).trim(),
    isAlive: () => child.exitCode === null && child.signalCode === null,
    memory: async () => {
      child.send('memory')
      return (await once(child, 'message'))[0] as NodeJS.MemoryUsage
    },
    async stop() {
      child.kill('SIGTERM')
      const late = setTimeout(() => child.kill('SIGKILL'), 10_000)
      const code = await gone
      clearTimeout(late)
      return code
    },
  }
}

/** Resident memory of a process in MiB; 0 when it is gone. */
export function residentMiB(pid: number): number {
  try {
    return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) / 1024
  } catch {
    return 0
  }
}

/** The processes of a group, so that workerd is counted with the wrangler that started it. */
export function processesOf(group: number): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => {
      try {
        // After the name in brackets: state, parent, group.
        return Number(readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)?.split(' ')[2]) === group
      } catch {
        return false
      }
    })
}
