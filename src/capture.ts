/** Console capture: what a program prints also becomes entries. */
import { formatConsole } from './console-format.ts'
import { inspect } from './inspect.ts'
import type { JsonObject, Level } from './log.ts'
import type { Logger } from './logger.ts'
import { isUnheard, unheard } from './reentry.ts'

/** The methods that are captured. */
type Method = 'trace' | 'debug' | 'log' | 'info' | 'dir' | 'warn' | 'error' | 'assert'

/** The level of each. */
const LEVELS: Readonly<Record<Method, Level>> = {
  trace: 'trace',
  debug: 'debug',
  log: 'info',
  info: 'info',
  dir: 'info',
  warn: 'warn',
  error: 'error',
  assert: 'error',
}

/** A console, or the part of one that is captured. */
export type ConsoleLike = Record<Method, (...args: never[]) => void>

type Print = (...args: unknown[]) => void

/** Options of {@link captureConsole}. */
export interface CaptureOptions {
  /** What is captured. @default globalThis.console */
  readonly target?: ConsoleLike | undefined
  /** The level of each method, where it is to be another. @default log, info and dir info; assert error; the others their own */
  readonly levels?: Readonly<Partial<Record<Method, Level>>> | undefined
}

/**
 * Makes an entry of whatever the program prints with `console.log`, `info`, `warn`, `error`, `debug`, `trace`, `dir` and a failed
 * `assert`; it is printed as before. The message reads as on Node's console, on one line; the first error among the arguments
 * becomes `context.err`, with its stack. What the logger itself prints while it logs, or its `onError` while it reports, is
 * printed only.
 *
 * @param logger - a monitor, a push client, or anything with their `log`
 * @returns a function that ends it. Each method is given back unless something else was put in its place meanwhile: that stays,
 * prints through the captured one, and no entry is made any more.
 * @example
 * const restore = captureConsole(monitor)
 */
export function captureConsole(logger: Logger, options: CaptureOptions = {}): () => void {
  const target = (options.target ?? console) as unknown as Record<Method, Print>
  const levels: Record<Method, Level> = { ...LEVELS, ...options.levels }
  const restores: (() => void)[] = []
  /** While a method prints it may call others, as `assert` does `warn`; while the logger logs it may print. */
  let busy = false
  let active = true

  for (const method of Object.keys(LEVELS) as Method[]) {
    const original = target[method]
    if (typeof original !== 'function') continue
    const captured: Print = function (this: unknown, ...args) {
      if (busy || !active || isUnheard()) {
        original.apply(this, args)
        return
      }
      busy = true
      try {
        original.apply(this, args)
        unheard(() => {
          const entry = toEntry(method, args)
          if (entry !== undefined) logger.log(levels[method], entry.message, entry.context)
        })
      } finally {
        busy = false
      }
    }
    target[method] = captured
    restores.push(() => {
      if (target[method] === captured) target[method] = original
    })
  }

  return () => {
    active = false
    for (const restore of restores) restore()
  }
}

function toEntry(method: Method, args: readonly unknown[]): { message: string; context: JsonObject } | undefined {
  if (method === 'dir') return { message: inspect(args[0]), context: {} }
  if (method === 'assert') {
    const [condition, ...rest] = args
    if (condition) return undefined
    const { message, context } = entryOf(rest)
    return { message: rest.length === 0 ? 'Assertion failed' : `Assertion failed: ${message}`, context }
  }
  if (method !== 'trace') return entryOf(args)
  const { message, context } = entryOf(args)
  const stack = new Error(message).stack?.split('\n').slice(1) ?? []
  // The frames above are ours.
  const own = stack.findLastIndex((line) => /captured/.test(line))
  return { message, context: { ...context, stack: stack.slice(own + 1).join('\n') } }
}

function entryOf(args: readonly unknown[]): { message: string; context: JsonObject } {
  const { message, errors } = formatConsole(args)
  const [err, ...others] = errors
  return { message, context: { ...(err && { err }), ...(others.length > 0 && { errors: others }) } }
}
