/**
 * From a body to records: one JSON object, an array of them, or NDJSON (https://github.com/ndjson/ndjson-spec). Good entries
 * are kept and bad ones named by their line.
 */
import { MonitorError, toMonitorError } from '../errors.ts'
import { isObject, type LogRecord } from '../log.ts'
import { NO_OBJECT, normalizeEntry } from '../normalize.ts'
import { readOwnForm } from '../own-form.ts'
import { nextTurn } from '../pacer.ts'
import { createLineSplitter } from './lines.ts'

/** An entry that was not taken. */
interface Rejection {
  /** From 1, blank lines included; in an array the place. */
  readonly line: number
  readonly error: string
}

/** What a body held. */
export interface ParsedBatch {
  readonly records: LogRecord[]
  readonly rejected: Rejection[]
  /** How many were not taken, named or not. */
  refused: number
}

/** Most rejections that are named: a body of a million empty objects' halves would otherwise be answered at forty times its size. */
const MAX_NAMED = 1000

/**
 * What is parsed in one turn of the event loop, in UTF-16 units. A line that is refused costs ten times one that is taken, and a
 * body of nothing else must not hold up everybody's stream.
 */
const TURN_LENGTH = 256 * 1024

/** Parses NDJSON as it arrives. */
export async function parseNdjson(text: AsyncIterable<string>, now: number): Promise<ParsedBatch> {
  const batch = emptyBatch()
  let number = 0
  const take = (line: string): void => {
    number++
    const trimmed = line.trim()
    if (trimmed === '') return
    const own = readOwnForm(line)
    if (own !== undefined) {
      batch.records.push(own)
      return
    }
    // Nobody is told what is wrong with it, and no object begins otherwise: to parse it would cost for nothing.
    if (batch.rejected.length > MAX_NAMED && trimmed[0] !== '{') {
      batch.refused++
      return
    }
    let input: unknown
    try {
      input = JSON.parse(line)
    } catch {
      reject(batch, number, 'The line is not valid JSON.')
      return
    }
    collect(batch, number, input, now)
  }
  const splitter = createLineSplitter(take)
  for await (const piece of text) {
    for (let at = 0; at < piece.length; at += TURN_LENGTH) {
      if (at > 0) await new Promise<void>((resolve) => nextTurn(resolve))
      splitter.push(piece.slice(at, at + TURN_LENGTH))
    }
  }
  splitter.end()
  return batch
}

/**
 * Parses one JSON text.
 *
 * @throws MonitorError `invalid_body` when it is no JSON
 */
export async function parseJson(text: AsyncIterable<string>, now: number): Promise<ParsedBatch> {
  const pieces: string[] = []
  for await (const piece of text) pieces.push(piece)
  const body = pieces.join('')
  const batch = emptyBatch()
  if (body.trim() === '') return batch
  const own = readOwnForm(body)
  if (own !== undefined) {
    batch.records.push(own)
    return batch
  }
  let input: unknown
  try {
    input = JSON.parse(body)
  } catch (cause) {
    throw new MonitorError('invalid_body', 'The body is not valid JSON. NDJSON is sent as application/x-ndjson.', {
      cause,
    })
  }
  if (Array.isArray(input)) {
    input.forEach((item, index) => {
      collect(batch, index + 1, item, now)
    })
  } else collect(batch, 1, input, now)
  return batch
}

function emptyBatch(): ParsedBatch {
  return { records: [], rejected: [], refused: 0 }
}

function collect(batch: ParsedBatch, line: number, input: unknown, now: number): void {
  // Not by an error, which would cost many times the look.
  if (!isObject(input)) {
    reject(batch, line, NO_OBJECT)
    return
  }
  try {
    batch.records.push(normalizeEntry(input, now))
  } catch (error) {
    reject(batch, line, toMonitorError(error).message)
  }
}

function reject(batch: ParsedBatch, line: number, error: string): void {
  const { rejected } = batch
  batch.refused++
  if (rejected.length < MAX_NAMED) rejected.push({ line, error })
  else if (rejected.length === MAX_NAMED) rejected.push({ line, error: `${error} Further lines are not named.` })
}
