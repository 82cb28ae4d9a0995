import { testService } from '../conformance/service.ts'
import { RUNTIMES } from '../support/services.ts'
import { SERVICE_SETTINGS } from '../support/settings.ts'

for (const [name, start] of Object.entries(RUNTIMES)) {
  testService(name, async () => {
    const { origin, close } = await start(SERVICE_SETTINGS)
    return { origin, close, fetch: (path, init) => fetch(`${origin}${path}`, init) }
  })
}
