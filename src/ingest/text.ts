/** What a program prints, as entries: JSON where a line is a JSON object, otherwise plain text of one line or more. */
import { isObject, type LogRecord } from '../log.ts'
import { normalizeEntry } from '../normalize.ts'
import { stripAnsi } from './ansi.ts'
import { readLine } from './formats.ts'

/** What is known of a text beside its characters. */
export interface TextOptions {
  /** Name of the file that it stands in. */
  readonly file?: string | undefined
  /** Its size in UTF-8, where only its start is given. */
  readonly bytes?: number | undefined
}

/** A line of a stack trace, of JavaScript, Java, .NET, Python or Ruby. */
const FRAME = /\n[ \t]+(?:at \S|File "|from \S+:\d+:in )|\nCaused by: /

/** A JSON object may be indented. */
const OBJECT_START = /^\s*\{/

/**
 * The record of a line and the lines of a stack trace below it, joined by line feeds; undefined for a blank one. Never throws:
 * what is no entry is kept as text.
 *
 * @param now - arrival time in milliseconds since the epoch
 */
export function parseText(text: string, now: number, options: TextOptions = {}): LogRecord | undefined {
  const message = text.endsWith('\r') ? text.slice(0, -1) : text
  if (message.trim() === '') return undefined
  return OBJECT_START.test(message)
    ? (parseObject(message, now, options) ?? parsePlain(message, now, options))
    : parsePlain(message, now, options)
}

function parseObject(text: string, now: number, { file }: TextOptions): LogRecord | undefined {
  const end = text.indexOf('\n')
  try {
    const input: unknown = JSON.parse(end === -1 ? text : text.slice(0, end))
    // A file of its own, such as the source file that logs, is the entry's.
    if (file !== undefined && isObject(input) && !Object.hasOwn(input, 'file')) input.file = file
    const record = normalizeEntry(input, now)
    if (end === -1) return record
    return normalizeEntry({ ...record.entry, message: record.entry.message + text.slice(end) }, now)
  } catch {
    // Not JSON after all, or nested too deep to be an entry: the text itself still is one.
    return undefined
  }
}

function parsePlain(message: string, now: number, { file, bytes }: TextOptions): LogRecord {
  const plain = stripAnsi(message)
  const end = plain.indexOf('\n')
  const { level, ts, context } = readLine(end === -1 ? plain : plain.slice(0, end))
  const record = normalizeEntry(
    {
      message,
      level: level ?? (end !== -1 && isFailure(plain) ? 'error' : undefined),
      ts,
      context: file === undefined ? context : { ...context, file },
    },
    now,
  )
  if (bytes === undefined) return record
  // The mark that the cut left tells the size of what was given here.
  const truncated = { ...(record.entry.context.truncated as object), message: bytes }
  return normalizeEntry({ ...record.entry, context: { ...record.entry.context, truncated } }, now)
}

/** Whether a stack trace below a line tells of a failure: `console.trace` prints one too. */
function isFailure(text: string): boolean {
  return FRAME.test(text) && !text.startsWith('Trace')
}
