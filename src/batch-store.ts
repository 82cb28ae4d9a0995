/**
 * Entries in SQLite: one row per batch, because rows written are what storage charges for and what costs time. A batch is the
 * entries' JSON texts, one a line. Only the driver knows which SQLite it is.
 */
import type { Filter } from './filter/filter.ts'
import { type LogRecord, parseRecord } from './log.ts'
import { type Overtaken, Positions, type Start } from './positions.ts'
import { MAX_LATE_BYTES, MAX_PAGE_BYTES, type Reading } from './ring.ts'
import { MAX_BATCH_BYTES } from './segment.ts'
import type { HistoryPage, HistoryQuery, StoredEntry } from './source.ts'
import { createBatch, encodeLog, newEpoch } from './sse.ts'

/** A value that SQLite returns here. */
type Cell = string | number | null

/** What is needed of SQLite. Statements run at once; what runs in one turn is stored together or not at all. */
export interface SqlDriver {
  /** Runs a statement and returns its rows, read as they are iterated. */
  exec(statement: string, ...values: Cell[]): Iterable<Record<string, Cell>>
}

/** Most UTF-16 units of one row: at most 1.5 MiB of UTF-8, where a Durable Object takes 2 MB. */
const MAX_ROW_LENGTH = 512 * 1024

/** What a store keeps for new readers. What one row holds beyond that goes when the whole row can. */
export interface Retention {
  /** Most entries. */
  readonly retain: number
  /** Most characters of JSON text; the last row is kept in any case. @default no limit */
  readonly retainBytes?: number | undefined
  /** Longest time since an entry was stored, in milliseconds. @default no limit */
  readonly retainMs?: number | undefined
}

/** A run of entries as it is stored. */
export interface Row {
  /** The sequence number of its first entry. */
  readonly first: number
  /** The JSON texts of its entries. */
  readonly lines: readonly string[]
}

/** Entries in SQLite, with sequence numbers from 1. */
export class BatchStore {
  readonly #sql: SqlDriver
  readonly #retention: Retention
  readonly #now: () => number
  readonly #positions: Positions
  #head = 0
  /** The first entry of the oldest row that is kept. */
  #floor = 1
  /** What the rows from there on hold, in characters. */
  #size = 0

  /** @param now - the time in milliseconds since the epoch */
  constructor(sql: SqlDriver, retention: Retention, now: () => number = Date.now) {
    this.#sql = sql
    this.#retention = retention
    this.#now = now
    run(sql, 'CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID')
    run(
      sql,
      `CREATE TABLE IF NOT EXISTS batches (
        first INTEGER PRIMARY KEY, count INTEGER NOT NULL, at INTEGER NOT NULL, size INTEGER NOT NULL,
        lines TEXT NOT NULL, key TEXT, answer TEXT
      )`,
    )
    this.#upgrade()
    run(sql, 'CREATE UNIQUE INDEX IF NOT EXISTS batches_by_key ON batches (key) WHERE key IS NOT NULL')
    run(sql, "INSERT OR IGNORE INTO meta (name, value) VALUES ('epoch', ?)", newEpoch())
    this.#positions = new Positions(String(one(sql, "SELECT value FROM meta WHERE name = 'epoch'")?.value))
    this.reload()
  }

  /** The name of this history. */
  get epoch(): string {
    return this.#positions.epoch
  }

  /** The last entry. */
  get head(): number {
    return this.#head
  }

  /** How many entries a new reader may get. */
  get size(): number {
    return this.#head - this.kept + 1
  }

  /** What the rows of those take, in characters. */
  get bytes(): number {
    return this.#size
  }

  /** The oldest entry that a new reader may get. */
  get kept(): number {
    return Math.max(this.#floor, this.#head - this.#retention.retain + 1)
  }

  /** The oldest entry that is stored. */
  get #oldest(): number {
    const row = one(this.#sql, 'SELECT first FROM batches ORDER BY first LIMIT 1')
    return row === undefined ? this.#head + 1 : Number(row.first)
  }

  /** Reads again what it knows by heart: after a sleep, or when what it did last was undone. */
  reload(): void {
    // The last row, which is never deleted, has the head also when nothing is kept.
    const last = one(this.#sql, 'SELECT first, count FROM batches ORDER BY first DESC LIMIT 1')
    this.#head = last === undefined ? 0 : endOf(last)
    this.#floor = this.#oldest
    this.#size = Number(one(this.#sql, 'SELECT SUM(size) AS size FROM batches')?.size ?? 0)
    this.expire()
  }

  /** Stores the JSON texts of entries unless the key was used, and returns the answer of its first use. */
  appendOnce(key: string, lines: readonly string[], answer: string): string {
    const first = one(this.#sql, 'SELECT answer FROM batches WHERE key = ?', key)
    if (first !== undefined) return String(first.answer)
    this.append(lines)
    // On the last row, so that the key goes when the last of its entries does.
    run(this.#sql, 'UPDATE batches SET key = ?, answer = ? WHERE first = (SELECT MAX(first) FROM batches)', key, answer)
    return answer
  }

  /** Stores the JSON texts of entries and returns their ids. */
  append(lines: readonly string[]): string[] {
    const first = this.#head + 1
    for (const row of intoRows(lines, MAX_ROW_LENGTH)) {
      const text = row.join('\n')
      run(
        this.#sql,
        'INSERT INTO batches (first, count, at, size, lines) VALUES (?, ?, ?, ?, ?)',
        this.#head + 1,
        row.length,
        this.#now(),
        text.length,
        text,
      )
      this.#head += row.length
      this.#size += text.length
    }
    this.expire()
    return lines.map((_, index) => this.#positions.idOf(first + index))
  }

  /** Takes from new readers the rows that are too old or too many. Age passes without an append: call it also in silence. */
  expire(): void {
    const { retain, retainBytes = Number.POSITIVE_INFINITY, retainMs } = this.#retention
    // Asked at each append, and most of the time known without a look.
    if (retainMs === undefined && this.#head - this.#floor < retain && this.#size <= retainBytes) return
    const oldest = retainMs === undefined ? Number.NEGATIVE_INFINITY : this.#now() - retainMs
    const rows = this.#sql.exec(
      'SELECT first, count, at, size FROM batches WHERE first >= ? ORDER BY first',
      this.#floor,
    )
    for (const row of rows) {
      const end = endOf(row)
      const counted = end <= this.#head - retain
      const large = this.#size > retainBytes && end < this.#head
      if (!counted && !large && Number(row.at) >= oldest) break
      this.#floor = end + 1
      this.#size -= Number(row.size)
    }
  }

  /**
   * Deletes the rows that retention does not keep, except for what a connected reader still wants, within a bound.
   *
   * @param oldestWanted - infinity when nobody is behind
   */
  trim(oldestWanted: number): void {
    const kept = this.kept
    let first = Math.min(kept, oldestWanted)
    if (first < kept) {
      let late = 0
      const rows = this.#sql.exec('SELECT first, size FROM batches WHERE first < ? ORDER BY first DESC', kept)
      for (const row of rows) {
        late += Number(row.size)
        if (late <= MAX_LATE_BYTES) continue
        first = Math.max(first, Number(row.first) + 1)
        break
      }
    }
    // Whole rows only: those before the one that holds the first entry wanted.
    run(this.#sql, 'DELETE FROM batches WHERE first < (SELECT MAX(first) FROM batches WHERE first <= ?)', first)
  }

  /** What a reader that was overtaken must be told, and where it goes on. */
  overtaken(next: number): Overtaken | undefined {
    return this.#positions.overtaken(next, this.#oldest)
  }

  /** What stands at a place for a filter, at most one batch of it and nothing after `last`; undefined at the end. */
  read(next: number, filter: Filter, last: number = this.#head): Reading | undefined {
    if (next > last) return undefined
    return readRows(this.#rowsFrom(next, last), next, filter, (sequence) => this.#positions.idOf(sequence))
  }

  /** The JSON texts from an entry on, one at least and as many as have the length given, where they are stored. */
  linesFrom(next: number, maxLength: number): Row {
    const lines: string[] = []
    let length = 0
    let first = next
    for (const row of this.#rowsFrom(next, this.#head)) {
      if (lines.length === 0) first = Math.max(next, row.first)
      for (let index = Math.max(0, next - row.first); index < row.lines.length; index++) {
        const line = row.lines[index] as string
        length += line.length
        if (length > maxLength && lines.length > 0) return { first, lines }
        lines.push(line)
      }
    }
    return { first, lines }
  }

  /** Where a reader starts that resumes after an id, or wants the last `tail` entries that match. */
  locate(after: string | undefined, tail: number, filter: Filter): Start {
    if (after !== undefined) return this.#positions.resume(after, this.kept, this.#head)
    return { next: this.tailStart(tail, filter), gap: undefined, resumed: false }
  }

  /** The first of the last `tail` entries that match, of those up to `head`; the place after them all when none does. */
  tailStart(tail: number, filter: Filter, head: number = this.#head): number {
    if (filter.key === '') return Math.max(this.kept, head + 1 - tail)
    let start = head + 1
    for (const [sequence, { entry }] of this.#backwards(head)) {
      if (tail === 0) break
      if (!filter.matches(entry)) continue
      start = sequence
      tail--
    }
    return start
  }

  /** The id of the place before an entry. */
  positionBefore(next: number): string {
    return this.#positions.before(next)
  }

  /** A page of the past. */
  history({ before, tail }: HistoryQuery, filter: Filter): HistoryPage {
    const entries: StoredEntry[] = []
    let bytes = 0
    // Nothing stands before a place that is not known here.
    let oldest = before === undefined ? this.#head + 1 : (this.#positions.sequenceOf(before, this.#head) ?? 0)
    for (const [sequence, { entry, json }] of this.#backwards(oldest - 1)) {
      if (entries.length >= tail || bytes >= MAX_PAGE_BYTES) {
        return { entries: entries.reverse(), before: this.#positions.idOf(oldest) }
      }
      oldest = sequence
      if (!filter.matches(entry)) continue
      entries.push({ id: this.#positions.idOf(sequence), ...entry })
      bytes += json.length
    }
    return { entries: entries.reverse(), before: null }
  }

  /** Rows of a store from before retention knew more than a number did not say when they came. */
  #upgrade(): void {
    const table = one(this.#sql, "SELECT sql FROM sqlite_master WHERE name = 'batches'")
    if (String(table?.sql).includes('size INTEGER')) return
    run(this.#sql, 'ALTER TABLE batches ADD COLUMN at INTEGER NOT NULL DEFAULT 0')
    run(this.#sql, 'ALTER TABLE batches ADD COLUMN size INTEGER NOT NULL DEFAULT 0')
    run(this.#sql, 'UPDATE batches SET at = ?, size = LENGTH(lines)', this.#now())
  }

  *#rowsFrom(next: number, last: number): Generator<Row> {
    const rows = this.#sql.exec(
      `SELECT first, lines FROM batches
        WHERE first >= COALESCE((SELECT MAX(first) FROM batches WHERE first <= ?), 0) AND first <= ? ORDER BY first`,
      next,
      last,
    )
    for (const row of rows) {
      const { first, lines } = toRow(row)
      yield { first, lines: first + lines.length > last + 1 ? lines.slice(0, last + 1 - first) : lines }
    }
  }

  /** Entries from a place to the oldest kept, newest first. */
  *#backwards(from: number): Generator<[number, LogRecord]> {
    const kept = this.kept
    const rows = this.#sql.exec('SELECT first, lines FROM batches WHERE first <= ? ORDER BY first DESC', from)
    for (const row of rows) {
      const { first, lines } = toRow(row)
      for (let index = Math.min(lines.length - 1, from - first); index >= 0; index--) {
        if (first + index < kept) return
        yield [first + index, parseRecord(lines[index] as string)]
      }
    }
  }
}

/** Parts JSON texts into runs of a length, one text at least. */
export function* intoRows(lines: readonly string[], maxLength: number): Generator<readonly string[]> {
  for (let from = 0; from < lines.length; ) {
    let to = from
    for (let length = 0; to < lines.length; to++) {
      length += (lines[to] as string).length + 1
      if (length > maxLength && to > from) break
    }
    yield lines.slice(from, to)
    from = to
  }
}

/** What stands in rows from a place on for a filter, at most one batch of it. */
export function readRows<Stored extends Row>(
  rows: Iterable<Stored>,
  next: number,
  filter: Filter,
  idOf: (sequence: number, row: Stored) => string,
): Reading {
  let events = ''
  let last: string | undefined
  let count = 0
  for (const row of rows) {
    const { first, lines } = row
    for (let index = Math.max(0, next - first); index < lines.length; index++) {
      if (events.length >= MAX_BATCH_BYTES) break
      next = first + index + 1
      const json = lines[index] as string
      if (filter.key !== '' && !filter.matches(parseRecord(json).entry)) continue
      last = idOf(first + index, row)
      events += encodeLog(json, last)
      count++
    }
    if (events.length >= MAX_BATCH_BYTES) break
  }
  return { batch: last === undefined ? undefined : createBatch(events, last, count), next }
}

function toRow({ first, lines }: Record<string, Cell>): Row {
  return { first: Number(first), lines: String(lines).split('\n') }
}

/** The last entry of a row. */
function endOf({ first, count }: Record<string, Cell>): number {
  return Number(first) + Number(count) - 1
}

function run(sql: SqlDriver, statement: string, ...values: Cell[]): void {
  for (const _ of sql.exec(statement, ...values));
}

function one(sql: SqlDriver, statement: string, ...values: Cell[]): Record<string, Cell> | undefined {
  for (const row of sql.exec(statement, ...values)) return row
  return undefined
}
