/**
 * The seam: where log entries are kept and from where they reach their readers. Everything above it (routes, monitor) knows
 * only this contract; `testSource` from `edgetail/testing` checks it.
 *
 * Words used below. A *position* is a place between two entries, named by the id of the entry before it; the id `<epoch>-0`
 * names the place before the first. A *reader* is one subscription.
 *
 * A source
 * - MUST give entries to every reader in the order in which they were appended, each once.
 * - MUST fix a reader's first position in the same step in which `subscribe` is called, so that entries appended meanwhile are
 *   neither lost nor given twice.
 * - MUST give ids that rise, are one line, and match `<epoch>-<sequence>` (letters and digits, one hyphen). An epoch is one
 *   unbroken history: when entries were lost, a new one begins.
 * - MUST tell a reader of every entry it will never get, as a {@link Gap}. Silence is never a gap.
 * - MUST treat an id that is malformed, of another epoch or from the future as a gap `restarted`, not as an error.
 * - MUST end a reader at once when its signal aborts, also while nothing is appended.
 * - MUST NOT keep a queue per reader that grows with what the reader does not take.
 * - MUST NOT let one reader delay another.
 * - MUST end every reader on `close`; where the entries end with the source, after the reader was given what was appended before.
 */
import type { FilterQuery } from './filter/filter.ts'
import type { LogEntry, LogRecord } from './log.ts'

/** An entry with the id under which it is stored. */
export interface StoredEntry extends LogEntry {
  readonly id: string
}

/** A run of entries, made once and shared by all readers at the same place. Never changed after it was made. */
export interface LogBatch {
  readonly type: 'batch'
  /** The entries as Server-Sent Events, ready to be written as they are. */
  readonly bytes: Uint8Array
  /** The position after this batch. */
  readonly id: string
  /** How many entries. */
  readonly count: number
  /** When the oldest of them was appended, by this process's `performance.now()`; absent for what was stored long before. */
  readonly appended?: number | undefined
  /** The entries themselves, oldest first. Parsed when asked for: the stream route never does. */
  entries(): readonly StoredEntry[]
}

/** Entries that this reader will never get. */
export interface Gap {
  readonly type: 'gap'
  /**
   * `evicted`: the position was no longer kept when the reader came. `slow`: the reader was overtaken while connected.
   * `restarted`: the position belongs to a history that this source does not have.
   */
  readonly reason: 'evicted' | 'slow' | 'restarted'
  /** How many entries, filtered or not; null where it cannot be known. */
  readonly dropped: number | null
  /** The position from which the reader goes on. */
  readonly id: string
}

/** A filtered reader passed entries by: its position is now here. */
export interface Checkpoint {
  readonly type: 'checkpoint'
  readonly id: string
}

/** What a reader is given. */
export type StreamItem = LogBatch | Gap | Checkpoint

/** How a reader starts. */
export interface SubscribeOptions {
  /** Resume after this id. Wins over `tail`. */
  readonly after?: string | undefined
  /** Past entries to begin with, counted after filtering. @default 0 */
  readonly tail?: number | undefined
  /** Only entries that match. @default all */
  readonly filter?: FilterQuery | undefined
  /** Ends the reader. */
  readonly signal: AbortSignal
  /**
   * Counts the reader as a client and refuses it with `too_many_clients` when so many are open. Without it the reader is the
   * program's own and not counted.
   */
  readonly maxClients?: number | undefined
  /** Refuses the client also when so many are open that came with the same credential. @default maxClients */
  readonly maxPerCredential?: number | undefined
  /** Name of the credential that the client came with, not the credential itself. @default one name for all */
  readonly credential?: string | undefined
}

/** One reader. Iterated once. */
export interface Subscription extends AsyncIterable<StreamItem, undefined> {
  /** Whether it goes on from `after`. */
  readonly resumed: boolean
  /** The position before the first item; undefined when the first item is a gap. */
  readonly id: string | undefined
  /** Called at every heartbeat, where a source has a link of its own to keep alive. */
  keepAlive?(): void
}

/** What to read of the past. */
export interface HistoryQuery {
  /** Only entries before this id. @default the end */
  readonly before?: string | undefined
  /** At most so many, counted after filtering. */
  readonly tail: number
  readonly filter?: FilterQuery | undefined
}

/** A page of the past, oldest first. */
export interface HistoryPage {
  readonly entries: readonly StoredEntry[]
  /** Pass it as `before` to get the page before this one; null when there is none. */
  readonly before: string | null
}

/** How a source is doing. */
export interface SourceStatus {
  /** Entries stored. */
  readonly entries: number
  /** Readers counted as clients. */
  readonly clients: number
  /** What the entries take, as the source's own retention counts it. */
  readonly bytes?: number | undefined
  /** Entries taken since the history began, those included that are no longer stored. */
  readonly total?: number | undefined
  /** Time for which entries were last gathered before they went out, in milliseconds. */
  readonly flushWindowMs?: number | undefined
}

/** The contract. See the top of this file. Every method rejects with `source_unavailable` when the source cannot be reached. */
export interface LogSource {
  /**
   * Stores records in order and returns their ids. When it resolves, the entries are in the source: a reader that subscribes
   * now finds them.
   */
  append(records: readonly LogRecord[]): Promise<readonly string[]>
  /**
   * Stores records unless the key was used before: then nothing is stored. A key is remembered as long as what was stored with
   * it, so that a sender that lost the answer may send again.
   *
   * @param answer - kept with the key
   * @returns the answer that was given with the first use of the key: this one, or an older one
   */
  appendOnce(key: string, records: readonly LogRecord[], answer: string): Promise<string>
  /**
   * Opens a reader.
   *
   * @throws MonitorError `too_many_clients` by `maxClients`
   */
  subscribe(options: SubscribeOptions): Promise<Subscription>
  /** Reads a page of the past. Before an id that is not known here there is nothing. */
  history(query: HistoryQuery): Promise<HistoryPage>
  /** Resolves when the source can serve. */
  status(): Promise<SourceStatus>
  /** Ends every reader and refuses what comes later. See the top of this file for what readers get before. Idempotent. */
  close(): Promise<void>
}
