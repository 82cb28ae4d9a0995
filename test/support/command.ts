/** The command as a person runs it. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { expect, onTestFinished } from 'vitest'

/** The command's entry. */
export const MAIN: string = new URL('../../src/cli/main.ts', import.meta.url).pathname

/** A command that runs. */
export interface Command {
  readonly child: ChildProcess
  readonly stderr: () => string
  /** What it has printed so far. */
  readonly printed: () => string
  /** All that it printed, once it has ended. */
  readonly stdout: Promise<string>
  readonly exit: Promise<number | null>
}

/** Starts it, for as long as the test lasts at the most. */
export function startCommand(
  args: string[],
  env: Record<string, string> = {},
  stdin: 'pipe' | 'ignore' = 'ignore',
): Command {
  const { EDGETAIL_TOKEN: _, FORCE_COLOR: __, NO_COLOR: ___, ...inherited } = process.env
  const child = spawn(process.execPath, [MAIN, ...args], {
    stdio: [stdin, 'pipe', 'pipe'],
    env: { ...inherited, PORT: '0', ...env },
  })
  onTestFinished(() => void child.kill('SIGKILL'))
  let errors = ''
  let output = ''
  child.stderr?.setEncoding('utf8').on('data', (chunk) => {
    errors += chunk
  })
  child.stdout?.setEncoding('utf8').on('data', (chunk) => {
    output += chunk
  })
  return {
    child,
    stderr: () => errors,
    printed: () => output,
    stdout: once(child, 'close').then(() => output),
    exit: once(child, 'exit').then(([code]) => code as number | null),
  }
}

/** Waits until a server listens, and returns what it tells people. */
export async function listening({ stderr }: Command): Promise<{ url: string; token: string; curl: string }> {
  await expect.poll(stderr, { timeout: 10_000 }).toContain('curl -N')
  const [, url = '', token = ''] = /(http:\S+?\/monitor)(?:#token=(\S+))?\n/.exec(stderr()) ?? []
  return { url, token, curl: /curl -N .*/.exec(stderr())?.[0] ?? '' }
}
