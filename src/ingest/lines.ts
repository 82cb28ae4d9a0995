/** Text that arrives in pieces, split into lines. */

/** Splits at line feeds; a carriage return before one stays with its line. */
export interface LineSplitter {
  /** Takes a piece and returns the lines that it completes. */
  push(text: string): string[]
  /** What stands after the last line feed; empty when nothing does. */
  end(): string
}

/**
 * Longest line of a stream without an end, in UTF-16 units: a program that prints without line breaks must not fill the memory.
 * A message is cut far below that.
 */
export const MAX_LINE_LENGTH: number = 1024 * 1024

/**
 * Makes a splitter.
 *
 * @param maxLength - in UTF-16 units; of a longer line only the start is kept @default none, for what is bounded already
 */
export function createLineSplitter(maxLength: number = Number.POSITIVE_INFINITY): LineSplitter {
  let rest: string[] = []
  let length = 0
  return {
    push(text) {
      const lines = text.split('\n')
      const last = lines.pop() as string
      if (lines.length > 0) {
        // Joined only now, so that a long line in many pieces is not copied once for each of them.
        lines[0] = rest.join('') + lines[0]
        rest = []
        length = 0
      }
      if (last !== '' && length < maxLength) {
        rest.push(last)
        length += last.length
      }
      return lines.map((line) => (line.length > maxLength ? line.slice(0, maxLength) : line))
    },
    end() {
      const last = rest.join('')
      rest = []
      length = 0
      return last.length > maxLength ? last.slice(0, maxLength) : last
    },
  }
}
