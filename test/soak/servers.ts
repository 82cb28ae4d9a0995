/** The servers that are soaked, seen from outside. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { processesOf, residentMiB, startNodeProcess } from '../support/node-process.ts'
import { startWranglerDev } from '../support/wrangler-dev.ts'

/** A server under load. */
export interface SoakServer {
  readonly origin: string
  /** In MiB; `heap` after a collection. */
  memory(): Promise<{ resident: number; heap: number | undefined }>
  /** What it said that it should not have to. */
  complaints(): string
  /** Stops it and starts it on the same history, where that outlives it. */
  readonly restart?: () => Promise<void>
  /** Stops it for good and says what was wrong with that. */
  stop(): Promise<string>
}

export async function soakNode(settings: Record<string, string>): Promise<SoakServer> {
  const server = await startNodeProcess(settings)
  return {
    origin: server.origin,
    async memory() {
      const { heapUsed } = await server.memory()
      return { resident: residentMiB(server.pid), heap: heapUsed / 2 ** 20 }
    },
    complaints: server.complaints,
    async stop() {
      const code = await server.stop()
      return code === 0 ? '' : `the server exited with ${code}`
    },
  }
}

export async function soakWorkers(settings: Record<string, string>): Promise<SoakServer> {
  const folder = await mkdtemp(join(tmpdir(), 'edgetail-soak-'))
  let worker = await startWranglerDev(settings, folder)
  let said = ''
  return {
    get origin() {
      return worker.origin
    },
    async memory() {
      return { resident: processesOf(worker.pid).reduce((sum, pid) => sum + residentMiB(pid), 0), heap: undefined }
    },
    complaints: () =>
      `${said}${worker.output()}`
        .split('\n')
        .filter((line) => /unhandled|uncaught|edgetail: /i.test(line))
        .join('\n'),
    async restart() {
      said += worker.output()
      await worker.stop()
      worker = await startWranglerDev(settings, folder)
    },
    async stop() {
      await worker.stop()
      await rm(folder, { recursive: true })
      return ''
    },
  }
}
