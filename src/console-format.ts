/**
 * What a console prints for its arguments: the Console Standard's formatter (https://console.spec.whatwg.org/#formatter) with
 * Node's directives, on every runtime.
 */
import { inspect } from './inspect.ts'

/** What was printed. */
export interface Printed {
  readonly message: string
  /** The errors among the arguments. The message has only their names and messages. */
  readonly errors: readonly Error[]
}

/** Formats the arguments of a console's method. */
export function formatConsole(args: readonly unknown[]): Printed {
  const errors: Error[] = []
  const show = (value: unknown): string => {
    if (typeof value === 'string') return value
    if (!isError(value)) return inspect(value)
    errors.push(value)
    return headOf(value)
  }

  let used = 0
  const parts: string[] = []
  const [first] = args
  if (typeof first === 'string') {
    used = 1
    // With nothing to insert the text stands as it is, `%%` included.
    if (args.length === 1) return { message: first, errors }
    const text = first.replace(/%[sdifjoOc%]/g, (directive) => {
      if (directive === '%%') return '%'
      if (used >= args.length) return directive
      const value = args[used++]
      return safely(() => insert(directive, value, show))
    })
    parts.push(text)
  }
  parts.push(...args.slice(used).map(show))
  return { message: parts.join(' '), errors }
}

function insert(directive: string, value: unknown, show: (value: unknown) => string): string {
  if (directive === '%c') return ''
  if (isError(value) && directive !== '%j') return show(value)
  if (directive === '%s') return text(value)
  if (directive === '%d') return number(value, Number)
  if (directive === '%i') return number(value, (given: string) => Number.parseInt(given, 10))
  if (directive === '%f') return number(value, Number.parseFloat)
  if (directive === '%j') return json(value)
  return inspect(value, { depth: directive === '%o' ? 4 : 2 })
}

function text(value: unknown): string {
  if (typeof value === 'bigint') return `${value}n`
  if (typeof value === 'number') return plain(value)
  if (typeof value === 'object' && value !== null) {
    // Only what a program has written itself says more than `[object Object]`.
    return hasOwnText(value) ? String(value) : inspect(value, { depth: 0 })
  }
  return String(value)
}

/** Whether an object or its class, and not a class of the language, says how it reads as text. */
function hasOwnText(value: object): boolean {
  const told = (value as { toString?: unknown }).toString
  return typeof told === 'function' && !/\{\s*\[native code\]\s*\}\s*$/.test(Function.prototype.toString.call(told))
}

function number(value: unknown, read: (value: never) => number): string {
  if (typeof value === 'bigint' && read !== Number.parseFloat) return `${value}n`
  return typeof value === 'symbol' ? 'NaN' : plain(read(value as never))
}

/** With the sign of a negative zero. */
function plain(value: number): string {
  return Object.is(value, -0) ? '-0' : String(value)
}

function json(value: unknown): string {
  try {
    return String(JSON.stringify(value))
  } catch (error) {
    if (/circular|cyclic/i.test((error as Error).message)) return '[Circular]'
    throw error
  }
}

/** A proxy may refuse even this. */
function isError(value: unknown): value is Error {
  try {
    return value instanceof Error
  } catch {
    return false
  }
}

function headOf(error: Error): string {
  return safely(() => Error.prototype.toString.call(error))
}

function safely(read: () => string): string {
  try {
    return read()
  } catch {
    return '[unreadable]'
  }
}
