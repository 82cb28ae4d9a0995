/** From the bytes that a program prints to entries that are appended, in order and in time. */
import { createPrintedReader, type PrintedReaderOptions } from '../ingest/printed.ts'
import type { LogRecord } from '../log.ts'

/** Takes records; resolves when they are stored. */
export type Append = (records: readonly LogRecord[]) => Promise<unknown>

/** Takes bytes. */
export interface Feed {
  /**
   * Takes a piece; its bytes may be overwritten when this returns.
   *
   * @returns when its entries are stored
   * @throws what an earlier append failed with
   */
  push(piece: Uint8Array, now?: number): Promise<void>
  /** Takes an unfinished line as it is. What is pushed after that begins anew. */
  end(): Promise<void>
}

/**
 * How long an entry is held for the rest of its stack trace when nothing comes, in milliseconds. A trace is printed at once, and
 * comes in one piece or two right after each other; a watcher does not notice the wait.
 */
const QUIET_MS = 40

/** How long it is held at the most, in milliseconds, while lines that belong to it go on coming. */
const HELD_MS = 250

/**
 * Makes of what may fail one that tells it and goes on: a program whose output is read must not end because nobody can watch it. Each
 * trouble is told once, and how many entries it cost when it is over.
 */
export function tellFailures(append: Append, report: (sentence: string) => void): Append {
  let lost = 0
  return async (records) => {
    try {
      await append(records)
      if (lost > 0) report(`Entries are stored again. Not stored: ${lost}.`)
      lost = 0
    } catch (error) {
      if (lost === 0) report(`What is read is not stored now. ${(error as Error).message}`)
      lost += records.length
    }
  }
}

/** Makes a feed. */
export function createFeed(append: Append, options: PrintedReaderOptions = {}): Feed {
  const reader = createPrintedReader(options)
  let appended: Promise<void> = Promise.resolve()
  let timer: NodeJS.Timeout | undefined

  function store(records: readonly LogRecord[]): Promise<void> {
    if (records.length === 0) return appended
    appended = appended.then(async () => {
      await append(records)
    })
    // Told to whoever pushes next, also when a timer stored these.
    appended.catch(() => {})
    return appended
  }

  return {
    push(piece, now = Date.now()) {
      clearTimeout(timer)
      const records = reader.push(piece, now)
      const since = reader.heldSince()
      if (since !== undefined) {
        const left = since + HELD_MS - Date.now()
        if (left <= 0) records.push(...reader.flush())
        else timer = setTimeout(() => store(reader.flush()), Math.min(QUIET_MS, left))
      }
      return store(records)
    },
    end() {
      clearTimeout(timer)
      return store(reader.end(Date.now()))
    },
  }
}
