/**
 * Values as Node's console shows them (https://nodejs.org/api/util.html#utilinspectobject-options), on one line and on every
 * runtime. What only the engine can see, such as the state of a promise, is left out.
 */

/** Options of {@link inspect}. */
export interface InspectOptions {
  /** How deep objects are shown. @default 2 */
  readonly depth?: number | undefined
}

/** Items of an array, a map or a set that are shown. */
const MAX_ITEMS = 100

/** Longest text inside a value that is shown whole, in UTF-16 units. */
const MAX_TEXT = 10_000

const IDENTIFIER = /^[a-zA-Z_][a-zA-Z_0-9]*$/

/** By which a value says itself how it is shown. */
const CUSTOM = Symbol.for('nodejs.util.inspect.custom')

const TypedArray = Object.getPrototypeOf(Uint8Array) as abstract new () => ArrayLike<number | bigint>

/** Shows a value. Never throws. */
export function inspect(value: unknown, { depth = 2 }: InspectOptions = {}): string {
  try {
    return new Inspection().show(value, depth)
  } catch {
    // A getter, a trap of a proxy, or a stack that is too deep.
    return '[unreadable]'
  }
}

/** One look at one value, that knows where it has been. */
class Inspection {
  readonly #open: object[] = []
  /** What refers to itself, with its number. */
  readonly #circular = new Map<object, number>()

  show(value: unknown, depth: number): string {
    if (typeof value === 'string') return quote(value)
    if (typeof value === 'bigint') return `${value}n`
    if (Object.is(value, -0)) return '-0'
    if (typeof value === 'function' || (typeof value === 'object' && value !== null)) return this.#object(value, depth)
    return String(value)
  }

  #object(value: object, depth: number): string {
    const custom = (value as { [CUSTOM]?: unknown })[CUSTOM]
    if (typeof custom === 'function') {
      const shown: unknown = custom.call(value, depth, { depth }, inspect)
      if (shown !== value) return typeof shown === 'string' ? shown : this.show(shown, depth)
    }
    if (this.#open.includes(value)) {
      const number = this.#circular.get(value) ?? this.#circular.size + 1
      this.#circular.set(value, number)
      return `[Circular *${number}]`
    }
    this.#open.push(value)
    const shown = this.#parts(value, depth)
    this.#open.pop()
    const number = this.#circular.get(value)
    return number === undefined ? shown : `<ref *${number}> ${shown}`
  }

  #parts(value: object, depth: number): string {
    const name = nameOf(value)
    const tag = tagOf(value, name)
    const prefix = `${name ?? `[${builtinName(value)}: null prototype]`}${tag === '' ? '' : ` [${tag}]`}`
    const sized = (size: number): string => prefix.replace(/^(\[?[^\s\]:]+)/, `$1(${size})`)
    const keys = keysOf(value)
    const fields = (): string[] => keys.map((key) => this.#field(value, key, depth - 1))

    if (typeof value === 'function') return join(functionHead(value, tag), fields, keys)
    if (value instanceof Error) return join(errorHead(value), fields, keys)
    if (value instanceof RegExp) return join(RegExp.prototype.toString.call(value), fields, keys)
    if (value instanceof Date) return join(dateText(value), fields, keys)
    const boxed = boxedHead(value, (inner) => this.show(inner, depth))
    if (boxed !== undefined) return join(boxed, fields, keys)

    const isList = Array.isArray(value) || value instanceof TypedArray
    if (depth < 0 && !isEmpty(value, keys)) return name === undefined ? prefix : `[${prefix}]`
    if (isList) {
      const items = this.#items(value as ArrayLike<unknown>, depth - 1)
      const head = name === 'Array' && tag === '' ? '' : `${sized((value as ArrayLike<unknown>).length)} `
      return `${head}${list('[', [...items, ...fields()], ']')}`
    }
    if (value instanceof Map) {
      const items = cut([...value], ([key, item]) => `${this.show(key, depth - 1)} => ${this.show(item, depth - 1)}`)
      return `${sized(value.size)} ${list('{', [...items, ...fields()], '}')}`
    }
    if (value instanceof Set) {
      const items = cut([...value], (item) => this.show(item, depth - 1))
      return `${sized(value.size)} ${list('{', [...items, ...fields()], '}')}`
    }
    if (value instanceof WeakMap || value instanceof WeakSet) return `${prefix} { <items unknown> }`
    const head = prefix === 'Object' ? '' : `${prefix} `
    return `${head}${list('{', fields(), '}')}`
  }

  #field(value: object, key: PropertyKey, depth: number): string {
    const { get, set, value: inner } = Object.getOwnPropertyDescriptor(value, key) ?? {}
    const name = nameOfKey(key)
    if (get !== undefined) return `${name}: [${set === undefined ? 'Getter' : 'Getter/Setter'}]`
    if (set !== undefined) return `${name}: [Setter]`
    return `${name}: ${this.show(inner, depth)}`
  }

  #items(array: ArrayLike<unknown>, depth: number): string[] {
    const items: string[] = []
    let at = 0
    while (at < array.length && items.length < MAX_ITEMS) {
      let holes = 0
      while (at + holes < array.length && !Object.hasOwn(array, at + holes)) holes++
      if (holes > 0) items.push(`<${holes} empty item${plural(holes)}>`)
      else items.push(this.show(array[at], depth))
      at += Math.max(1, holes)
    }
    const left = array.length - at
    if (left > 0) items.push(more(left))
    return items
  }
}

/** Whether nothing is hidden by not showing what is inside. */
function isEmpty(value: object, keys: readonly PropertyKey[]): boolean {
  const { length, size } = value as { length?: unknown; size?: unknown }
  if (value instanceof Map || value instanceof Set) return size === 0 && keys.length === 0
  if (Array.isArray(value) || value instanceof TypedArray) return length === 0 && keys.length === 0
  return keys.length === 0 && !(value instanceof WeakMap || value instanceof WeakSet)
}

function cut<Item>(items: readonly Item[], show: (item: Item) => string): string[] {
  const shown = items.slice(0, MAX_ITEMS).map(show)
  return items.length > MAX_ITEMS ? [...shown, more(items.length - MAX_ITEMS)] : shown
}

function more(count: number): string {
  return `... ${count} more item${plural(count)}`
}

function plural(count: number): string {
  return count === 1 ? '' : 's'
}

function list(open: string, parts: readonly string[], close: string): string {
  return parts.length === 0 ? `${open}${close}` : `${open} ${parts.join(', ')} ${close}`
}

/** What has a short form of its own, and its fields only where it has any. */
function join(head: string, fields: () => string[], keys: readonly PropertyKey[]): string {
  return keys.length === 0 ? head : `${list('{', [...fields()], '}')}`.replace(/^\{/, () => `${head} {`)
}

/** The keys that are shown: not the places of a list or of a text, nor what an error says in its head. */
/** A key as it stands before its value. In an object's literal `__proto__` would be no key, so Node puts it into brackets. */
function nameOfKey(key: PropertyKey): string {
  if (key === '__proto__') return "['__proto__']"
  return typeof key === 'symbol' || IDENTIFIER.test(String(key)) ? String(key) : quote(String(key))
}

function keysOf(value: object): PropertyKey[] {
  const isIndexed = Array.isArray(value) || value instanceof TypedArray || value instanceof String
  const names = Object.keys(value).filter((key) => !(isIndexed && /^(?:0|[1-9]\d*)$/.test(key)))
  const symbols = Object.getOwnPropertySymbols(value).filter((key) =>
    Object.prototype.propertyIsEnumerable.call(value, key),
  )
  if (!(value instanceof Error)) return [...names, ...symbols]
  const { name, message, stack = '' } = value
  const said: readonly [string, unknown][] = [
    ['name', name],
    ['message', message],
    ['stack', stack],
  ]
  const own = names.filter((key) => !said.some(([field, text]) => field === key && stack.includes(String(text))))
  // Not enumerable, but part of what happened.
  const hidden = ['cause', 'errors'].filter((key) => Object.hasOwn(value, key) && !own.includes(key))
  return [...own, ...hidden, ...symbols]
}

/** The name of a value's class; undefined for one that has none. */
function nameOf(value: object): string | undefined {
  for (let proto: object | null = value; proto !== null; proto = Object.getPrototypeOf(proto)) {
    const made: unknown = Object.getOwnPropertyDescriptor(proto, 'constructor')?.value
    if (typeof made === 'function' && made.name !== '' && value instanceof made) return made.name
  }
  return undefined
}

/** `Symbol.toStringTag`, where it says more than the name. */
function tagOf(value: object, name: string | undefined): string {
  const tag: unknown = (value as { [Symbol.toStringTag]?: unknown })[Symbol.toStringTag]
  return typeof tag === 'string' && tag !== '' && tag !== name ? tag : ''
}

/** What the engine knows a value as, for one that has lost its prototype. */
function builtinName(value: object): string {
  if (Array.isArray(value)) return 'Array'
  return typeof value === 'function' ? 'Function' : 'Object'
}

function functionHead(value: object, tag: string): string {
  const { name } = value as { name?: unknown }
  const text = Function.prototype.toString.call(value)
  if (text.startsWith('class') && text.endsWith('}')) {
    const parent = (Object.getPrototypeOf(value) as { name?: string } | null)?.name ?? ''
    return `[class ${name === '' ? '(anonymous)' : String(name)}${parent === '' ? '' : ` extends ${parent}`}]`
  }
  const kind = nameOf(value) ?? 'Function'
  const suffix = tag === '' || tag === kind ? '' : ` [${tag}]`
  return `[${kind}${name === '' ? ' (anonymous)' : `: ${String(name)}`}]${suffix}`
}

function errorHead(error: Error): string {
  const { stack } = error
  return typeof stack === 'string' && stack !== '' ? stack : `[${Error.prototype.toString.call(error)}]`
}

function dateText(date: Date): string {
  return Number.isNaN(date.getTime()) ? 'Invalid Date' : date.toISOString()
}

/** `[Number: 3]`, for what is an object and should not be. */
function boxedHead(value: object, show: (inner: unknown) => string): string | undefined {
  const isBoxed = [Number, String, Boolean, BigInt, Symbol].find((kind) => value instanceof kind)
  return isBoxed && `[${isBoxed.name}: ${show(value.valueOf())}]`
}

const ESCAPES: Readonly<Record<string, string>> = {
  '\b': '\\b',
  '\t': '\\t',
  '\n': '\\n',
  '\f': '\\f',
  '\r': '\\r',
  '\\': '\\\\',
}

/** A text in the quotes that need the fewest escapes, and without control codes. */
function quote(text: string): string {
  const left = text.length - MAX_TEXT
  if (left > 0) return `${quote(text.slice(0, MAX_TEXT))}... ${left} more character${plural(left)}`
  const mark = !text.includes("'") ? "'" : !text.includes('"') ? '"' : /`|\$\{/.test(text) ? "'" : '`'
  const escaped = text.replace(/[\p{Cc}\\']|\p{Cs}/gu, (unit) => {
    if (unit === "'") return mark === "'" ? "\\'" : "'"
    const code = unit.charCodeAt(0)
    const hex = code.toString(16)
    return ESCAPES[unit] ?? (code > 0xff ? `\\u${hex}` : `\\x${hex.toUpperCase().padStart(2, '0')}`)
  })
  return `${mark}${escaped}${mark}`
}
