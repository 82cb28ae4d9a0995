/** Standard input as a log source, passed through to standard output. */
import { fstatSync } from 'node:fs'
import type { Readable, Writable } from 'node:stream'
import { createLineSplitter, MAX_LINE_LENGTH } from '../ingest/lines.ts'
import { parseLine } from '../ingest/text.ts'
import type { LogRecord } from '../log.ts'

/** Whether something is piped or redirected into the command, rather than a terminal or nothing. */
export function isPiped(): boolean {
  try {
    const input = fstatSync(0)
    return input.isFIFO() || input.isSocket() || input.isFile()
  } catch {
    // Closed: some process managers start programs without a standard input.
    return false
  }
}

/**
 * Reads lines until the input ends. The bytes go to the output unchanged and at the pace that it takes them.
 *
 * @param append - takes the records of what has arrived
 */
export async function followInput(
  input: Readable,
  output: Writable,
  append: (records: readonly LogRecord[]) => Promise<unknown>,
): Promise<void> {
  const decoder = new TextDecoder()
  const splitter = createLineSplitter(MAX_LINE_LENGTH)
  let passing = true
  // Whoever read the output has gone (`| head`): the watchers have not.
  output.on('error', () => {
    passing = false
  })
  const take = async (lines: readonly string[]): Promise<void> => {
    const now = Date.now()
    const records = lines.map((line) => parseLine(line, now)).filter((record) => record !== undefined)
    if (records.length > 0) await append(records)
  }
  for await (const chunk of input as AsyncIterable<Uint8Array>) {
    const flowing = !passing || output.write(chunk)
    await take(splitter.push(decoder.decode(chunk, { stream: true })))
    if (!flowing) await drained(output)
  }
  await take([...splitter.push(decoder.decode()), splitter.end()])
}

function drained(output: Writable): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      output.off('drain', done).off('error', done).off('close', done)
      resolve()
    }
    output.on('drain', done).on('error', done).on('close', done)
  })
}
