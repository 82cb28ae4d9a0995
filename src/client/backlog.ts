/** Entries that wait to be sent: a bounded queue that gives up the oldest, and says so in their place. */
import { createRecord } from '../normalize.ts'

/** What may wait. */
export interface BacklogLimits {
  readonly maxBufferEntries: number
  readonly maxBufferBytes: number
}

/** Lines that leave together. */
interface Lines {
  /** JSON texts of entries, oldest first. */
  readonly lines: readonly string[]
  /** How many of them are the program's own: the notice is not. */
  readonly count: number
}

/** The queue. */
export interface Backlog {
  /** Entries that wait. */
  readonly entries: number
  /** Length of their JSON texts. */
  readonly length: number
  /** Whether there is nothing to send, not even a notice. */
  readonly isEmpty: boolean
  /** Adds an entry's JSON text and returns how many entries had to go for it. */
  add(line: string): number
  /** Takes the oldest, at least one and otherwise at most so much text. The notice of what was dropped before them goes first. */
  take(maxLength: number): Lines
}

/** Places of taken entries that are given back at once. */
const GIVE_BACK = 1024

/** Makes a queue. */
export function createBacklog({ maxBufferEntries, maxBufferBytes }: BacklogLimits): Backlog {
  let lines: string[] = []
  /** Where the oldest stands. */
  let head = 0
  let length = 0
  /** Dropped, and not told yet. They stood before the oldest. */
  let dropped = 0

  function shift(): string {
    const line = lines[head] as string
    lines[head++] = ''
    length -= line.length
    if (head >= GIVE_BACK && head * 2 >= lines.length) {
      lines = lines.slice(head)
      head = 0
    }
    return line
  }

  return {
    get entries() {
      return lines.length - head
    },
    get length() {
      return length
    },
    get isEmpty() {
      return lines.length === head && dropped === 0
    },

    add(line) {
      const before = dropped
      lines.push(line)
      length += line.length
      while (length > maxBufferBytes || lines.length - head > maxBufferEntries) {
        shift()
        dropped++
      }
      return dropped - before
    },

    take(maxLength) {
      const taken: string[] = []
      if (dropped > 0) {
        taken.push(createRecord('warn', `edgetail client dropped ${dropped} entries`, { dropped }).json)
        dropped = 0
      }
      let count = 0
      for (let room = maxLength; head < lines.length; count++) {
        const next = (lines[head] as string).length
        if (count > 0 && next > room) break
        room -= next
        taken.push(shift())
      }
      return { lines: taken, count }
    },
  }
}
