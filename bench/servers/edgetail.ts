/** edgetail as it ships: `startServer` with a token, its default retention and its default redaction. */
import { closeOnSignals, startServer } from '../../src/node/index.ts'
import { readSettings } from '../../src/settings.ts'
import { announce } from './program.ts'

const server = await startServer(
  readSettings({ PORT: '0', EDGETAIL_TOKEN: process.env.BENCH_TOKEN, EDGETAIL_MAX_CLIENTS: '100000' }),
)
closeOnSignals(server)
announce(server.origin)
