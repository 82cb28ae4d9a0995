import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll } from 'vitest'
import { sqliteSource } from '../../../src/node/sqlite.ts'
import { testSource } from '../../../src/testing/source.ts'

const folder = mkdtempSync(join(tmpdir(), 'edgetail-'))
afterAll(() => rmSync(folder, { recursive: true }))

testSource('SQLite', async (place) => sqliteSource({ path: join(folder, `${place}.db`), retain: 50 }), {
  retain: 50,
  durable: true,
})
