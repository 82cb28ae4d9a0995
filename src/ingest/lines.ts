/** Text that arrives in pieces, split into lines. */

/** Splits at line feeds; a carriage return before one stays with its line. */
export interface LineSplitter {
  /** Takes a piece and gives the lines that it completes. */
  push(text: string): void
  /** Gives what stands after the last line feed, where something does. */
  end(): void
}

/**
 * Is given a line.
 *
 * @param bytes - its size in UTF-8, where only its start is given
 */
export type TakeLine = (line: string, bytes?: number) => void

/**
 * Longest line of a stream without an end, in UTF-16 units: a program that prints without line breaks must not fill the memory.
 * JSON up to that is still read; a message is cut far below.
 */
export const MAX_LINE_LENGTH: number = 1024 * 1024

const utf8 = new TextEncoder()

/**
 * Makes a splitter.
 *
 * @param take - is given each line
 * @param maxLength - in UTF-16 units; of a longer line only the start is kept @default none, for what is bounded already
 */
export function createLineSplitter(take: TakeLine, maxLength: number = Number.POSITIVE_INFINITY): LineSplitter {
  /** The unfinished line, in pieces: joined only at its end, so that a long one is not copied once for each of them. */
  let rest: string[] = []
  let length = 0
  /** What was not kept of it, in bytes. */
  let dropped = 0

  function keep(text: string): void {
    if (length < maxLength) {
      rest.push(text)
      length += text.length
    } else dropped += byteLength(text)
  }

  function give(): void {
    const line = rest.length === 1 ? (rest[0] as string) : rest.join('')
    if (line.length > maxLength || dropped > 0) take(line.slice(0, maxLength), byteLength(line) + dropped)
    else take(line)
    rest = []
    length = 0
    dropped = 0
  }

  return {
    push(text) {
      let start = 0
      for (let end = text.indexOf('\n'); end !== -1; end = text.indexOf('\n', start)) {
        // Most lines come whole.
        if (rest.length === 0 && end - start <= maxLength) take(text.slice(start, end))
        else {
          if (end > start) keep(text.slice(start, end))
          give()
        }
        start = end + 1
      }
      if (start < text.length) keep(text.slice(start))
    },
    end() {
      if (rest.length > 0) give()
    },
  }
}

function byteLength(text: string): number {
  return utf8.encode(text).length
}
