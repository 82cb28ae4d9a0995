/** OTLP that no decent sender sends: good bodies with a part of them made bad by chance, and what was never one. */
import { type Bytes, block, double, fixed32, fixed64, integer, tag, varint } from './protobuf.ts'
import type { Random } from './random.ts'

/** A body and its media type. */
export interface HostileOtlp {
  readonly name: string
  readonly type: 'application/json' | 'application/x-protobuf'
  readonly bytes: Uint8Array<ArrayBuffer>
}

const utf8 = new TextEncoder()

const TEXTS = [
  '',
  'a',
  'service.name',
  '__proto__',
  'toJSON',
  'é😀\u2028',
  '\ufeff',
  '\u0000\u001b[2J',
  'data: x\n\nid: 1\n\n',
]

/** In place of any JSON value. */
const ODD_JSON = [
  ...[
    'null',
    'true',
    '{}',
    '[]',
    '""',
    '-1',
    '1.5',
    '1e400',
    '-0',
    '9007199254740993',
    '"18446744073709551616"',
    '"-1"',
  ],
  ...[
    '"NaN"',
    '"Infinity"',
    '"0x10"',
    '"\\ud800"',
    '"__proto__"',
    '{"__proto__":1}',
    '[[]]',
    '[null]',
    '[{}]',
    '"5B8EFF"',
  ],
  ...['{"stringValue":1}', '{"intValue":"x"}', '{"arrayValue":{"values":[null]}}', '{"kvlistValue":{"values":{}}}'],
  `"${'9'.repeat(300)}"`,
]

/** A good request in protobuf. */
function goodProtobuf(random: Random): Bytes {
  const text = (field: number): Bytes => block(field, random.pick(TEXTS))
  const value = (depth: number): Bytes =>
    random.pick<() => Bytes>([
      () => text(1),
      () => integer(2, random.int(0, 1)),
      () => integer(3, BigInt(random.int(-5, 5)) * 2n ** BigInt(random.int(0, 60))),
      () => double(4, random.pick([0.5, Number.NaN, -Infinity, 1e300])),
      () => (depth > 3 ? [] : block(5, ...many(() => block(1, value(depth + 1))))),
      () => (depth > 3 ? [] : block(6, ...many(() => block(1, keyValue(depth + 1))))),
      () => block(7, [...random.bytes(random.int(0, 9))]),
    ])()
  const keyValue = (depth: number): Bytes => [...text(1), ...block(2, value(depth))]
  const many = (make: () => Bytes): [Bytes, ...Bytes[]] => [[], ...Array.from({ length: random.int(0, 3) }, make)]
  const logRecord = (): Bytes =>
    [
      fixed64(1, BigInt(random.int(0, 2e9)) * 1_000_000_000n),
      integer(2, random.int(-1, 30)),
      text(3),
      block(5, value(0)),
      ...many(() => block(6, keyValue(0))),
      integer(7, random.int(0, 3)),
      fixed32(8, random.int(0, 300)),
      block(9, [...random.bytes(16)]),
      block(10, [...random.bytes(8)]),
      text(12),
    ].flat()
  const scopeLogs = (): Bytes => block(2, block(1, text(1), text(2)), ...many(() => block(2, logRecord())))
  return block(1, block(1, ...many(() => block(1, keyValue(0)))), ...many(scopeLogs), block(2, block(2, logRecord())))
}

/** A good request in JSON. */
function goodJson(random: Random): string {
  const text = (): string => random.pick(TEXTS)
  const value = (depth: number): unknown =>
    random.pick<() => unknown>([
      () => ({ stringValue: text() }),
      () => ({ boolValue: random.chance(0.5) }),
      () => ({ intValue: random.chance(0.5) ? random.int(-9, 9) : String(2n ** BigInt(random.int(0, 62))) }),
      () => ({ doubleValue: random.pick([0.5, 'NaN', '-Infinity', 1e300]) }),
      () => ({ arrayValue: { values: depth > 3 ? [] : many(() => value(depth + 1)) } }),
      () => ({ kvlistValue: { values: depth > 3 ? [] : many(() => keyValue(depth + 1)) } }),
      () => ({ bytesValue: 'AAEC' }),
    ])()
  const keyValue = (depth: number): unknown => ({ key: text(), value: value(depth) })
  const many = (make: () => unknown): unknown[] => Array.from({ length: random.int(0, 3) }, make)
  const logRecord = (): unknown => ({
    timeUnixNano: `${random.int(0, 2e9)}000000000`,
    severityNumber: random.int(-1, 30),
    severityText: text(),
    body: value(0),
    attributes: many(() => keyValue(0)),
    flags: random.int(0, 300),
    traceId: '5b8efff798038103d269b633813fc60c',
    spanId: 'EEE19B7EC3C1B174',
  })
  const scopeLogs = (): unknown => ({ scope: { name: text(), version: text() }, logRecords: many(logRecord) })
  const resourceLogs = {
    resource: { attributes: many(() => keyValue(0)) },
    scopeLogs: [...many(scopeLogs), scopeLogs()],
  }
  return JSON.stringify({ resourceLogs: [resourceLogs] })
}

/** Puts odd values in place of some, whole objects and arrays included. */
function withOddValues(random: Random, good: string): string {
  const spoil = (of: unknown): unknown => {
    // Odd values are no JSON values of their own, so that they are put in when all is text.
    if (random.chance(0.04)) return 'ODD'
    if (Array.isArray(of)) return of.map(spoil)
    if (typeof of !== 'object' || of === null) return of
    return Object.fromEntries(Object.entries(of).map(([key, value]) => [key, spoil(value)]))
  }
  return JSON.stringify(spoil(JSON.parse(good))).replaceAll('"ODD"', () => random.pick(ODD_JSON))
}

/** Makes a part of the bytes bad. */
const SPOILERS: Record<string, (random: Random, bytes: Uint8Array) => readonly number[] | Uint8Array> = {
  nothing: (_random, bytes) => bytes,
  'flipped bits': (random, bytes) => {
    const spoiled = bytes.slice()
    for (let flips = random.int(1, 4); flips > 0; flips--) {
      const at = random.int(0, spoiled.length - 1)
      spoiled[at] = (spoiled[at] as number) ^ (1 << random.int(0, 7))
    }
    return spoiled
  },
  'a cut': (random, bytes) => bytes.slice(0, random.int(0, bytes.length)),
  'a missing part': (random, bytes) => {
    const at = random.int(0, bytes.length)
    return [...bytes.slice(0, at), ...bytes.slice(at + random.int(1, 20))]
  },
  'noise within': (random, bytes) => {
    const at = random.int(0, bytes.length)
    return [...bytes.slice(0, at), ...random.bytes(random.int(1, 20)), ...bytes.slice(at)]
  },
  'a part twice': (random, bytes) => {
    const at = random.int(0, bytes.length)
    return [...bytes, ...bytes.slice(at, at + random.int(1, 200))]
  },
  'a huge length within': (random, bytes) => {
    const at = random.int(0, bytes.length)
    const huge = [
      ...tag(random.int(1, 12), 2),
      ...varint(random.pick([2 ** 31, 2 ** 32 - 1, 2 ** 40, -1, bytes.length])),
    ]
    return [...bytes.slice(0, at), ...huge, ...bytes.slice(at)]
  },
}

/** Bodies that need no good one. */
const MAKERS: Record<string, (random: Random) => Omit<HostileOtlp, 'name'>> = {
  noise: (random) => ({
    type: random.pick(['application/json', 'application/x-protobuf']),
    bytes: random.bytes(random.int(0, 500)),
  }),
  'odd values': (random) => ({
    type: 'application/json',
    bytes: json(withOddValues(random, goodJson(random))),
  }),
  'other names': (random) => ({
    type: 'application/json',
    bytes: json(
      goodJson(random).replace(/"(\w+)":/g, (whole) =>
        random.chance(0.05) ? `"${random.pick(['resource_logs', '__proto__', 'stringValue', 'values', ''])}":` : whole,
      ),
    ),
  }),
  'nesting in JSON': (random) => {
    const depth = random.pick([60, 63, 64, 65, 66, 1000, 10_000])
    const value = `${'{"arrayValue":{"values":['.repeat(depth)}${']}}'.repeat(depth)}`
    return {
      type: 'application/json',
      bytes: json(
        random.pick([
          `{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"body":${value}},{}]}]}]}`,
          `{"resourceLogs":[{"resource":{"attributes":[{"key":"a","value":${value}}]}}]}`,
          `{"unknown":${'['.repeat(depth)}${']'.repeat(depth)}}`,
        ]),
      ),
    }
  },
  'nesting in protobuf': (random) => {
    let bytes: Bytes = []
    for (let depth = random.pick([60, 63, 64, 65, 66, 300]); depth > 0; depth--) {
      bytes = random.chance(0.5) ? block(5, block(1, bytes)) : block(6, block(1, block(2, bytes)))
    }
    return {
      type: 'application/x-protobuf',
      bytes: Uint8Array.from(block(1, block(2, block(2, block(random.int(1, 12), bytes)), block(2, [])))),
    }
  },
  'many of nothing': (random) => {
    const count = random.int(1, 1000)
    return random.chance(0.5)
      ? {
          type: 'application/x-protobuf',
          bytes: Uint8Array.from(block(1, block(2, Array(count).fill([0x12, 0]).flat()))),
        }
      : {
          type: 'application/json',
          bytes: json(`{"resourceLogs":[{"scopeLogs":[{"logRecords":[${'{},'.repeat(count)}7]}]}]}`),
        }
  },
  'a resource that is repeated': (random) => {
    const resource = block(1, block(1, block(1, 'a'), block(2, block(1, 'x'.repeat(random.int(1000, 20_000))))))
    return {
      type: 'application/x-protobuf',
      bytes: Uint8Array.from(block(1, resource, block(2, Array(random.int(1, 400)).fill([0x12, 0]).flat()))),
    }
  },
}

const NAMES = [...Object.keys(SPOILERS).flatMap((name) => [name, name, name]), ...Object.keys(MAKERS)]

/** Makes a body. */
export function hostileOtlp(random: Random): HostileOtlp {
  const name = random.pick(NAMES)
  const make = MAKERS[name]
  if (make !== undefined) return { name, ...make(random) }
  const isProtobuf = random.chance(0.6)
  const good = isProtobuf ? Uint8Array.from(goodProtobuf(random)) : json(goodJson(random))
  const spoiled = Uint8Array.from((SPOILERS[name] as (typeof SPOILERS)[string])(random, good))
  return { name, type: isProtobuf ? 'application/x-protobuf' : 'application/json', bytes: spoiled }
}

function json(text: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(utf8.encode(text))
}
