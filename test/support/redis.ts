/** A redis-server of a test's own, as a plain program with its own folder, which can be stopped, frozen and emptied. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort } from './free-port.ts'

const PATH = process.env.REDIS_SERVER_PATH ?? 'redis-server'

/** Why Redis tests cannot run here; undefined when they can. In CI a missing Redis fails instead. */
export const NO_REDIS: string | undefined =
  process.env.CI || spawnSync(PATH, ['--version']).status === 0
    ? undefined
    : `skipped: no ${PATH} (install Redis, or set REDIS_SERVER_PATH)`

if (NO_REDIS) console.warn(NO_REDIS)

/** A Redis that listens. */
export interface RedisServer {
  readonly port: number
  readonly url: string
  /** Runs a command over a connection of its own and returns the raw answer. */
  command(...args: string[]): Promise<string>
  /** Ends it with a signal, and waits until it is gone. */
  kill(signal?: NodeJS.Signals): Promise<void>
  /** Freezes it, as a machine that hangs, and lets it go on. */
  signal(signal: 'SIGSTOP' | 'SIGCONT'): void
  /** Starts it again with what its disk has. */
  start(): Promise<void>
  close(): Promise<void>
}

/** @param args - options of its command line; by default every write is on the disk before it is answered */
export async function startRedis(
  args: readonly string[] = ['--appendonly', 'yes', '--appendfsync', 'always'],
): Promise<RedisServer> {
  const folder = await mkdtemp(join(tmpdir(), 'edgetail-redis-'))
  const port = await freePort()
  let child: ChildProcess | undefined
  let output = ''

  async function command(...parts: string[]): Promise<string> {
    const socket = connect(port, '127.0.0.1')
    socket.setEncoding('utf8')
    try {
      socket.write(`*${parts.length}\r\n${parts.map((part) => `$${Buffer.byteLength(part)}\r\n${part}\r\n`).join('')}`)
      const [answer] = (await once(socket, 'data')) as [string]
      return answer.trim()
    } finally {
      socket.destroy()
    }
  }

  async function start(): Promise<void> {
    // First, since it may begin with a file.
    const own = ['--port', String(port), '--bind', '127.0.0.1', '--dir', folder]
    child = spawn(PATH, [...args, ...own, ...(args.includes('--sentinel') ? [] : ['--save', ''])], {
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    for (const stream of [child.stdout, child.stderr]) stream?.on('data', (chunk) => (output += chunk))
    child.on('error', ({ message }) => (output += message))
    for (let tries = 0; (await command('PING').catch(() => '')) !== '+PONG'; tries++) {
      if (tries > 200 || child.exitCode !== null || child.pid === undefined)
        throw new Error(`Redis did not start:\n${output}`)
      await new Promise((resolve) => setTimeout(resolve, 25))
    }
  }

  async function kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return
    const gone = once(child, 'exit')
    child.kill(signal)
    await gone
  }

  await start()
  return {
    port,
    url: `redis://127.0.0.1:${port}`,
    command,
    kill,
    signal: (signal) => child?.kill(signal),
    start,
    async close() {
      await kill()
      await rm(folder, { recursive: true })
    },
  }
}
