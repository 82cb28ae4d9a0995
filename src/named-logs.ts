/** The named streams of one monitor, each opened with its first use in this process. */
import { type ErrorReporter, MonitorError } from './errors.ts'
import type { ServedLog } from './served-log.ts'
import type { LogSource } from './source.ts'
import { LENT_MS, type LogDirectory } from './streams.ts'

/** Options of {@link createNamedLogs}. */
export interface NamedLogsOptions {
  readonly directory: LogDirectory
  /** How many there may be. */
  readonly max: number
  /** Makes of a source what the routes need. */
  serve(name: string, source: LogSource): ServedLog
  /** Told why a log could not be opened. */
  readonly onError: ErrorReporter
  /** The time in milliseconds since the epoch. @default Date.now */
  readonly now?: (() => number) | undefined
}

/** Logs by name. */
export interface NamedLogs {
  /**
   * The log of a name, to be used at some time or never: it takes a place with its first use.
   *
   * Reading for a client takes a place that is lent; a write, and a listener of the program's own, one that lasts.
   */
  view(name: string): ServedLog
  /**
   * The log of a name that has a place, at least a lent one, when this resolves.
   *
   * @throws MonitorError `too_many_streams`, or `source_unavailable` when it cannot be opened
   */
  open(name: string): Promise<ServedLog>
  /**
   * The log of a name that has a place already: whoever only looks after one takes none.
   *
   * @throws MonitorError `not_found` when it has none, or `source_unavailable`
   */
  find(name: string): Promise<ServedLog>
  /** The names that have a place. */
  list(): Promise<readonly string[]>
  /** Closes all that are open. */
  close(): Promise<void>
}

/** A log that is open here. */
interface Held {
  readonly source: LogSource
  /** Whether its place is for good. */
  lasting: boolean
  /** When the place was last lent. */
  lentAt: number
}

/**
 * When a log that was lent is closed here, in milliseconds: before the directory takes its place away, and perhaps its file, by a
 * clock that is read a moment later.
 */
const CLOSE_MS = LENT_MS - 60_000

/** When a lent place is renewed, in milliseconds: long before it is up, however long a stream lasts. */
const RENEW_MS = LENT_MS / 4

/** What is told of a log that cannot be opened; the cause may name a path. */
const UNOPENED = 'This stream could not be opened. Its operator finds the cause in the server log.'

/** Makes them. */
export function createNamedLogs(options: NamedLogsOptions): NamedLogs {
  const { directory, max, serve, onError, now = Date.now } = options
  const held = new Map<string, Held>()
  const views = new Map<string, ServedLog>()
  let closed = false

  /**
   * Nothing that is under way is shared between callers: on Workers they are requests, and one that is cut off would leave the
   * others waiting. What is known of a name costs them nothing.
   */
  async function take(name: string, lasting: boolean): Promise<Held> {
    if (closed) throw new MonitorError('source_unavailable', 'The log source is closed.')
    const asked = now()
    const known = held.get(name)
    if (known !== undefined && (known.lasting || (!lasting && asked - known.lentAt < RENEW_MS))) return known
    await letGo(asked)
    await directory.claim(name, { lasting, max })
    const log = held.get(name) ?? openNow(name)
    log.lasting ||= lasting
    log.lentAt = asked
    return log
  }

  function openNow(name: string): Held {
    if (closed) throw new MonitorError('source_unavailable', 'The log source is closed.')
    try {
      const log = { source: directory.open(name, () => renew(name)), lasting: false, lentAt: 0 }
      held.set(name, log)
      return log
    } catch (error) {
      onError(error, 'source')
      throw new MonitorError('source_unavailable', UNOPENED, { cause: error })
    }
  }

  /** Claims again what a store has lost, or others would take the places of names that are in use, and the list would lack them. */
  function renew(name: string): void {
    const log = held.get(name)
    if (log === undefined || closed) return
    const { lasting } = log
    // Also when this fails: the next use claims it then, and is told why it cannot have it.
    log.lasting = false
    log.lentAt = now() - RENEW_MS
    if (lasting) take(name, true).catch((error: unknown) => onError(error, 'source'))
  }

  /** Closes those whose place is up, before the directory gives it to another. */
  async function letGo(at: number): Promise<void> {
    const over = [...held].filter(([, { lasting, lentAt }]) => !lasting && at - lentAt >= CLOSE_MS)
    for (const [name] of over) held.delete(name)
    for (const [, { source }] of over) await source.close()
  }

  /** One for each name, so that it is counted in one place. */
  function view(name: string): ServedLog {
    const known = views.get(name)
    if (known !== undefined) return known
    // A program may make names without end, of which most never get a place.
    if (views.size > 2 * max) for (const other of views.keys()) if (!held.has(other)) views.delete(other)
    const made = make(name)
    views.set(name, made)
    return made
  }

  function make(name: string): ServedLog {
    const write = async (): Promise<LogSource> => (await take(name, true)).source
    const read = async (): Promise<LogSource> => (await take(name, false)).source
    return serve(name, {
      append: async (records) => (await write()).append(records),
      appendOnce: async (key, records, answer) => (await write()).appendOnce(key, records, answer),
      // A client's stream ends and comes again while its place is lent; a listener of the program's own stays.
      subscribe: async (how) => (await (how.maxClients === undefined ? write() : read())).subscribe(how),
      history: async (query) => (await read()).history(query),
      status: async () => (await read()).status(),
      close: async () => held.get(name)?.source.close(),
    })
  }

  return {
    view,
    async open(name) {
      await take(name, false)
      return view(name)
    },
    async find(name) {
      // What was lent may be gone to another name, by another process too.
      if (!held.get(name)?.lasting && !(await directory.list()).includes(name)) {
        throw new MonitorError('not_found', 'There is no stream of this name yet: its first entry makes it.')
      }
      await take(name, false)
      return view(name)
    },
    list: () => directory.list(),
    async close() {
      closed = true
      await Promise.all([...held.values()].map(({ source }) => source.close()))
    },
  }
}
