/**
 * Entries in the memory of one process: the default on Node. History ends with the process, and a restart is a new epoch.
 */
import { MonitorError } from '../errors.ts'
import { compileFilter } from '../filter/filter.ts'
import { createPacer } from '../pacer.ts'
import { Readers } from '../readers.ts'
import { Ring } from '../ring.ts'
import type { LogSource } from '../source.ts'

/** Options of {@link memorySource}. */
export interface MemorySourceOptions {
  /** Most entries kept for those who connect or resume later. @default 10000 */
  readonly retain?: number | undefined
  /**
   * Most bytes kept for them, as they are sent. Guards the process against 10,000 entries of the largest size, which would
   * take a gigabyte. @default 67108864 (64 Mi)
   */
  readonly retainBytes?: number | undefined
}

/**
 * A source that keeps entries in memory.
 *
 * @throws MonitorError `invalid_setting` when an option is no whole number from 1
 */
export function memorySource({ retain = 10_000, retainBytes = 64 * 1024 * 1024 }: MemorySourceOptions = {}): LogSource {
  for (const [name, value] of Object.entries({ retain, retainBytes })) {
    if (!Number.isSafeInteger(value) || value < 1) {
      throw new MonitorError('invalid_setting', `${name} is a whole number from 1, not ${value}.`)
    }
  }
  const ring = new Ring({ retain, retainBytes })
  const readers = new Readers(ring)
  const pacer = createPacer(() => {
    const flushed = ring.publish()
    readers.wake()
    ring.release(readers.oldestWanted())
    return flushed
  })
  let closed = false

  function ensureOpen(): void {
    if (closed) throw new MonitorError('source_unavailable', 'The log source is closed.')
  }

  return {
    async append(records) {
      ensureOpen()
      const ids = ring.append(records)
      if (ids.length > 0) pacer.request()
      return ids
    },
    async appendOnce(key, records, answer) {
      ensureOpen()
      const first = ring.appendOnce(key, records, answer)
      pacer.request()
      return first
    },
    async subscribe(options) {
      ensureOpen()
      const { after, tail = 0 } = options
      return readers.open(options, (filter) => ring.locate(after, tail, filter))
    },
    async history(query) {
      ensureOpen()
      return ring.history(query, compileFilter(query.filter))
    },
    async status() {
      ensureOpen()
      const { size: entries, bytes, head: total } = ring
      return { entries, clients: readers.clients, bytes, total, flushWindowMs: pacer.windowMs }
    },
    async close() {
      if (closed) return
      closed = true
      pacer.flushNow()
      readers.close()
    },
  }
}
