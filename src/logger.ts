/** What a program logs with: the same on a monitor and on whatever else takes entries for it. */
import { LEVELS, type Level } from './log.ts'

/** Logs one entry. */
type LogAt = (message: string, context?: unknown) => void

/** Logs entries. None of its functions throws or waits, and each works also when it is taken off the object. */
export interface Logger extends Readonly<Record<Level, LogAt>> {
  /**
   * Logs an entry.
   *
   * @param context - anything; errors, cycles and big integers are kept as far as JSON can say them
   */
  log(level: Level, message: string, context?: unknown): void
}

/** A logger that hands every entry to one function. */
export function createLogger(log: Logger['log']): Logger {
  const methods = LEVELS.map((level): [Level, LogAt] => [level, (message, context) => log(level, message, context)])
  return { log, ...(Object.fromEntries(methods) as Record<Level, LogAt>) }
}
