/**
 * Entries as lines: for people, with time, level, message, and the context dimmed behind it; or as JSON, one object a line.
 * Pure: what is read of the clock is the time zone.
 */
import { isObject, type JsonObject, LEVELS, type Level } from '../log.ts'
import type { Gap, StoredEntry } from '../source.ts'
import { harmless, harmlessJson, harmlessLine, paint } from './terminal-text.ts'

/** What a gap says. */
export type GapNotice = Pick<Gap, 'reason' | 'dropped'>

/** Makes lines. */
export interface Printer {
  /** The lines of entries, each with its line break. */
  entries(entries: readonly StoredEntry[]): string
  /** The line of a gap in their midst; empty where the format has no place for it. */
  gap(gap: GapNotice): string
}

const INDENT = '    '

/** SGR codes of the levels. */
const LEVEL_COLOURS: Readonly<Record<Level, string>> = {
  trace: '90',
  debug: '34',
  info: '32',
  warn: '33',
  error: '31',
  fatal: '97;41',
}

/** Text that needs no quotes as a value. */
const PLAIN = /^[\w./:@+-]+$/

/** One JSON object a line: `{"id","ts","level","message","context"}`. */
export function jsonPrinter(): Printer {
  return {
    entries: (entries) => entries.map((entry) => `${harmlessJson(JSON.stringify(entry))}\n`).join(''),
    gap: () => '',
  }
}

/**
 * Lines for people. Times are local; a line with the date stands before the first entry and wherever the day changes.
 *
 * @param colour - whether colours are used, ours and those in messages
 */
export function textPrinter(colour: boolean): Printer {
  const inColour = (codes: string, text: string): string => (colour ? paint(codes, text) : text)
  const rule = (codes: string, text: string): string => `${inColour(codes, `── ${text} ──`)}\n`
  let today = 0

  function line({ ts, level, message, context }: StoredEntry): string {
    const time = new Date(ts)
    const isTime = !Number.isNaN(time.getTime())
    const date = isTime ? dayOf(time) : today
    const heading = date === today ? '' : rule('2', dateOf(time))
    today = date
    const clock = inColour('90', isTime ? clockOf(time) : harmlessLine(String(ts)))
    const name = LEVELS.includes(level) ? level : 'info'
    const label = inColour(LEVEL_COLOURS[name], harmlessLine(String(level)).toUpperCase().padEnd(5))
    const [first = '', ...more] = harmless(String(message).trimEnd(), colour).split('\n')
    const { fields, blocks } = layOut(isObject(context) ? context : { context })
    const beside = fields.length > 0 ? inColour('2', fields.join(' ')) : ''
    const head = [clock, label, first, more.length > 0 ? '' : beside].filter((part) => part !== '').join(' ')
    // Behind several lines the context would seem to belong to the last of them.
    const below = more.length > 0 && beside !== '' ? [beside] : []
    const rest = [...more, ...below, ...blocks.map((block) => inColour('2', block))].map((text) => `${INDENT}${text}\n`)
    return `${heading}${head}\n${rest.join('')}`
  }

  return {
    entries: (entries) => entries.map(line).join(''),
    gap: (gap) => rule('33', describeGap(gap)),
  }
}

/** A gap in words. */
export function describeGap({ reason, dropped }: GapNotice): string {
  const what =
    typeof dropped === 'number'
      ? `${dropped.toLocaleString('en')} ${dropped === 1 ? 'entry is' : 'entries are'} missing here`
      : 'Entries are missing here, nobody knows how many'
  const why = REASONS[reason] ?? harmlessLine(String(reason))
  return `${what}: ${why}`
}

const REASONS: Readonly<Record<Gap['reason'], string>> = {
  evicted: 'the server no longer kept them',
  slow: 'they came faster than they were read',
  restarted: 'the server began a new history, all that it has follows',
}

/** A context taken apart: what fits beside the message, and what has lines of its own. */
interface Layout {
  readonly fields: string[]
  readonly blocks: string[]
}

function layOut(context: JsonObject): Layout {
  const layout: Layout = { fields: [], blocks: [] }
  for (const [name, value] of Object.entries(context)) {
    const key = PLAIN.test(name) ? name : quote(name)
    if (typeof value === 'string' && value.includes('\n')) {
      layout.blocks.push(...indentAfterFirst(`${key}: ${harmless(value, false)}`.split('\n')))
    } else if (isObject(value) && typeof value.stack === 'string') {
      layout.blocks.push(...errorLines(key, value as ErrorObject))
    } else layout.fields.push(`${key}=${typeof value === 'string' && PLAIN.test(value) ? value : quote(value)}`)
  }
  return layout
}

type ErrorObject = JsonObject & { readonly stack: string }

/** An error as pino and others write it: its stack as it is, then what else it has, its cause below it. */
function errorLines(key: string, { stack, ...others }: ErrorObject): string[] {
  // The stack begins with them.
  const rest = Object.entries(others).filter(
    ([name, value]) => !['type', 'name', 'message'].includes(name) || !stack.includes(String(value)),
  )
  const { fields, blocks } = layOut(Object.fromEntries(rest))
  const below = fields.length > 0 ? [fields.join(' '), ...blocks] : blocks
  const lines = indentAfterFirst(`${key}: ${harmless(stack, false)}`.split('\n'))
  return [...lines, ...below.map((line) => INDENT + line)]
}

function indentAfterFirst([first = '', ...rest]: readonly string[]): string[] {
  return [first, ...rest.map((line) => (/^\s{4}/.test(line) ? line : `${INDENT}${line}`))]
}

function quote(value: unknown): string {
  return harmlessJson(JSON.stringify(value))
}

function clockOf(time: Date): string {
  const ms = String(time.getMilliseconds()).padStart(3, '0')
  return `${two(time.getHours())}:${two(time.getMinutes())}:${two(time.getSeconds())}.${ms}`
}

/** The local date, and how far local time is from UTC: a file may be read elsewhere. */
function dateOf(time: Date): string {
  const ahead = -time.getTimezoneOffset()
  const zone = `UTC${ahead < 0 ? '-' : '+'}${two(Math.floor(Math.abs(ahead) / 60))}:${two(Math.abs(ahead) % 60)}`
  return `${time.getFullYear()}-${two(time.getMonth() + 1)}-${two(time.getDate())} ${zone}`
}

function two(number: number): string {
  return String(number).padStart(2, '0')
}

/** A number for each local day: `toDateString` would cost a quarter of the line. */
function dayOf(time: Date): number {
  return (time.getFullYear() * 12 + time.getMonth()) * 31 + time.getDate()
}
