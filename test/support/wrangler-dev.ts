/** A real workerd, started by `wrangler dev`. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { freePort } from './free-port.ts'

/** A Worker that listens. */
export interface WranglerDev {
  readonly origin: string
  /** The leader of its process group, in which workerd is too. */
  readonly pid: number
  /** Everything that it printed. */
  output(): string
  /** Stops it and waits until it is gone. */
  stop(): Promise<void>
}

/**
 * Starts the Worker with the given variables.
 *
 * @param stateFolder - where the objects are kept; the same folder has the same entries
 */
export async function startWranglerDev(
  variables: Record<string, string>,
  stateFolder: string,
  config = 'wrangler.toml',
): Promise<WranglerDev> {
  for (let tries = 1; ; tries++) {
    try {
      return await start(variables, stateFolder, config)
    } catch (error) {
      // Between finding a port free and listening on it, another program may take it.
      if (tries === 3 || !String(error).includes('Address already in use')) throw error
    }
  }
}

async function start(variables: Record<string, string>, stateFolder: string, config: string): Promise<WranglerDev> {
  const port = await freePort()
  const args = ['dev', '-c', config, '--port', String(port), '--ip', '127.0.0.1', '--persist-to', stateFolder]
  for (const [name, value] of Object.entries(variables)) args.push('--var', `${name}:${value}`)
  const child = spawn('wrangler', args, {
    // Its own group, so that workerd goes with it.
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, CI: '1', WRANGLER_SEND_METRICS: 'false', CLOUDFLARE_CF_FETCH_ENABLED: 'false' },
  })
  const origin = `http://127.0.0.1:${port}`
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream?.on('data', (chunk) => {
      output += chunk
    })
  }
  await ready(child, origin, () => output)
  return { origin, pid: child.pid as number, output: () => output, stop: () => stop(child) }
}

async function ready(child: ChildProcess, origin: string, output: () => string): Promise<void> {
  const deadline = Date.now() + 30_000
  while (Date.now() < deadline && child.exitCode === null) {
    if (output().includes('Ready on') && (await fetch(origin).catch(() => undefined))) return
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  await stop(child)
  throw new Error(`wrangler dev did not start:\n${output()}`)
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const gone = once(child, 'exit')
  process.kill(-(child.pid as number), 'SIGTERM')
  const late = setTimeout(() => process.kill(-(child.pid as number), 'SIGKILL'), 5000)
  await gone
  clearTimeout(late)
}
