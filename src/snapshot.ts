/** Values of the running program as JSON can say them: errors, cycles, big integers and functions included. */
import { configure } from 'safe-stable-stringify'
import { MAX_DEPTH } from './log.ts'

const stringifySafely = configure({
  // Fields stay in the program's order; sorting them would cost time and hide it.
  deterministic: false,
  circularValue: '[Circular]',
  maximumDepth: MAX_DEPTH - 1,
})

/**
 * Most values looked at in one context, far more than fit it. Without cycles too a graph can have more paths than there is time
 * to walk.
 */
const MAX_VALUES = 50_000

/** A copy of a value that later changes do not reach. Never throws. */
export function snapshot(value: unknown): unknown {
  if (value === undefined || value === null) return value
  if (typeof value === 'string' || typeof value === 'boolean') return value
  try {
    const text = stringifySafely(value, createExpander())
    return text === undefined ? String(value) : (JSON.parse(text) as unknown)
  } catch {
    // A getter or `toJSON` of the program threw: the rest of the entry is worth keeping.
    return '[unreadable]'
  }
}

/** Makes the replacer of one snapshot: it expands what JSON.stringify would turn into `{}` or refuse. */
function createExpander(): (key: string, value: unknown) => unknown {
  // The same object each time, by which the serialiser knows a cycle.
  const expanded = new Map<object, unknown>()
  let values = 0
  return (_key, value) => {
    if (++values > MAX_VALUES) return undefined
    if (typeof value === 'bigint') return Number.isSafeInteger(Number(value)) ? Number(value) : String(value)
    if (typeof value === 'function' || typeof value === 'symbol') return String(value)
    if (!(value instanceof Error || value instanceof Map || value instanceof Set)) return value
    if (!expanded.has(value)) expanded.set(value, expand(value))
    return expanded.get(value)
  }
}

function expand(value: Error | Map<PropertyKey, unknown> | Set<unknown>): unknown {
  if (value instanceof Map) return Object.fromEntries(value)
  if (value instanceof Set) return [...value]
  const { name: type, message, stack, cause } = value
  return { ...value, type, message, stack, cause, errors: (value as Partial<AggregateError>).errors }
}
