import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { testService } from '../conformance/service.ts'
import { SERVICE_SETTINGS } from '../support/settings.ts'
import { startWranglerDev } from '../support/wrangler-dev.ts'

testService('real workerd', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'edgetail-'))
  const worker = await startWranglerDev(SERVICE_SETTINGS, folder)
  return {
    origin: worker.origin,
    fetch: (path, init) => fetch(`${worker.origin}${path}`, init),
    async close() {
      await worker.stop()
      await rm(folder, { recursive: true })
    },
  }
})
