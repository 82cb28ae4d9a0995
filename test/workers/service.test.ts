import { exports } from 'cloudflare:workers'
import { testService } from '../conformance/service.ts'

testService('the Worker in the pool', async () => ({
  origin: 'http://localhost',
  fetch: (path, init) =>
    (exports as { default: Fetcher }).default.fetch(`http://localhost${path}`, init as never) as never,
}))
