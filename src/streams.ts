/**
 * Named streams: the logs of one monitor beside its own, which is called `default`. Where they are kept is behind a second small
 * interface, a directory of logs; `memoryStreams`, `sqliteStreams`, `redisStreams` and `durableObjectStreams` are ours.
 */
import type { LogSource } from './source.ts'

/** The name of the log at the base. */
export const DEFAULT_STREAM = 'default'

/** What a name looks like, in words. */
export const STREAM_NAME_RULE = '1 to 64 of a-z, 0-9, ".", "_" and "-", beginning with a letter or a digit'

/**
 * How long a place is lent to those who only read, in milliseconds. More than the hour after which a stream ends and its client
 * comes again, so that no log is let go while somebody watches it.
 */
export const LENT_MS: number = 2 * 60 * 60 * 1000

const NAME = /^[a-z0-9][a-z0-9._-]{0,63}$/

/** Whether it is the name of a stream. Safe as a file name, as a part of a key, and in a path. */
export function isStreamName(text: unknown): boolean {
  // A pattern takes what is no text for one: `undefined` would be a name.
  return typeof text === 'string' && NAME.test(text)
}

/** Whether a text is a name, or the beginning of names followed by `*`; `*` alone is every name. */
export function isStreamPattern(text: string): boolean {
  return text === '*' || isStreamName(text.replace(/\*$/, ''))
}

/** Whether a name is among those that patterns allow. @param patterns - undefined for all */
export function allowsStream(patterns: readonly string[] | undefined, name: string): boolean {
  if (patterns === undefined) return true
  return patterns.some((pattern) => (pattern.endsWith('*') ? name.startsWith(pattern.slice(0, -1)) : name === pattern))
}

/** A claim to a place. */
export interface StreamClaim {
  /**
   * For good: an entry is about to be stored. Otherwise the place is lent: to another claim that is lent it goes after
   * {@link LENT_MS} without one of its own, to one that lasts at once when there is no other place.
   */
  readonly lasting: boolean
  /** How many names may have a place. */
  readonly max: number
}

/**
 * A directory of logs by name. The name `default` never reaches it.
 *
 * Every member rejects with `source_unavailable` when the place cannot be reached.
 */
export interface LogDirectory {
  /** The names that have a place, in any order. */
  list(): Promise<readonly string[]>
  /**
   * Gives a name a place, unless it has one. However many claims come at once, and from however many processes that share the
   * place: no more names than `max` ever have one by it. Where all are taken, what lasts takes the place of the name that was
   * lent one longest ago.
   *
   * @throws MonitorError `too_many_streams` when all are taken
   */
  claim(name: string, claim: StreamClaim): Promise<void>
  /**
   * Opens the log of a name that has a place. The caller closes it, and has closed it when a place that was lent is up. When the
   * place was taken before that, it stays open and empty, and is the log of the name again once that has a place again.
   *
   * @param onLost - to be called when the store may have lost the place, as a server that was restarted or emptied has: who wrote
   * to the log claims it again
   */
  open(name: string, onLost?: () => void): LogSource
}
