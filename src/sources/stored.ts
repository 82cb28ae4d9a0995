/**
 * Entries in an SQLite that this process alone writes to. Appends of one turn are stored in one transaction, and answered
 * when it is done. Live readers read a ring in memory; the store is asked for what is older.
 */
import { BatchStore, type Retention, type SqlDriver } from '../batch-store.ts'
import { type ErrorReporter, MonitorError } from '../errors.ts'
import { compileFilter, type Filter } from '../filter.ts'
import type { LogRecord } from '../log.ts'
import { createPacer, nextTurn } from '../pacer.ts'
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

/** Most characters that wait for the next transaction: a program may log without end in one turn. */
const MAX_WAITING = 4 * 1024 * 1024

/** Most readings remembered between two flushes: those who come back after a restart stand at the same places. */
const MAX_SHARED = 64

/** How often what has become too old is deleted in silence, in milliseconds. */
const SWEEP_MS = 60_000

/** What a writer is told; the cause may name a path. */
const UNSTORED = 'The log could not be stored. Its operator finds the cause in the server log.'

/** An append that waits for the next transaction. */
interface Append {
  readonly records: readonly LogRecord[]
  readonly once: { readonly key: string; readonly answer: string } | undefined
  done(result: Stored): void
  failed(error: MonitorError): void
}

/** What came of an append. */
interface Stored {
  readonly ids: readonly string[]
  /** The answer of the first use of its key. */
  readonly answer: string
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
  const pacer = createPacer(publish)
  const sweep = setInterval(clean, SWEEP_MS)
  // A program that has nothing else to do may end: what was answered is stored.
  ;(sweep as { unref?: () => void }).unref?.()
  let waiting: Append[] = []
  let waitingLength = 0
  let closed = false

  function ensureOpen(): void {
    if (closed) throw new MonitorError('source_unavailable', 'The log source is closed.')
  }

  function append(records: readonly LogRecord[], once: Append['once']): Promise<Stored> {
    return new Promise((resolve, reject) => {
      // Not paced like the readers are, or each writer would wait for what they cost.
      if (waiting.length === 0) nextTurn(commit)
      waiting.push({ records, once, done: resolve, failed: reject })
      for (const { json } of records) waitingLength += json.length
      if (waitingLength > MAX_WAITING) commit()
    })
  }

  /** Stores what waits. Also before the past is read, so that a program finds there what it has just logged. */
  function commit(): void {
    if (waiting.length === 0) return
    const appends = waiting
    waiting = []
    waitingLength = 0
    const added: LogRecord[] = []
    const stored = attempt(() => {
      try {
        return database.transaction(() => storeAll(appends, added))
      } catch (error) {
        store.reload()
        throw error
      }
    })
    if (stored === undefined) {
      const error = new MonitorError('source_unavailable', UNSTORED)
      for (const { failed } of appends) failed(error)
      return
    }
    ring.append(added)
    pacer.request()
    for (const [index, { done }] of appends.entries()) done(stored[index] as Stored)
  }

  /** Appends that follow each other share a row; one with a key has its own, since a row has one key. */
  function storeAll(appends: readonly Append[], added: LogRecord[]): Stored[] {
    const results: Stored[] = []
    for (let from = 0; from < appends.length; ) {
      const { records, once } = appends[from] as Append
      if (once !== undefined) {
        const { head } = store
        const answer = store.appendOnce(once.key, textsOf(records), once.answer)
        if (store.head > head) added.push(...records)
        results.push({ ids: [], answer })
        from++
        continue
      }
      let to = from
      const together: LogRecord[] = []
      for (; to < appends.length && appends[to]?.once === undefined; to++) {
        for (const record of appends[to]?.records ?? []) together.push(record)
      }
      const ids = store.append(textsOf(together))
      let first = 0
      for (; from < to; from++) {
        const { length } = (appends[from] as Append).records
        results.push({ ids: ids.slice(first, first + length), answer: '' })
        first += length
      }
      for (const record of together) added.push(record)
    }
    return results
  }

  function publish(): void {
    shared.clear()
    ring.publish()
    readers.wake()
    const oldestWanted = readers.oldestWanted()
    ring.release(oldestWanted)
    attempt(() => store.trim(oldestWanted))
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
      return (await append(records, undefined)).ids
    },
    async appendOnce(key, records, answer) {
      ensureOpen()
      return (await append(records, { key, answer })).answer
    },
    async subscribe(options) {
      ensureOpen()
      const { after, tail = 0 } = options
      commit()
      store.expire()
      return readers.open(options, (filter) => store.locate(after, tail, filter))
    },
    async history(query) {
      ensureOpen()
      commit()
      store.expire()
      return store.history(query, compileFilter(query.filter))
    },
    async status() {
      ensureOpen()
      store.expire()
      return { entries: store.size, clients: readers.clients }
    },
    async close() {
      if (closed) return
      clearInterval(sweep)
      commit()
      pacer.flushNow()
      closed = true
      readers.close()
      database.close()
    },
  }
}

function textsOf(records: readonly LogRecord[]): string[] {
  return records.map(({ json }) => json)
}
