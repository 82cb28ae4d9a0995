/** An edgetail server that also writes what it stores to a file, so that it is known after the server was killed. */
import { appendFileSync } from 'node:fs'
import type { LogRecord } from '../../../src/log.ts'
import { startServer } from '../../../src/node/server.ts'
import { readSettings } from '../../../src/settings.ts'
import type { LogSource } from '../../../src/source.ts'
import { memorySource } from '../../../src/sources/memory.ts'

const [, , file = ''] = process.argv
const memory = memorySource({ retain: 100_000 })
const keys = new Set<string>()

function note(records: readonly LogRecord[]): void {
  appendFileSync(file, records.map(({ json }) => `${json}\n`).join(''))
}

const source: LogSource = {
  ...memory,
  append(records) {
    note(records)
    return memory.append(records)
  },
  appendOnce(key, records, answer) {
    if (!keys.has(key)) note(records)
    keys.add(key)
    return memory.appendOnce(key, records, answer)
  },
}
await startServer({ ...readSettings(process.env), source })
process.send?.('listening')
