/**
 * A run of entries as the bytes that readers are sent. What is kept is kept like this: it is encoded once, written as it is
 * whoever reads it and however late, and costs the garbage collector nothing, which texts by the ten thousand would.
 */
import type { LogEntry, LogRecord } from './log.ts'
import { decodeLog, encodeLog } from './sse.ts'

/**
 * Most bytes in one batch. A reader that takes nothing pins up to three of them on its way out, so a thousand such readers
 * cost at most about 200 MB, and only if no two stand at the same place.
 */
export const MAX_BATCH_BYTES: number = 64 * 1024

/** Consecutive entries. Never changed, but for letting go of `records`. */
export interface Segment {
  /** The sequence number of the first. */
  readonly first: number
  /** Their events, one after the other. */
  readonly bytes: Uint8Array
  /** Where each event ends. */
  readonly ends: readonly number[]
  /** The records themselves, while filters have still to look at their entries. */
  records: readonly LogRecord[] | undefined
}

const utf8 = new TextEncoder()

/** Encodes records into as few segments as {@link MAX_BATCH_BYTES} allows. */
export function encodeSegments(records: readonly LogRecord[], first: number, ids: readonly string[]): Segment[] {
  const segments: Segment[] = []
  for (let from = 0; from < records.length; ) {
    let events = ''
    let to = from
    const ends: number[] = []
    for (; to < records.length && events.length < MAX_BATCH_BYTES; to++) {
      events += encodeLog((records[to] as LogRecord).json, ids[to] as string)
      ends.push(events.length)
    }
    const bytes = utf8.encode(events)
    // Beyond ASCII a character is more than one byte.
    segments.push({
      first: first + from,
      bytes,
      ends: bytes.length === events.length ? ends : endsIn(bytes),
      records: records.slice(from, to),
    })
    from = to
  }
  return segments
}

/** One segment of several that follow one another. */
export function joinSegments(segments: readonly Segment[]): Segment {
  const [head] = segments as readonly [Segment, ...Segment[]]
  if (segments.length === 1) return head
  const ends: number[] = []
  const records: LogRecord[] = []
  let offset = 0
  for (const segment of segments) {
    for (const end of segment.ends) ends.push(offset + end)
    if (segment.records !== undefined) records.push(...segment.records)
    offset += segment.bytes.length
  }
  const bytes = concat(segments.map((segment) => segment.bytes))
  return { first: head.first, bytes, ends, records: records.length === ends.length ? records : undefined }
}

/** The sequence number after the last. */
export function endOf({ first, ends }: Segment): number {
  return first + ends.length
}

/** Where the event of an entry begins, or where the last one ends. */
export function offsetOf({ first, ends }: Segment, sequence: number): number {
  return sequence === first ? 0 : (ends[sequence - first - 1] as number)
}

/** The event of an entry. */
export function eventOf(segment: Segment, sequence: number): Uint8Array {
  return segment.bytes.subarray(offsetOf(segment, sequence), offsetOf(segment, sequence + 1))
}

/** An entry. */
export function entryOf(segment: Segment, sequence: number): LogEntry {
  return segment.records?.[sequence - segment.first]?.entry ?? decodeLog(eventOf(segment, sequence))
}

/** How many bytes several have. */
export function bytesIn(parts: readonly { readonly bytes: Uint8Array }[]): number {
  return parts.reduce((sum, { bytes }) => sum + bytes.length, 0)
}

/** Bytes one after the other. */
export function concat(parts: readonly Uint8Array[]): Uint8Array {
  if (parts.length === 1) return parts[0] as Uint8Array
  const all = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0))
  let offset = 0
  for (const part of parts) {
    all.set(part, offset)
    offset += part.length
  }
  return all
}

/** Where events end: at the only empty lines that they have. */
function endsIn(bytes: Uint8Array): number[] {
  const ends: number[] = []
  for (let at = bytes.indexOf(0x0a); at !== -1; at = bytes.indexOf(0x0a, at + 1)) {
    if (bytes[at + 1] === 0x0a) ends.push(at + 2)
  }
  return ends
}
