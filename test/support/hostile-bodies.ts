/** Bodies that no decent client sends. Entries that may be taken carry a mark, so that they are known again in the stream. */
import { deflateSync, gzipSync } from 'node:zlib'
import type { Random } from './random.ts'

/** A body and how it is labelled. */
export interface HostileBody {
  readonly name: string
  readonly bytes: Uint8Array
  readonly type?: string
  readonly encoding?: string
}

const NDJSON = 'application/x-ndjson'
const utf8 = new TextEncoder()

/** Ten megabytes that travel as ten kilobytes. */
let bomb: Uint8Array | undefined
const gzipBomb = (): Uint8Array => (bomb ??= gzipSync(Buffer.alloc(10_000_000, 0x20)))

/** Values where something else is expected: for times, levels, messages and contexts. */
const ODD_VALUES = [
  ...['null', 'true', '-0', '1e400', '-1e400', '1e-400', '0.1e1', '123456789012345678901234567890', '9007199254740993'],
  ...[
    '[]',
    '{}',
    '""',
    '" "',
    '"\\u0000"',
    '"\\ud800"',
    '"\\udfff\\ud800"',
    '"NaN"',
    '"1e999"',
    '"__proto__"',
    '[[[]]]',
  ],
  ...[
    '"2026-13-45T99:99:99Z"',
    '"+275760-09-13T00:00:00Z"',
    '"0000-00-00"',
    '-62135596800001',
    '8.64e15',
    '"constructor"',
  ],
  ...[
    '{"toJSON":1}',
    '{"length":1e9}',
    '"data: x\\n\\nevent: gap\\ndata: {}\\nid: a-9\\n\\n"',
    '"\\r\\rid: 1\\r\\n\\r\\n"',
  ],
  ...[
    '"\\u2028\\u2029\\u0085"',
    '"\\u001b[2J\\u001b]0;x\\u0007"',
    '"\\ufeff"',
    '"\\ud83d\\ude00"',
    '"</script><img src=x>"',
  ],
]

const FIELDS = [
  ...[
    'ts',
    'time',
    'timestamp',
    '@timestamp',
    'level',
    'severity',
    'log.level',
    'log',
    'msg',
    'err',
    'stack',
    'context',
  ],
  ...['__proto__', 'constructor', 'prototype', 'toString', 'hasOwnProperty', 'toJSON', 'truncated', '', 'id', 'value'],
]

/** One entry, marked, with odd members; also with members named twice, and keys of the prototype. */
function oddEntry(random: Random, mark: string): string {
  const members = Array.from({ length: random.int(0, 6) }, () => {
    const value = random.pick(ODD_VALUES)
    return `${JSON.stringify(random.pick(FIELDS))}:${random.chance(0.2) ? `{"${random.pick(FIELDS)}":${value}}` : value}`
  })
  // A duplicate `message` after the mark would take its place; the mark is always the last.
  if (random.chance(0.2)) members.unshift(`"message":${random.pick(ODD_VALUES)}`)
  return `{${[...members, `"message":"${mark}"`].join()}}`
}

type Make = (random: Random, mark: (index: number) => string, maxBody: number) => Omit<HostileBody, 'name'> | string

const BODIES: Record<string, Make> = {
  'odd entry': (random, mark) => oddEntry(random, mark(0)),
  'array of odd entries': (random, mark) =>
    `[${Array.from({ length: random.int(1, 8) }, (_, index) => (random.chance(0.3) ? random.pick(['null', '7', '"x"', '[]', 'true']) : oddEntry(random, mark(index)))).join()}]`,
  'mixed lines': (random, mark) => ({
    type: random.pick([NDJSON, 'application/jsonl', 'APPLICATION/NDJSON;charset=x']),
    bytes: utf8.encode(
      Array.from({ length: random.int(1, 20) }, (_, index) =>
        random.chance(0.5)
          ? oddEntry(random, mark(index))
          : random.pick(['', ' ', '{', '}', '[]', 'null', '\u0000', '{}x', '\ufeff', ',']),
      ).join(random.pick(['\n', '\r\n', '\n\n', '\r'])),
    ),
  }),
  'cut JSON': (random, mark) => {
    const whole = oddEntry(random, mark(0))
    return whole.slice(0, random.int(0, whole.length - 1))
  },
  'deep objects': (random, mark) => {
    const depth = random.pick([62, 63, 64, 65, 200, 5000, 15_000])
    return `{"message":"${mark(0)}","context":${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}}`
  },
  'deep arrays': (random) => '['.repeat(random.int(1, 90_000)),
  'deep message': (random, mark) => {
    const depth = random.int(60, 10_000)
    return `{"msg":"${mark(0)}","message":${'['.repeat(depth)}${']'.repeat(depth)}}`
  },
  'broken UTF-8': (random, mark) => ({
    bytes: Buffer.concat([
      utf8.encode(`{"message":"${mark(0)}","context":{"x":"`),
      random.pick([
        Uint8Array.of(0xff, 0xfe),
        Uint8Array.of(0xed, 0xa0, 0x80),
        Uint8Array.of(0xc0, 0x80),
        Uint8Array.of(0xf4, 0x90, 0x80, 0x80),
        Uint8Array.of(0xe2, 0x82),
        random.bytes(20).map((byte) => byte | 0x80),
      ]),
      utf8.encode('"}}'),
    ]),
  }),
  'NUL inside': (_random, mark) => `{"message":"${mark(0)}\u0000"}`,
  'byte order mark': (random, mark) => ({
    type: random.pick(['application/json', NDJSON]),
    bytes: utf8.encode(`${'\ufeff'.repeat(random.int(1, 2))}{"message":"${mark(0)}"}`),
  }),
  'UTF-16': (_random, mark) => ({ bytes: Buffer.from(`{"message":"${mark(0)}"}`, 'utf16le') }),
  noise: (random) => ({ type: random.pick(['application/json', NDJSON]), bytes: random.bytes(random.int(0, 2000)) }),
  'no body': () => '',
  'no JSON': (random) =>
    random.pick([' ', '\n\n', '"text"', 'undefined', 'NaN', "{'a':1}", '{"a":1,}', '{}{}', '[', '[]', '7', '<xml/>']),
  'large message': (random, mark) =>
    `{"message":"${mark(0)}${random.pick(['x', 'é', '\ud83d\ude00', '\\ud800']).repeat(random.int(8000, 12_000))}"}`,
  'large context': (random, mark) =>
    `{"message":"${mark(0)}",${Array.from({ length: random.int(2000, 5000) }, (_, index) => `"k${index}":"__proto__"`).join()}}`,
  'over the limit': (random, mark, maxBody) => ({
    type: NDJSON,
    bytes: utf8.encode(`{"message":"${mark(0)}"}\n`.repeat(Math.ceil((maxBody + random.int(0, 50_000)) / 20))),
  }),
  'gzip bomb': () => ({ encoding: 'gzip', bytes: gzipBomb() }),
  'bomb in a bomb': () => ({ encoding: 'gzip', bytes: gzipSync(gzipBomb()) }),
  'cut gzip': (random, mark) => {
    const zipped = gzipSync(oddEntry(random, mark(0)))
    return { encoding: 'gzip', bytes: zipped.subarray(0, random.int(0, zipped.length - 1)) }
  },
  'two gzip members': (random, mark) => ({
    type: NDJSON,
    encoding: 'gzip',
    bytes: Buffer.concat([gzipSync(`{"message":"${mark(0)}"}\n`), gzipSync(oddEntry(random, mark(1)))]),
  }),
  'noise after gzip': (random, mark) => ({
    encoding: 'gzip',
    bytes: Buffer.concat([gzipSync(oddEntry(random, mark(0))), random.bytes(random.int(1, 50))]),
  }),
  'damaged gzip': (random, mark) => {
    const zipped = gzipSync(oddEntry(random, mark(0)))
    const at = random.int(0, zipped.length - 1)
    zipped[at] = (zipped[at] as number) ^ (1 << random.int(0, 7))
    return { encoding: 'gzip', bytes: zipped }
  },
  'another encoding': (random, mark) => ({
    encoding: random.pick(['deflate', 'br', 'gzip, gzip', 'identity, gzip', 'x-gzip', 'GZIP', '', ',', 'chunked', '*']),
    bytes: random.pick([deflateSync, gzipSync])(oddEntry(random, mark(0))),
  }),
  'another type': (random, mark) => ({
    type: random.pick([
      ...[
        '',
        'json',
        'text/plain',
        'application/json/x',
        ';',
        'application/json;;;',
        '__proto__',
        'toString',
        '*/*',
        'é',
      ],
      ...[
        'multipart/form-data; boundary=x',
        `application/json; ${'a=b;'.repeat(1500)}`,
        'application/json,application/json',
      ],
    ]),
    bytes: utf8.encode(oddEntry(random, mark(0))),
  }),
}

const NAMES = Object.keys(BODIES)

/** Makes a body. `mark(index)` is the message of its entry at that place. */
export function hostileBody(random: Random, mark: (index: number) => string, maxBody: number): HostileBody {
  const name = random.pick(NAMES)
  const made = (BODIES[name] as Make)(random, mark, maxBody)
  return typeof made === 'string' ? { name, bytes: utf8.encode(made) } : { name, ...made }
}

/** What is no OTLP: not one record can be read from it. */
export function hostileOtlpBody(random: Random): HostileBody {
  return random.chance(0.5)
    ? {
        name: 'OTLP JSON',
        bytes: utf8.encode(random.pick(['{', '[]', 'null', '{"resourceLogs":7}', '{"resourceLogs":[null]}', ''])),
      }
    : // A group that never ends, a length beyond the end, a field of number 0.
      {
        name: 'OTLP protobuf',
        type: 'application/x-protobuf',
        bytes: Uint8Array.of(...random.pick([[0x0b], [0x0a, 0xff, 0xff, 0x03], [0x00], [0x0f]]), ...random.bytes(30)),
      }
}
