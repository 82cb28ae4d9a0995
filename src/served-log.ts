/**
 * A log as a monitor serves it: what is appended is redacted first and counted by the way it came; a program logs into it, listens
 * to it and looks back in it.
 */
import type { ErrorReporter } from './errors.ts'
import type { FilterQuery } from './filter/filter.ts'
import type { LogEntry } from './log.ts'
import { type LevelMethods, type Logger, levelMethods } from './logger.ts'
import { type EntryWay, type Metrics, meterSource } from './metrics.ts'
import { createRecord } from './normalize.ts'
import { type Redactor, redactSource } from './redact.ts'
import type { LogSource } from './source.ts'

/** One log of a monitor. What it is given to log is stored; what goes wrong with it is told to `onError`. */
export interface MonitoredLog extends Logger, LevelMethods {
  /** Where its entries are kept. What is appended through it is redacted first. */
  readonly source: LogSource
  /** Its source for entries that come in by another way than the program's own, which the metrics tell apart. */
  sourceOf(way: EntryWay): LogSource
  /**
   * Calls a listener with every entry from now on.
   *
   * @returns a function that ends it
   */
  onLog(listener: (entry: LogEntry) => void, filter?: FilterQuery): () => void
  /** The last entries, oldest first. @param count - at most so many, 100 if left out */
  getLastLogs(count?: number): Promise<LogEntry[]>
}

/** The same with what the routes need of it. */
export interface ServedLog extends MonitoredLog {
  readonly name: string
  /** Its own numbers. */
  readonly metrics: Metrics
  readonly onError: ErrorReporter
}

/** Options of {@link createServedLog}. */
export interface ServedLogOptions {
  readonly name: string
  readonly source: LogSource
  /** Takes secrets out; false for none. */
  readonly redact: Redactor | false
  readonly metrics: Metrics
  /** Told of failures that no caller waits for; they are counted. */
  readonly onError: ErrorReporter
  /** Keeps the program alive until what was logged is stored. */
  readonly waitUntil: ((promise: Promise<unknown>) => void) | undefined
}

/** Makes it. */
export function createServedLog({ name, metrics, waitUntil, ...options }: ServedLogOptions): ServedLog {
  const onError = metrics.counting(options.onError)
  const redacted = redactSource(options.source, options.redact)
  const sources = new Map<EntryWay, LogSource>()
  const sourceOf = (way: EntryWay): LogSource => {
    const source = sources.get(way) ?? meterSource(redacted, metrics, way)
    sources.set(way, source)
    return source
  }
  const source = sourceOf('source')
  const log: Logger['log'] = (level, message, context) => {
    try {
      const stored = sourceOf('log').append([createRecord(level, message, context)])
      const settled = stored.catch((error: unknown) => onError(error, 'append'))
      waitUntil?.(settled)
    } catch (error) {
      onError(error, 'append')
    }
  }

  return {
    name,
    metrics,
    onError,
    source,
    sourceOf,

    log,
    ...levelMethods(log),

    onLog(listener, filter) {
      const stop = new AbortController()
      const follow = async (): Promise<void> => {
        for await (const item of await source.subscribe({ filter, signal: stop.signal })) {
          if (item.type !== 'batch') continue
          for (const { id: _, ...entry } of item.entries()) {
            // A batch may be under way when the listener is taken off.
            if (stop.signal.aborted) return
            try {
              listener(entry)
            } catch (error) {
              onError(error, 'listener')
            }
          }
        }
      }
      follow().catch((error: unknown) => onError(error, 'source'))
      return () => stop.abort()
    },

    async getLastLogs(count = 100) {
      const { entries } = await source.history({ tail: count })
      return entries.map(({ id: _, ...entry }) => entry)
    },
  }
}
