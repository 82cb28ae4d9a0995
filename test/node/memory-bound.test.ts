/** What the memory source holds, on the heap and beside it: the retention and the late bytes, whoever does not take. */
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { describe, expect, it } from 'vitest'
import { createRecord } from '../../src/normalize.ts'
import { MAX_LATE_BYTES } from '../../src/ring.ts'
import type { LogSource } from '../../src/source.ts'
import { memorySource } from '../../src/sources/memory.ts'

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

const MB = 1024 * 1024
const TOTAL = 200_000
const BATCH = 50

function heap(): number {
  collect()
  // Buffers are freed beside the program, and no turn may pass meanwhile.
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 200)
  const { heapUsed, arrayBuffers } = process.memoryUsage()
  return heapUsed + arrayBuffers
}

async function fill(source: LogSource, length: number, turns: boolean): Promise<void> {
  for (let from = 0; from < TOTAL; from += BATCH) {
    await source.append(
      Array.from({ length: BATCH }, (_, index) => createRecord('info', `${from + index}`.padEnd(length), {})),
    )
    if (turns && from % 1000 === 0) await new Promise((resolve) => setImmediate(resolve))
  }
}

describe('memory of the memory source', () => {
  it.each([
    ['a thousand readers that never take short entries', 1000, 8, true],
    ['a thousand readers that never take long entries', 1000, 400, true],
    ['a thousand readers that cannot take, all within one turn', 1000, 400, false],
    ['no readers, all within one turn', 0, 400, false],
  ])('stays bounded with %s', { timeout: 60_000 }, async (name, readers, length, turns) => {
    const source = memorySource({ retain: 1000 })
    const stop = new AbortController()
    const before = heap()
    const subscriptions = await Promise.all(
      Array.from({ length: readers }, () => source.subscribe({ signal: stop.signal, maxClients: readers })),
    )
    // Half of them have asked for one item, and wait for nothing after it.
    const asked = subscriptions.filter((_, index) => index % 2 === 0).map((one) => one[Symbol.asyncIterator]().next())
    await fill(source, length, turns)
    if (turns) await new Promise((resolve) => setTimeout(resolve, 300))
    const grown = heap() - before
    console.log(`${name}: ${(grown / MB).toFixed(1)} MB, of which ${MAX_LATE_BYTES / MB} MB late at most`)
    expect((await source.status()).entries).toBe(1000)
    expect(await Promise.all(asked)).toHaveLength(asked.length)
    expect(grown).toBeLessThan(MAX_LATE_BYTES + 32 * MB)
    stop.abort()
    await source.close()
  })
})
