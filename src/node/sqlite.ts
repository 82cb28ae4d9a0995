/** Entries in a file, by Node's own SQLite: they outlive the process, and ids go on where they stood. */
import { readFileSync, statSync } from 'node:fs'
import { createRequire } from 'node:module'
import { uptime } from 'node:os'
import { dirname } from 'node:path'
import type { DatabaseSync, StatementSync } from 'node:sqlite'
import type { Retention } from '../batch-store.ts'
import { type ErrorReporter, MonitorError, reportToConsole } from '../errors.ts'
import type { LogSource } from '../source.ts'
import { type SqlDatabase, storedSource } from '../sources/stored.ts'

/** Options of {@link sqliteSource}. */
export interface SqliteSourceOptions {
  /** The file. It is made if it is not there; beside it stands `<path>-wal`, which belongs to it. */
  readonly path: string
  /** Most entries kept for those who connect or resume later. @default 10000 */
  readonly retain?: number | undefined
  /** Most characters of JSON text kept for them. The file takes about as many bytes. @default 67108864 (64 Mi) */
  readonly retainBytes?: number | undefined
  /** Longest time that an entry is kept, in milliseconds. @default as long as the other limits allow */
  readonly retainMs?: number | undefined
  /**
   * What an answered write survives. `normal`: the end of the process at any point, also by `kill -9`; a power cut or a crash
   * of the whole machine may take the last seconds, and is then told as a new history. `full`: those too, for one wait for the
   * disk with each transaction, during which the process does nothing else: some milliseconds. @default normal
   */
  readonly synchronous?: 'normal' | 'full' | undefined
  /** Told of failures to write that no caller waits for. @default console.error */
  readonly onError?: ErrorReporter | undefined
}

/** Marks a file as one of edgetail's, so that nobody else's is taken for one: "etlg". */
const APPLICATION_ID = 0x65746c67

/** How long a start waits for a process that is closing the file, in milliseconds: in a restart the two overlap. */
const LOCK_WAIT_MS = 2000

/** Size to which the log of a transaction is cut back after a large one, in bytes. */
const WAL_BYTES = 16 * 1024 * 1024

/** What SQLite's result codes mean for whoever chose the path (https://sqlite.org/rescode.html). */
const REMEDIES = new Map<number, string>([
  [5, 'is in use by another process. Stop that one, or choose another file'],
  [6, 'is in use by another process. Stop that one, or choose another file'],
  [8, 'cannot be written. Check its permissions and those of its folder'],
  [10, 'cannot be read or written: the disk fails'],
  [11, 'is damaged. Move it away to begin a new one'],
  [13, 'cannot grow: the disk is full'],
  [14, 'cannot be opened. Check its permissions and those of its folder'],
  [26, 'is no SQLite database. Choose another file'],
])

/**
 * A source that keeps entries in an SQLite file. One process at a time has the file; another one is refused.
 *
 * @throws MonitorError `invalid_setting` when an option or the file cannot be used, or this Node has no SQLite (22.13 has)
 * @example
 * const monitor = createMonitor({ source: sqliteSource({ path: './edgetail.db' }), token })
 */
export function sqliteSource(options: SqliteSourceOptions): LogSource {
  const { path, retain = 10_000, retainBytes = 64 * 1024 * 1024, retainMs, synchronous = 'normal' } = options
  const { onError = reportToConsole } = options
  for (const [name, value] of Object.entries({ retain, retainBytes, retainMs })) {
    if (value === undefined || (Number.isSafeInteger(value) && value >= 1)) continue
    throw new MonitorError('invalid_setting', `${name} is a whole number from 1, not ${value}.`)
  }
  if (synchronous !== 'normal' && synchronous !== 'full') {
    throw new MonitorError('invalid_setting', `synchronous is normal or full, not ${String(synchronous)}.`)
  }
  const retention: Retention = { retain, retainBytes, retainMs }
  const { DatabaseSync } = loadSqlite()
  let database: DatabaseSync | undefined
  try {
    checkPlace(path)
    database = new DatabaseSync(path)
    prepareFile(database, path, synchronous)
    return storedSource(createDriver(database), retention, onError)
  } catch (error) {
    database?.close()
    throw refusal(path, error)
  }
}

/** Whether a file of {@link sqliteSource}'s, which nobody has open, never held an entry. One that cannot be read may have. */
export function isUnusedFile(path: string): boolean {
  let database: DatabaseSync | undefined
  try {
    const { DatabaseSync } = loadSqlite()
    database = new DatabaseSync(path)
    // The last row is never deleted.
    return database.prepare('SELECT 1 FROM batches LIMIT 1').get() === undefined
  } catch {
    return false
  } finally {
    database?.close()
  }
}

/** Loads it without the warning that it is experimental: whoever set a path has decided. Every other warning is passed on. */
function loadSqlite(): typeof import('node:sqlite') {
  const { emitWarning } = process
  process.emitWarning = ((warning: string | Error, ...rest: never[]) => {
    if (!String(warning).startsWith('SQLite is an experimental feature')) emitWarning(warning, ...rest)
  }) as typeof emitWarning
  try {
    const sqlite = createRequire(import.meta.url)('node:sqlite') as typeof import('node:sqlite')
    if (sqlite.StatementSync.prototype.iterate !== undefined) return sqlite
    throw new Error('node:sqlite is there, but of an early version')
  } catch (cause) {
    throw new MonitorError(
      'invalid_setting',
      `Entries in a file need SQLite, which Node has from 22.13 on; this is ${process.version}. Update Node, or keep entries in memory.`,
      { cause },
    )
  } finally {
    process.emitWarning = emitWarning
  }
}

function checkPlace(path: string): void {
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory()) {
    throw new MonitorError('invalid_setting', `${path} is a folder. Name a file in it, such as ${path}/edgetail.db.`)
  }
  const folder = dirname(path)
  if (!statSync(folder, { throwIfNoEntry: false })?.isDirectory()) {
    throw new MonitorError('invalid_setting', `There is no folder ${folder} for ${path}. Make it first.`)
  }
}

function prepareFile(database: DatabaseSync, path: string, synchronous: 'normal' | 'full'): void {
  database.exec(`PRAGMA busy_timeout = ${LOCK_WAIT_MS}`)
  // Before anything is read, so that the file is this process's own from the first look on: two would give out the same ids.
  database.exec('PRAGMA locking_mode = EXCLUSIVE')
  const { application_id: id } = database.prepare('PRAGMA application_id').get() as { application_id: number }
  const tables = database
    .prepare("SELECT name FROM sqlite_master WHERE type = 'table'")
    .all()
    .map(({ name }) => name)
  if (id !== APPLICATION_ID) {
    if (id !== 0 || tables.length > 0) {
      throw new MonitorError('invalid_setting', `${path} is a database of another program. Choose another file.`)
    }
    database.exec(`PRAGMA application_id = ${APPLICATION_ID}`)
  }
  database.exec('PRAGMA journal_mode = WAL')
  database.exec(`PRAGMA journal_size_limit = ${WAL_BYTES}`)
  database.exec(`PRAGMA synchronous = ${synchronous}`)
  // Takes the lock now: reading alone would take it with the first entry.
  database.exec('BEGIN IMMEDIATE')
  database.exec('CREATE TABLE IF NOT EXISTS opened (boot TEXT NOT NULL, synchronous TEXT NOT NULL)')
  const last = database.prepare('SELECT boot, synchronous FROM opened').get()
  // The machine went down while the file was open, and the disk may not have had the last entries: their ids would be given
  // out again, to other entries. A new epoch says so to those who had them.
  if (last !== undefined && tables.includes('meta') && last.synchronous !== 'full' && last.boot !== bootId()) {
    database.exec("DELETE FROM meta WHERE name = 'epoch'")
  }
  database.exec('DELETE FROM opened')
  database.prepare('INSERT INTO opened (boot, synchronous) VALUES (?, ?)').run(bootId(), synchronous)
  database.exec('COMMIT')
}

function createDriver(database: DatabaseSync): SqlDatabase {
  const statements = new Map<string, StatementSync>()
  return {
    exec(text, ...values) {
      let statement = statements.get(text)
      if (statement === undefined) {
        statement = database.prepare(text)
        statements.set(text, statement)
      }
      return statement.iterate(...values) as Iterable<Record<string, string | number | null>>
    },
    transaction(work) {
      database.exec('BEGIN IMMEDIATE')
      try {
        const result = work()
        database.exec('COMMIT')
        return result
      } catch (error) {
        try {
          database.exec('ROLLBACK')
        } catch {
          // After some failures, such as a full disk, SQLite has done it already.
        }
        throw error
      }
    },
    close() {
      // Everything is on the disk after this, so that the mark is not needed any more.
      database.exec('PRAGMA wal_checkpoint(TRUNCATE)')
      database.exec('DELETE FROM opened')
      database.close()
    },
  }
}

/** Names the time since the machine started. */
function bootId(): string {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
  } catch {
    // Other systems: when that was, to ten minutes. One that is taken for another costs a gap that need not be.
    return String(Math.round((Date.now() / 1000 - uptime()) / 600))
  }
}

function refusal(path: string, error: unknown): MonitorError {
  if (error instanceof MonitorError) return error
  // The low byte; the rest is the special case of it.
  const code = Number((error as { errcode?: unknown }).errcode) & 0xff
  const remedy = REMEDIES.get(code) ?? `cannot be used: ${error instanceof Error ? error.message : String(error)}`
  return new MonitorError('invalid_setting', `${path} ${remedy}.`, { cause: error })
}
