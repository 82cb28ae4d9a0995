/** From JSON text to columns. Runs in the worker, so that the page parses only what it shows. */
import { LEVELS } from '../../../log.ts'
import { type Batch, GAP } from './protocol.ts'

const RANKS = new Map<string, number>(LEVELS.map((level, rank) => [level, rank]))

/** Where the rest of an entry's text begins after `{"ts":"2026-11-23T12:00:00.000Z",`. */
const AFTER_TIME = 33

/** One row on its way into a {@link Batch}. */
export interface Row {
  readonly id: string
  readonly time: number
  readonly level: number
  readonly line: string
}

/** The row of an entry's JSON text. */
export function entryRow(id: string, line: string): Row {
  const { ts, level } = JSON.parse(line) as { ts: string; level: string }
  return { id, time: Date.parse(ts), level: RANKS.get(level) ?? 2, line }
}

/** The row of a gap; it stands where it was told. */
export function gapRow(id: string, line: string, time: number): Row {
  return { id, time, level: GAP, line }
}

/** Rows as columns. */
export function toBatch(rows: readonly Row[]): Batch {
  const { length } = rows
  const batch: Batch = {
    ids: new Array(length),
    times: new Float64Array(length),
    levels: new Uint8Array(length),
    signatures: new Uint32Array(length),
    lines: new Array(length),
  }
  for (let at = 0; at < length; at++) {
    const { id, time, level, line } = rows[at] as Row
    batch.ids[at] = id
    batch.times[at] = time
    batch.levels[at] = level
    batch.signatures[at] = hash(line, AFTER_TIME)
    batch.lines[at] = line
  }
  return batch
}

/** Whether two entries' texts are the same but for the time. */
export function isRepeat(line: string, other: string): boolean {
  return line.length === other.length && line.slice(AFTER_TIME) === other.slice(AFTER_TIME)
}

/** FNV-1a. */
function hash(text: string, from: number): number {
  let value = 0x811c9dc5
  for (let at = from; at < text.length; at++) value = Math.imul(value ^ text.charCodeAt(at), 0x01000193)
  return value >>> 0
}
