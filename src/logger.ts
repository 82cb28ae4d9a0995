/** What has in common whatever can be logged into: a monitor, a push client, or something of one's own. */
import type { Level } from './log.ts'

/** Something that logs. */
export interface Logger {
  /**
   * Logs an entry. Never throws and never waits.
   *
   * @param context - anything; errors, cycles and big integers are kept as far as JSON can say them
   */
  log(level: Level, message: string, context?: unknown): void
}

/** Logs an entry of one level. See {@link Logger.log}. */
type LogAtLevel = (message: string, context?: unknown) => void

/** A method for each level. */
export type LevelMethods = { readonly [level in Level]: LogAtLevel }

/** The methods that log at one level each. */
export function levelMethods(log: Logger['log']): LevelMethods {
  return {
    trace: (message, context) => log('trace', message, context),
    debug: (message, context) => log('debug', message, context),
    info: (message, context) => log('info', message, context),
    warn: (message, context) => log('warn', message, context),
    error: (message, context) => log('error', message, context),
    fatal: (message, context) => log('fatal', message, context),
  }
}
