/** edgetail over a file. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { closeOnSignals, startServer } from '../../src/node/index.ts'
import { readSettings } from '../../src/settings.ts'
import { announce } from './program.ts'

const folder = await mkdtemp(join(tmpdir(), 'edgetail-bench-'))
const server = await startServer(
  readSettings({
    PORT: '0',
    EDGETAIL_TOKEN: process.env.BENCH_TOKEN,
    EDGETAIL_MAX_CLIENTS: '100000',
    EDGETAIL_DATA: join(folder, 'edgetail.db'),
  }),
)
closeOnSignals({
  async close() {
    await server.close()
    await rm(folder, { recursive: true })
  },
})
announce(server.origin)
