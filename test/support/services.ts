/** Both runtimes as real servers, for tests that are the same on either. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startServer } from '../../src/node/server.ts'
import { readSettings } from '../../src/settings.ts'
import { startWranglerDev } from './wrangler-dev.ts'

/** A server that listens. */
export interface RealService {
  readonly origin: string
  close(): Promise<void>
}

/** How each is started, by its name. */
export const RUNTIMES: Record<string, (settings: Record<string, string>) => Promise<RealService>> = {
  'a Node server': (settings) => startServer(readSettings({ ...settings, PORT: '0' })),
  'real workerd': async (settings) => {
    const folder = await mkdtemp(join(tmpdir(), 'edgetail-'))
    const worker = await startWranglerDev(settings, folder)
    return {
      origin: worker.origin,
      async close() {
        await worker.stop()
        await rm(folder, { recursive: true })
      },
    }
  },
}
