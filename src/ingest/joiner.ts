/**
 * Joins the lines of a stack trace to the line they belong to. Indented lines go with what stands above them; what is not
 * indented goes with it only where a language's traces have it so. A line of JSON is only joined by frames.
 */
import { stripAnsi } from './ansi.ts'
import { isComplaint, isException } from './formats.ts'

/**
 * Is given the text of an entry: a line, and those that belong to it behind line feeds.
 *
 * @param arrived - when its first line came
 * @param bytes - its size in UTF-8, where only its start is given
 */
export type TakeText = (text: string, arrived: number, bytes?: number) => void

/** Puts lines together. */
export interface Joiner {
  /** Takes a line without its line feed. */
  push(line: string, now: number, bytes?: number): void
  /** Gives the entry that further lines might belong to. */
  flush(): void
  /** When that entry's first line came; undefined when none is held. */
  heldSince(): number | undefined
  /** Whether it is a line of JSON. */
  holdsJson(): boolean
}

/** Most lines of an entry. Those that follow are an entry of their own. */
export const MAX_JOINED_LINES = 1000

/** Most UTF-16 units of an entry that lines are joined to: about what a message may have, so that nothing is cut. */
export const MAX_JOINED_LENGTH: number = 32 * 1024

/** How one language prints a failure over several lines. */
interface Trace {
  /** Its first line. */
  readonly opens: RegExp
  /** Further lines that are not indented. */
  readonly goesOn: RegExp
  /** Lines that belong to it although a blank line stands before them. */
  readonly afterBlank: RegExp
  /** Where one line of any form belongs to it: right below the first, or as the first one that is not indented. */
  readonly free?: 'next' | 'outermost'
}

const NEVER = /(?!)/
const TRACES: readonly Trace[] = [
  // Python: the exception stands below its frames; others may be chained to it.
  {
    opens: /^Traceback \(most recent call last\):/,
    goesOn: NEVER,
    afterBlank: /^(?:During handling of the above|The above exception was|Traceback \()/,
    free: 'outermost',
  },
  // Go: the frames are not indented, their places are.
  {
    opens: /^(?:panic: |fatal error: |goroutine \d+ )/,
    goesOn: /^(?:\[signal |\[originating |goroutine \d+ |created by |exit status \d|[\w.$/*()[\]{}-]+\(.*\)$)/,
    afterBlank: /^(?:goroutine \d+ |runtime stack:|\[signal |exit status \d)/,
  },
  // Rust since 1.73: the message stands on a line of its own.
  { opens: /^thread '.*panicked at .*:$/, goesOn: /^(?:stack backtrace:|note: )/, afterBlank: NEVER, free: 'next' },
  { opens: /^thread '.*panicked at /, goesOn: /^(?:stack backtrace:|note: )/, afterBlank: NEVER },
  // Node's uncaught errors: the place, its source line, a caret, and after a blank line the error itself.
  {
    opens: /^(?:node:|file:\/\/|\/|[A-Z]:\\)\S*:\d+$/,
    goesOn: /^\^+$/,
    afterBlank: /^(?:\S*(?:Error|Exception)\b|Uncaught|Thrown at:|Node\.js v\d)/,
    free: 'next',
  },
]

/** Starts of the lines that open one, in any language: a quick look for the many that do not. */
const MAY_OPEN = /^(?:Traceback|panic: |fatal error: |goroutine |thread '|node:|file:|\/|[A-Z]:\\)/

/** Lines of Java's and .NET's traces that are not indented. */
const GOES_ON = /^(?:Caused by: |Suppressed: |\.\.\. \d+ more$|--- End of )/

/** The end of an object that Node prints below an error, or of any that is printed over several lines. */
const CLOSES = /^[\])}]+[,;]?$/

/** What is a frame wherever it stands. */
const FRAME = /^(?:[ \t]+(?:at \S|File ".*", line \d|\.\.\. \d+ (?:more|lines))|Caused by: )/

/**
 * Makes a joiner.
 *
 * @param take - is given each entry once no further line can belong to it
 */
export function createJoiner(take: TakeText): Joiner {
  /** Lines of the entry that is held. */
  let lines: string[] = []
  let length = 0
  let arrived = 0
  let size: number | undefined
  let isJson = false
  /** Blank lines after them: they belong to the entry only if what follows does. */
  let blanks = 0
  let trace: Trace | undefined
  /** Where a line of any form may still follow. */
  let free: Trace['free']

  function flush(): void {
    if (lines.length > 0) take(lines.length === 1 ? (lines[0] as string) : lines.join('\n'), arrived, size)
    lines = []
    blanks = 0
  }

  function open(line: string): void {
    trace = MAY_OPEN.test(line) ? TRACES.find(({ opens }) => opens.test(line)) : undefined
    free = trace?.free
  }

  /** Whether a line belongs to those that are held; also follows the trace that it is part of. */
  function belongs(line: string): boolean {
    if (isJson) return blanks === 0 && FRAME.test(line)
    if (blanks > 0) {
      if (trace === undefined || !trace.afterBlank.test(line)) return false
      if (trace.opens.test(line)) free = trace.free
      return true
    }
    const first = line.charCodeAt(0)
    const isObject = isObjectLine(line)
    if (first === 0x20 || first === 0x09) {
      if (free === 'next') free = undefined
      return !isObject
    }
    if (GOES_ON.test(line)) return true
    if (lines.length > 1 && CLOSES.test(line)) return true
    if (trace !== undefined) {
      if (trace.goesOn.test(line)) return true
      if (free !== undefined && !isObject) {
        free = undefined
        return true
      }
    }
    if (lines.length === 1 && isException(line) && isComplaint(stripAnsi(lines[0] as string))) {
      open(line)
      return true
    }
    return false
  }

  return {
    push(line, now, bytes) {
      const text = line.endsWith('\r') ? line.slice(0, -1) : line
      // Frames are printed in colours too.
      const plain = text.charCodeAt(0) === 0x1b ? stripAnsi(text) : text
      if (plain.trim() === '') {
        if (lines.length > 0) blanks++
        if (trace === undefined || isJson) flush()
        return
      }
      const fits = lines.length + blanks < MAX_JOINED_LINES && length + blanks + text.length < MAX_JOINED_LENGTH
      if (lines.length > 0 && bytes === undefined && fits && belongs(plain)) {
        length += text.length + blanks + 1
        for (; blanks > 0; blanks--) lines.push('')
        lines.push(text)
        return
      }
      flush()
      lines.push(text)
      length = text.length
      arrived = now
      size = bytes
      isJson = plain.charCodeAt(0) === 0x7b && plain.endsWith('}')
      trace = undefined
      free = undefined
      if (!isJson) open(plain)
    },
    flush,
    holdsJson: () => lines.length > 0 && isJson,
    heldSince: () => (lines.length > 0 ? arrived : undefined),
  }
}

/** Whether a line is a JSON object, and so an entry of its own. */
function isObjectLine(line: string): boolean {
  if (!/^\s*\{.*\}\s*$/.test(line)) return false
  try {
    JSON.parse(line)
    return true
  } catch {
    return false
  }
}
