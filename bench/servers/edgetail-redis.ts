/** edgetail over a Redis of its own; what Redis takes is counted with it. */
import { closeOnSignals, startServer } from '../../src/node/index.ts'
import { readSettings } from '../../src/settings.ts'
import { startRedis } from '../../test/support/redis.ts'
import { announce } from './program.ts'

const redis = await startRedis([])
const server = await startServer(
  readSettings({
    PORT: '0',
    EDGETAIL_TOKEN: process.env.BENCH_TOKEN,
    EDGETAIL_MAX_CLIENTS: '100000',
    REDIS_URL: redis.url,
  }),
)
closeOnSignals({
  async close() {
    await server.close()
    await redis.close()
  },
})
announce(server.origin)
