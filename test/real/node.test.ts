import { startServer } from '../../src/node/server.ts'
import { readSettings } from '../../src/settings.ts'
import { testService } from '../conformance/service.ts'
import { SERVICE_SETTINGS } from '../support/settings.ts'

testService('a Node server on a socket', async () => {
  const server = await startServer(readSettings({ ...SERVICE_SETTINGS, PORT: '0' }))
  return {
    origin: server.origin,
    fetch: (path, init) => fetch(`${server.origin}${path}`, init),
    close: () => server.close(),
  }
})
