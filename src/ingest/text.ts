/** Lines of a program's output: JSON where a line is a JSON object, otherwise plain text. */
import type { LogRecord } from '../log.ts'
import { normalizeEntry } from '../normalize.ts'

/**
 * The record of one line; undefined for a blank one. Never throws: what is no entry is kept as text.
 *
 * @param now - arrival time in milliseconds since the epoch
 */
export function parseLine(line: string, now: number): LogRecord | undefined {
  const text = line.endsWith('\r') ? line.slice(0, -1) : line
  if (text.trim() === '') return undefined
  if (/^\s*\{/.test(text)) {
    try {
      return normalizeEntry(JSON.parse(text), now)
    } catch {
      // Not JSON after all, or nested too deep to be an entry: the line itself still is one.
    }
  }
  return normalizeEntry({ message: text }, now)
}
