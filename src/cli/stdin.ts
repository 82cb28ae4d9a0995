/** Standard input as a log source, passed through to standard output. */
import { fstatSync } from 'node:fs'
import type { Readable, Writable } from 'node:stream'
import { type Append, createFeed } from './feed.ts'

/**
 * Most bytes that wait for whoever reads the output. The program is not slowed before: a burst of some 100,000 lines is taken
 * as fast as it is printed.
 */
const MAX_WAITING_BYTES = 16 * 1024 * 1024

/** Which part of them may wait to become entries: with more, a watcher would see them later than within a second. */
const ENTRIES_SHARE = 0.5

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
 * Reads lines until the input ends. The bytes go to the output unchanged; the input is paused only while too much waits.
 *
 * @param maxWaiting - most bytes that wait for the output, and half as many that wait to become entries
 * @returns when all entries are appended and the output has taken all bytes
 */
export async function followInput(
  input: Readable,
  output: Writable,
  append: Append,
  maxWaiting: number = MAX_WAITING_BYTES,
): Promise<void> {
  const feed = createFeed(append)
  const waiting: { readonly piece: Uint8Array; readonly arrived: number }[] = []
  let waitingBytes = 0
  /** What the output has still to take, in bytes. */
  let unread = 0
  let ended = false
  let failure: unknown
  let passing = true
  let wake: () => void = () => {}

  const pace = (): void => {
    const isFull = waitingBytes > maxWaiting * ENTRIES_SHARE || (passing && unread > maxWaiting)
    if (isFull) input.pause()
    else if (input.isPaused()) input.resume()
  }
  // Whoever read the output has gone (`| head`): the watchers have not.
  const stopPassing = (): void => {
    passing = false
    pace()
    wake()
  }
  output.on('error', stopPassing).on('close', stopPassing)
  const pass = (piece: Uint8Array): void => {
    unread += piece.byteLength
    output.write(piece, () => {
      unread -= piece.byteLength
      pace()
      wake()
    })
  }
  input
    .on('data', (piece: Uint8Array) => {
      if (passing) pass(piece)
      waiting.push({ piece, arrived: Date.now() })
      waitingBytes += piece.byteLength
      pace()
      wake()
    })
    .on('error', (error) => {
      failure = error
      ended = true
      wake()
    })
    .on('end', () => {
      ended = true
      wake()
    })

  while (!ended || waiting.length > 0) {
    const next = waiting.shift()
    if (next === undefined) {
      await new Promise<void>((resolve) => {
        wake = resolve
      })
      continue
    }
    await feed.push(next.piece, next.arrived)
    waitingBytes -= next.piece.byteLength
    pace()
    // What has arrived meanwhile is passed through before more is read, and the watchers are served.
    await new Promise(setImmediate)
  }
  await feed.end()
  while (passing && unread > 0) {
    await new Promise<void>((resolve) => {
      wake = resolve
    })
  }
  if (failure !== undefined) throw failure
}
