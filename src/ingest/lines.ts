/** Text that arrives in pieces, split into lines. */

/** Splits at line feeds; a carriage return before one stays with its line. */
export interface LineSplitter {
  /** Takes a piece and returns the lines that it completes. */
  push(text: string): string[]
  /** What stands after the last line feed; empty when nothing does. */
  end(): string
}

/** Makes a splitter. */
export function createLineSplitter(): LineSplitter {
  let rest: string[] = []
  return {
    push(text) {
      const lines = text.split('\n')
      const last = lines.pop() as string
      if (lines.length > 0) {
        // Joined only now, so that a long line in many pieces is not copied once for each of them.
        lines[0] = rest.join('') + lines[0]
        rest = []
      }
      if (last !== '') rest.push(last)
      return lines
    },
    end() {
      const last = rest.join('')
      rest = []
      return last
    },
  }
}
