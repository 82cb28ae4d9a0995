/**
 * Reads what a program prints, byte by byte, into records. The last entry of what has arrived is held for a moment, since the
 * next piece may begin with the rest of its stack trace; a line of JSON is not.
 */
import type { LogRecord } from '../log.ts'
import { createJoiner } from './joiner.ts'
import { createLineSplitter, MAX_LINE_LENGTH } from './lines.ts'
import { parseText } from './text.ts'

/** Options of {@link createPrintedReader}. */
export interface PrintedReaderOptions {
  /** Name of the file that is read; each record has it as `context.file`. @default none */
  readonly file?: string | undefined
}

/** Makes records of pieces. Each method returns those that are complete. */
export interface PrintedReader {
  /**
   * Takes a piece of UTF-8; what is none is replaced by U+FFFD.
   *
   * @param now - when it came, in milliseconds since the epoch
   */
  push(piece: Uint8Array, now: number): LogRecord[]
  /** When the entry that is held came; undefined when none is. */
  heldSince(): number | undefined
  /** Gives up waiting for more lines of the entry that is held. An unfinished line stays. */
  flush(): LogRecord[]
  /** Takes an unfinished line as it is. What is pushed after that begins anew. */
  end(now: number): LogRecord[]
}

/** Makes a reader of one stream of bytes. */
export function createPrintedReader({ file }: PrintedReaderOptions = {}): PrintedReader {
  let decoder = new TextDecoder()
  let records: LogRecord[] = []
  let arrived = 0
  const joiner = createJoiner((text, time, bytes) => {
    const record = parseText(text, time, { file, bytes })
    if (record !== undefined) records.push(record)
  })
  const splitter = createLineSplitter((line, bytes) => joiner.push(line, arrived, bytes), MAX_LINE_LENGTH)

  function taken(): LogRecord[] {
    const complete = records
    records = []
    return complete
  }

  return {
    push(piece, now) {
      arrived = now
      splitter.push(decoder.decode(piece, { stream: true }))
      if (joiner.holdsJson()) joiner.flush()
      return taken()
    },
    heldSince: joiner.heldSince,
    flush() {
      joiner.flush()
      return taken()
    },
    end(now) {
      arrived = now
      splitter.push(decoder.decode())
      splitter.end()
      joiner.flush()
      decoder = new TextDecoder()
      return taken()
    },
  }
}
