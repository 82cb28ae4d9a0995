import { Hono } from 'hono'
import { createMonitor } from '../../src/monitor.ts'
import { readSettings } from '../../src/settings.ts'
import { memorySource } from '../../src/sources/memory.ts'
import { memoryStreams } from '../../src/sources/memory-streams.ts'
import { testService } from '../conformance/service.ts'
import { SERVICE_SETTINGS } from '../support/settings.ts'

testService('app.request() before the memory source', async () => {
  const settings = readSettings(SERVICE_SETTINGS)
  const monitor = createMonitor({ ...settings, source: memorySource(settings), streams: memoryStreams(settings) })
  const app = new Hono().route('/monitor', monitor.routes)
  return {
    origin: 'http://localhost',
    fetch: async (path, init) => app.request(path, init),
    close: () => monitor.close(),
  }
})
