/**
 * A real edgetail server in a process of its own, killed without warning and started again on the same port. Its memory goes with
 * it; what it had stored is in a file for each life.
 */
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import type { LogEntry } from '../../src/log.ts'
import { freePort } from './free-port.ts'

/** The receiver. */
export interface RecordingReceiver {
  /** The monitor's base. */
  readonly url: string
  /** What each life stored, in order. */
  lives(): LogEntry[][]
  /** What all of them stored. */
  entries(): LogEntry[]
  start(): Promise<void>
  /** Ends this life as `kill -9` does. */
  kill(): Promise<void>
  /** Lets it hear connections and answer nothing. */
  freeze(): void
}

/** Writes and reads. */
export const TOKEN = 'secret'

/** Makes one, for one test. It does not listen yet. */
export async function recordingReceiver(): Promise<RecordingReceiver> {
  const folder = mkdtempSync(join(tmpdir(), 'edgetail-'))
  const port = await freePort()
  const files: string[] = []
  let child: ChildProcess | undefined

  const lives = (): LogEntry[][] =>
    files.map((file) => {
      const lines = existsSync(file) ? readFileSync(file, 'utf8').split('\n') : []
      // Killed while it wrote, it may have left half a line.
      return lines.slice(0, -1).map((line) => JSON.parse(line) as LogEntry)
    })
  const kill = async (): Promise<void> => {
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return
    const gone = once(child, 'exit')
    child.kill('SIGKILL')
    await gone
  }
  onTestFinished(async () => {
    await kill()
    rmSync(folder, { recursive: true })
  })
  return {
    url: `http://127.0.0.1:${port}/monitor`,
    lives,
    entries: () => lives().flat(),
    kill,
    freeze: () => void child?.kill('SIGSTOP'),
    async start() {
      const file = join(folder, `${files.length}.ndjson`)
      files.push(file)
      child = fork(new URL('programs/receiver.ts', import.meta.url), [file], {
        env: { ...process.env, EDGETAIL_TOKEN: TOKEN, PORT: String(port) },
      })
      await once(child, 'message')
    },
  }
}
