/** Our formatter beside Node's own, on one line. */
import { formatWithOptions } from 'node:util'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { formatConsole } from '../../src/console-format.ts'
import { seedFrom } from '../support/random.ts'

const ours = (...args: unknown[]): string => formatConsole(args).message
/** Node breaks lists of more than six into columns, unless it is asked for the older form of everything. */
const nodes = (...args: unknown[]): string => {
  const text = formatWithOptions({ compact: 100, breakLength: Number.POSITIVE_INFINITY }, ...args)
  return text.includes('\n')
    ? formatWithOptions({ compact: true, breakLength: Number.POSITIVE_INFINITY }, ...args)
    : text
}

/** Node's own formatter fails at what cannot be turned into a number or JSON; ours never does. */
function throws(...args: unknown[]): boolean {
  try {
    nodes(...args)
    return false
  } catch {
    return true
  }
}

class Point {
  x = 1
  y = [2]
}
class Named extends Point {
  get [Symbol.toStringTag](): string {
    return 'tagged'
  }
}
class Told {
  toString(): string {
    return 'told'
  }
}
class List extends Array<number> {}

const circular: Record<string, unknown> = { name: 'loop' }
circular.self = circular
circular.inner = { back: circular }

const accessors = Object.defineProperties(
  {},
  {
    a: { get: () => 1, enumerable: true },
    b: { set: () => {}, enumerable: true },
    c: { get: () => 1, set: () => {}, enumerable: true },
  },
)

const VALUES: unknown[] = [
  ...[undefined, null, true, 0, -0, 1.5, Number.NaN, Number.POSITIVE_INFINITY, 12n, Symbol('s'), '', 'text'],
  ...[{}, [], { a: 1, 'b-c': 'x', 3: null }, [1, 'two', [3]], { [Symbol('key')]: 1 }, [undefined, null]],
  ...["it's", 'say "it\'s"', 'a `b` "c" \'d\'', 'line\nbreak\ttab\u001b[31m\u0000\u009f', '\\', '😀', '\ud83d!'],
  ...[new Map([['a', { b: 1 }]]), new Set([1, 'x']), new Map(), new Set(), new WeakMap(), new WeakSet()],
  ...[new Date(0), new Date(Number.NaN), /a\/b/gi, new Uint8Array([1, 2]), new Float64Array(2), new BigInt64Array(1)],
  ...[() => {}, function named() {}, async () => {}, function* generator() {}, class {}, Point, Named],
  ...[Object.assign(() => {}, { a: 1 }), Object.assign([1], { extra: true }), Object.assign(/x/, { lastMatch: 'x' })],
  ...[new Point(), new Named(), new Told(), List.from([1, 2]), Object.create(null), Object.create({ a: 1 })],
  ...[Object.assign(Object.create(null), { a: 1 }), new Number(3), new String('box'), new Boolean(false), Object(1n)],
  ...[circular, [circular], accessors, { deep: { deep: { deep: { deep: {} } } } }, [[[[1]]]], [[[[]]]]],
  ...[{ d: { d: { map: new Map(), set: new Set([1]), date: new Date(0), point: new Point(), list: [] } } }],
  ...[
    Array(3),
    Object.assign(Array(3), { 1: 'one' }),
    Array.from({ length: 101 }, (_, n) => n),
    new Set(Array.from({ length: 102 }, (_, n) => n)),
  ],
  ...[Array.from({ length: 250 }, (_, n) => n), 'x'.repeat(10_001), ['x'.repeat(10_001)], JSON, Math],
  { [Symbol.for('nodejs.util.inspect.custom')]: () => 'custom' },
]

describe('formatConsole, beside Node', () => {
  it.each(VALUES.map((value, index) => [index, value] as const))('case %i: one value, alone and nested', (_, value) => {
    expect(ours(value)).toBe(nodes(value))
    expect(ours('it is', value)).toBe(nodes('it is', value))
    expect(ours({ value })).toBe(nodes({ value }))
    expect(ours([value, value])).toBe(nodes([value, value]))
    expect(ours(new Map([[value, value]]))).toBe(nodes(new Map([[value, value]])))
  })

  it.each([
    '%s',
    '%d',
    '%i',
    '%f',
    '%j',
    '%O',
    '%c',
    '%%',
    '%x',
    '%',
    '100%',
    '%s%s',
    '%%s %s',
  ])('inserts by %j', (directive) => {
    const primitives = [undefined, null, true, 0, -0, 1.7, '42abc', '', '-0', 12n, Symbol('s'), 1e21]
    const objects = [
      { a: 1 },
      [1, [2]],
      new Told(),
      new Date(0),
      null,
      Object.create(null),
      () => {},
      new Point(),
      { a: { b: { c: {} } } },
    ]
    for (const value of [...primitives, ...objects]) {
      if (throws(`a ${directive} b`, value)) continue
      expect(ours(`a ${directive} b`, value, 'more'), String(typeof value)).toBe(
        nodes(`a ${directive} b`, value, 'more'),
      )
    }
    expect(ours(directive)).toBe(nodes(directive))
    expect(ours(directive, 'x')).toBe(nodes(directive, 'x'))
    expect(ours(`${directive} ${directive}`, 'x')).toBe(nodes(`${directive} ${directive}`, 'x'))
  })

  it('is the same for anything else', { timeout: 60_000 }, () => {
    const leaf = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.double(),
      fc.bigInt(),
      fc.boolean(),
      fc.constantFrom(null, undefined),
      fc.date(),
    )
    const value = fc.oneof(
      fc.object({
        key: fc.string(),
        values: [leaf],
        withMap: true,
        withSet: true,
        withNullPrototype: true,
        withSparseArray: true,
        withTypedArray: true,
        withBoxedValues: true,
      }),
      leaf,
    )
    const args = fc.oneof(
      fc.array(value),
      fc.tuple(fc.string({ unit: fc.constantFrom('%', 's', 'd', 'i', 'f', 'O', 'c', 'j', ' ') }), value, value),
    )
    fc.assert(
      fc.property(args, (args) => {
        fc.pre(!throws(...args))
        expect(ours(...args)).toBe(nodes(...args))
      }),
      { numRuns: 150, seed: seedFrom('CONSOLE_SEED') | 0 },
    )
  })
})
