/**
 * The entries of every workload. Each carries its sequence as `~0000123` in the message: the only tilde on the wire, so that a
 * client finds it with one native byte search, whatever the server puts around it.
 */

/** The byte before a sequence. */
export const MARK: number = '~'.charCodeAt(0)

/** Digits of a sequence. */
export const DIGITS = 7

/** Bytes that stand behind every sequence at the least, and that a search for the next one may skip. */
export const SKIP = 100

const CONTEXT = {
  method: 'GET',
  path: '/checkout/basket/items',
  status: 200,
  duration_ms: 12,
  host: 'web-3',
  region: 'eu-west',
}

/** Words that stand in every entry, one for each distinct filter. */
const WORDS = [
  ...['request', 'served', 'method', 'get', 'path', 'checkout', 'basket', 'items', 'status', '200'],
  ...['duration', 'ms', 'host', 'web-3', 'region', 'eu-west', 'web', 'west', 'check', 'item'],
]

/** One entry as JSON text; with its event's fields about 230 bytes. */
export function entryJson(sequence: number): string {
  const message = `~${String(sequence).padStart(DIGITS, '0')} request served`
  return JSON.stringify({ ts: new Date().toISOString(), level: levelOf(sequence), message, context: CONTEXT })
}

/** Whether the entry in an event is the one that was sent, down to each field. */
export function isEntry(data: string, sequence: number): boolean {
  const { ts, level, message, context } = JSON.parse(data) as Record<string, unknown>
  return (
    level === levelOf(sequence) &&
    message === `~${String(sequence).padStart(DIGITS, '0')} request served` &&
    JSON.stringify(context) === JSON.stringify(CONTEXT) &&
    typeof ts === 'string'
  )
}

/** A filter as a client asks for it. */
export interface BenchFilter {
  readonly query: string
  /** 1 when it lets every entry through, 2 when every second one. */
  readonly step: number
}

/** One of up to 20 distinct filters: a word each, and for every second one a level that half of the entries have. */
export function filterNumber(index: number): BenchFilter {
  const word = `&q=${WORDS[index % WORDS.length]}`
  return index % 2 === 0 ? { query: word, step: 1 } : { query: `${word}&level=warn`, step: 2 }
}

function levelOf(sequence: number): string {
  return sequence % 2 === 0 ? 'warn' : 'info'
}
