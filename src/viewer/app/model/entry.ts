/** An entry as it is shown: parsed when its row comes into sight. */
import type { LogEntry } from '../../../log.ts'
import { LEVELS } from '../../../log.ts'
import { GAP } from '../wire/protocol.ts'

/** Longest preview of a context, in characters: more than a wide screen shows. */
const MAX_PREVIEW = 300

/** Entries that stay parsed: some screens full. */
const CACHED = 600

/** A gap as it travels. */
export interface GapNote {
  readonly reason: string
  readonly dropped: number | null
}

/** What a row needs. */
export interface ParsedEntry extends LogEntry {
  /** The message to its first line break. */
  readonly first: string
  /** Lines of the message. */
  readonly lineCount: number
}

const cache = new Map<string, ParsedEntry>()

/** Parses an entry's JSON text. */
export function parseEntry(line: string): ParsedEntry {
  const known = cache.get(line)
  if (known !== undefined) return known
  const entry = JSON.parse(line) as LogEntry
  const lines = messageLines(entry.message)
  const parsed = { ...entry, first: lines[0] ?? '', lineCount: lines.length }
  if (cache.size >= CACHED) cache.clear()
  cache.set(line, parsed)
  return parsed
}

/** A message's lines, without blank ones at its end. */
function messageLines(message: string): string[] {
  return message.replace(/\s+$/, '').split(/\r\n|\n|\r/)
}

/** The lines of an entry that a row unfolds to: the message, and the stack where there is one. */
export function foldedLines({ message, context }: LogEntry): string[] {
  const lines = messageLines(message)
  const stack = stackOf(context)
  // A stack begins with what the message often says already.
  return stack === undefined || message.includes('\n    at ') ? lines : [...lines, ...messageLines(stack)]
}

/** The stack trace in a context, by the names that loggers give it. */
export function stackOf(context: Readonly<Record<string, unknown>>): string | undefined {
  const { stack, err, error, exception } = context
  for (const value of [stack, fieldOf(err, 'stack'), fieldOf(error, 'stack'), fieldOf(exception, 'stacktrace')]) {
    if (typeof value === 'string' && value !== '') return value
  }
  return undefined
}

/** The context on one line: `orderId=7  user={"id":1}`. One text, since a piece for each name and value would double a row's cost. */
export function previewContext(context: Readonly<Record<string, unknown>>): string {
  let text = ''
  for (const [name, value] of Object.entries(context)) {
    const isPlain = typeof value === 'string' && /^[^\s"=]+$/.test(value)
    text += `${text === '' ? '' : '  '}${name}=${isPlain ? value : JSON.stringify(value)}`
    if (text.length > MAX_PREVIEW) break
  }
  return text.slice(0, MAX_PREVIEW)
}

/** The name of a level's rank. */
export function levelName(rank: number): string {
  return rank === GAP ? 'gap' : (LEVELS[rank] ?? 'info')
}

/** What a gap means, in a sentence. */
export function gapSentence({ reason, dropped }: GapNote): string {
  const count = dropped === null ? 'Entries' : `${dropped.toLocaleString('en')} ${dropped === 1 ? 'entry' : 'entries'}`
  const are = dropped === 1 ? 'is' : 'are'
  if (reason === 'restarted') return `${count} may be missing here: the server began a new history.`
  if (reason === 'slow') return `${count} ${are} missing here: this viewer was too slow to take them.`
  if (reason === 'paused') return `${count} went by during the pause: more than this page holds.`
  if (reason === 'evicted') return `${count} ${are} missing here: the server no longer had them on return.`
  return `${count} ${are} missing here (${reason}).`
}

function fieldOf(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[name] : undefined
}
