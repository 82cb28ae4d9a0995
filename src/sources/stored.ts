/**
 * Entries in an SQLite that this process alone writes to. Appends of one turn are stored in one transaction, and answered
 * when it is done. Live readers read a ring in memory; the store is asked for what is older.
 */
import { BatchStore, type Retention, type SqlDriver } from '../batch-store.ts'
import { type ErrorReporter, MonitorError } from '../errors.ts'
import { compileFilter, type Filter } from '../filter/filter.ts'
import { type Append, createGroupCommit } from '../group-commit.ts'
import type { LogRecord } from '../log.ts'
import { createPacer, type Flushed } from '../pacer.ts'
import { Readers } from '../readers.ts'
import { type Reading, Ring } from '../ring.ts'
import type { LogSource } from '../source.ts'

/** An SQLite with transactions. */
export interface SqlDatabase extends SqlDriver {
  /** Stores all that is done in it or nothing, and throws what it threw. */
  transaction<Result>(work: () => Result): Result
  close(): void
}

/** Most characters of JSON text held in memory for live readers, beside what is stored. */
const WINDOW_BYTES = 16 * 1024 * 1024

/** Most readings remembered between two flushes: those who come back after a restart stand at the same places. */
const MAX_SHARED = 64

/** How often what has become too old is deleted in silence, in milliseconds. */
const SWEEP_MS = 60_000

/** What a writer is told; the cause may name a path. */
const UNSTORED = 'The log could not be stored. Its operator finds the cause in the server log.'

/** An append whose entries the live readers are still to get. */
interface RecordAppend extends Append {
  readonly records: readonly LogRecord[]
}

/**
 * A source that keeps entries in a database, which it closes with itself.
 *
 * @param onError - told of failures to store and to delete
 */
export function storedSource(database: SqlDatabase, retention: Retention, onError: ErrorReporter): LogSource {
  const store = new BatchStore(database, retention)
  const ring = new Ring({
    retain: retention.retain,
    retainBytes: WINDOW_BYTES,
    epoch: store.epoch,
    head: store.head,
  })
  const shared = new Map<string, Reading | undefined>()
  const readers = new Readers({ read, overtaken, positionBefore: (next) => store.positionBefore(next) })
  const commits = createGroupCommit<RecordAppend>({
    store,
    transaction: (work) => database.transaction(work),
    onStored(appends, results) {
      ring.append(appends.flatMap(({ records }, index) => (results[index]?.isNew ? records : [])))
      publishing.request()
    },
    toRefusal(error) {
      onError(error, 'source')
      return new MonitorError('source_unavailable', UNSTORED)
    },
  })
  const publishing = createPacer(publish)
  const sweep = setInterval(clean, SWEEP_MS)
  // A program that has nothing else to do may end: what was answered is stored.
  ;(sweep as { unref?: () => void }).unref?.()
  let closed = false

  function ensureOpen(): void {
    if (closed) throw new MonitorError('source_unavailable', 'The log source is closed.')
  }

  function publish(): Flushed {
    shared.clear()
    const flushed = ring.publish()
    readers.wake()
    const oldestWanted = readers.oldestWanted()
    ring.release(oldestWanted)
    attempt(() => store.trim(oldestWanted))
    return flushed
  }

  function clean(): void {
    attempt(() => {
      store.expire()
      store.trim(readers.oldestWanted())
    })
  }

  /** A full or broken disk is no reason for the program to die, whose log this is. */
  function attempt<Result>(work: () => Result): Result | undefined {
    try {
      return work()
    } catch (error) {
      onError(error, 'source')
      return undefined
    }
  }

  function read(next: number, filter: Filter): Reading | undefined {
    if (ring.overtaken(next) === undefined) return ring.read(next, filter)
    // Who is so far behind goes on from there when the file is open again.
    if (closed) return undefined
    const key = `${next} ${filter.key}`
    if (!shared.has(key)) {
      if (shared.size >= MAX_SHARED) shared.clear()
      shared.set(key, store.read(next, filter))
    }
    return shared.get(key)
  }

  function overtaken(next: number): ReturnType<BatchStore['overtaken']> {
    return closed || ring.overtaken(next) === undefined ? undefined : store.overtaken(next)
  }

  return {
    async append(records) {
      ensureOpen()
      return (await commits.append({ records, lines: textsOf(records) })).ids
    },
    async appendOnce(key, records, answer) {
      ensureOpen()
      return (await commits.append({ records, lines: textsOf(records), once: { key, answer } })).answer
    },
    async subscribe(options) {
      ensureOpen()
      const { after, tail = 0 } = options
      commits.flush()
      store.expire()
      return readers.open(options, (filter) => store.locate(after, tail, filter))
    },
    async history(query) {
      ensureOpen()
      commits.flush()
      store.expire()
      return store.history(query, compileFilter(query.filter))
    },
    async status() {
      ensureOpen()
      store.expire()
      const { size: entries, bytes, head: total } = store
      return { entries, clients: readers.clients, bytes, total, flushWindowMs: publishing.windowMs }
    },
    async close() {
      if (closed) return
      clearInterval(sweep)
      commits.flush()
      publishing.flushNow()
      closed = true
      readers.close()
      database.close()
    },
  }
}

function textsOf(records: readonly LogRecord[]): string[] {
  return records.map(({ json }) => json)
}
