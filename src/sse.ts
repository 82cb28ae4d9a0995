/**
 * The wire: entries and the other events as Server-Sent Events, byte for byte. Follows the event stream format of the HTML
 * standard (https://html.spec.whatwg.org/multipage/server-sent-events.html).
 *
 * `id:` is the last field of every event that has one. Some clients take the id as soon as they read it; if the event is then
 * cut off, they resume after an entry that they never had.
 */
import { createParser } from 'eventsource-parser'
import type { MonitorError } from './errors.ts'
import type { JsonObject, LogEntry } from './log.ts'
import type { Checkpoint, Gap, LogBatch, StoredEntry } from './source.ts'

const utf8 = new TextEncoder()
const fromUtf8 = new TextDecoder()

/** A heartbeat: a comment without a blank line, so that no client takes it for the end of an event. */
export const HEARTBEAT: Uint8Array = utf8.encode(':\n')

/** Epoch and sequence, as in `lx3k9q2f7a-42`. At most 64 characters, so that no client can make us carry more. */
const ID = /^([0-9A-Za-z]{1,40})-(0|[1-9][0-9]{0,15})$/

/** A position, taken apart. */
export interface Position {
  readonly epoch: string
  readonly sequence: number
}

/** The id of an entry. */
export function formatId(epoch: string, sequence: number): string {
  return `${epoch}-${sequence}`
}

/** Takes an id apart; undefined for what no edgetail ever gave out. */
export function parseId(id: string): Position | undefined {
  const match = ID.exec(id)
  if (match === null) return undefined
  const sequence = Number(match[2])
  return Number.isSafeInteger(sequence) ? { epoch: match[1] as string, sequence } : undefined
}

/** A name for a new history: the time, so that people can tell which is older, and chance. */
export function newEpoch(): string {
  const random = crypto.getRandomValues(new Uint32Array(1))[0] as number
  return Date.now().toString(36) + random.toString(36).padStart(7, '0')
}

/** One entry's event. `json` is the entry's JSON text, which holds no line break. */
export function encodeLog(json: string, id: string): string {
  return `event: log\ndata: ${json}\nid: ${id}\n\n`
}

/** Where the JSON text begins in an event of {@link encodeLog}. */
const DATA = 'event: log\ndata: '.length

/** The entry in the bytes of one event of {@link encodeLog}. */
export function decodeLog(event: Uint8Array): LogEntry {
  return JSON.parse(fromUtf8.decode(event.subarray(DATA, event.indexOf(0x0a, DATA)))) as LogEntry
}

/**
 * A batch from events that were made by {@link encodeLog}, in order.
 *
 * @param count - how many they are, where that is known; otherwise they are counted
 */
export function createBatch(events: string, id: string, count?: number): LogBatch {
  return batchFromBytes(utf8.encode(events), id, count)
}

/**
 * A batch from the bytes of its events.
 *
 * @param count - as in {@link createBatch}
 * @param appended - as in `LogBatch`
 */
export function batchFromBytes(
  bytes: Uint8Array,
  id: string,
  count: number = countLogs(bytes),
  appended?: number,
): LogBatch {
  return { type: 'batch', bytes, id, count, appended, entries: () => decodeLogs(bytes) }
}

/** How many events of {@link encodeLog} there are. What stands between their line breaks is passed over, not looked through. */
function countLogs(bytes: Uint8Array): number {
  let count = 0
  for (let at = 0; at < bytes.length; count++) {
    const data = bytes.indexOf(0x0a, at + DATA)
    const id = data === -1 ? -1 : bytes.indexOf(0x0a, data + 1)
    if (id === -1) break
    at = id + 2
  }
  return count
}

/** The id of the last event in the bytes of a batch: its last field. */
export function lastIdOf(bytes: Uint8Array): string {
  const end = fromUtf8.decode(bytes.subarray(-80))
  return end.slice(end.lastIndexOf('\nid: ') + 5, -2)
}

function decodeLogs(bytes: Uint8Array): StoredEntry[] {
  const entries: StoredEntry[] = []
  const parser = createParser({
    onEvent({ data, id = '' }) {
      entries.push({ id, ...(JSON.parse(data) as LogEntry) })
    },
  })
  parser.feed(fromUtf8.decode(bytes))
  return entries
}

/** The first event of a stream. `retry` in milliseconds. */
export function encodeReady(data: JsonObject, retry: number, id: string | undefined): Uint8Array {
  return utf8.encode(`retry: ${retry}\n${event('ready', data, id)}`)
}

/** A gap. Its id is the position after it, so that a reader that is cut off here is not told of it twice. */
export function encodeGap({ reason, dropped, id }: Gap): Uint8Array {
  return utf8.encode(event('gap', { reason, dropped }, id))
}

/** A position to resume from, for a reader whose filter lets nothing through. */
export function encodeCheckpoint({ id }: Checkpoint): Uint8Array {
  return utf8.encode(event('checkpoint', {}, id))
}

/** The last event of a stream that failed. */
export function encodeError({ code, message, retryable }: MonitorError): Uint8Array {
  return utf8.encode(event('error', { code, message, retryable }))
}

/** What a stream says before it ends on purpose: when to come back, in milliseconds. */
export function encodeRetry(retry: number): Uint8Array {
  return utf8.encode(`retry: ${retry}\n\n`)
}

function event(name: string, data: JsonObject, id?: string): string {
  const last = id === undefined ? '' : `id: ${id}\n`
  return `event: ${name}\ndata: ${JSON.stringify(data)}\n${last}\n`
}
