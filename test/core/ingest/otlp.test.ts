import { describe, expect, it } from 'vitest'
import { createOtlpCollector, type OtlpBatch } from '../../../src/ingest/otlp.ts'
import { readOtlpJson } from '../../../src/ingest/otlp-json.ts'
import { readOtlpProtobuf } from '../../../src/ingest/otlp-protobuf.ts'
import type { LogEntry } from '../../../src/log.ts'
import { type Bytes, block, double, fixed32, fixed64, integer, tag, varint } from '../../support/protobuf.ts'

const NOW = Date.parse('2025-03-01T12:00:00.000Z')
const MAX_BODY = 1_000_000

/** 2026-01-02T03:04:05.678Z and 912,345 nanoseconds. */
const TIME = 1_767_323_045_678_912_345n

function protobuf(...fields: Bytes[]): OtlpBatch {
  const collector = createOtlpCollector(NOW, MAX_BODY)
  readOtlpProtobuf(Uint8Array.from(fields.flat()), collector)
  return collector.batch
}

function json(request: unknown, maxBody = MAX_BODY): OtlpBatch {
  const collector = createOtlpCollector(NOW, maxBody)
  const text = typeof request === 'string' ? request : JSON.stringify(request)
  readOtlpJson(new TextEncoder().encode(text), collector)
  return collector.batch
}

/** A request of one log record, without a resource or a scope. */
const logRecord = (...fields: Bytes[]): Bytes => block(1, block(2, block(2, fields.flat())))
const logRecords = (...records: unknown[]): unknown => ({ resourceLogs: [{ scopeLogs: [{ logRecords: records }] }] })

function only({ records, rejected, error }: OtlpBatch): LogEntry {
  expect({ rejected, error, records: records.length }).toEqual({ rejected: 0, error: undefined, records: 1 })
  return records[0]?.entry as LogEntry
}

/** The value of the attribute `a`. */
const ofProtobuf = (...value: Bytes[]): unknown =>
  only(protobuf(logRecord(block(6, block(1, 'a'), block(2, value.flat()))))).context.a
const ofJson = (value: unknown): unknown => only(json(logRecords({ attributes: [{ key: 'a', value }] }))).context.a

describe('a log record', () => {
  const entry = {
    ts: '2026-01-02T03:04:05.678Z',
    level: 'warn',
    message: 'it happened',
    context: {
      'http.status': 503,
      event_name: 'happening',
      trace_id: '5b8efff798038103d269b633813fc60c',
      span_id: 'eee19b7ec3c1b174',
      trace_flags: '01',
      dropped_attributes_count: 2,
      scope: { name: 'my.library', version: '1.2.3', attributes: { deep: true } },
      resource: { 'service.name': 'shop' },
    },
  }

  it('in protobuf is an entry with all that it came with', () => {
    // Field numbers: https://github.com/open-telemetry/opentelemetry-proto/tree/v1.7.0/opentelemetry/proto, in
    // collector/logs/v1/logs_service.proto, logs/v1/logs.proto, common/v1/common.proto and resource/v1/resource.proto.
    const record = [
      fixed64(1, TIME),
      integer(2, 13),
      block(3, 'WARN'),
      block(5, block(1, 'it happened')),
      block(6, block(1, 'http.status'), block(2, integer(3, 503))),
      integer(7, 2),
      fixed32(8, 0x0001_0001),
      block(9, [0x5b, 0x8e, 0xff, 0xf7, 0x98, 0x03, 0x81, 0x03, 0xd2, 0x69, 0xb6, 0x33, 0x81, 0x3f, 0xc6, 0x0c]),
      block(10, [0xee, 0xe1, 0x9b, 0x7e, 0xc3, 0xc1, 0xb1, 0x74]),
      fixed64(11, TIME + 1_000_000_000n),
      block(12, 'happening'),
    ]
    const scope = [block(1, 'my.library'), block(2, '1.2.3'), block(3, block(1, 'deep'), block(2, integer(2, 1)))]
    const resource = block(1, block(1, 'service.name'), block(2, block(1, 'shop')))
    const scopeLogs = [block(1, scope.flat()), block(2, record.flat()), block(3, 'https://schema')]
    const request = block(1, block(1, resource), block(2, scopeLogs.flat()), block(3, 'https://schema'))
    expect(only(protobuf(request))).toEqual(entry)
    // Fields may come in any order, and unknown ones of any kind among them.
    const unknown = [
      integer(99, -1),
      fixed64(98, 1n),
      block(97, 'x'),
      fixed32(96, 1),
      tag(95, 3),
      integer(1, 1),
      tag(95, 4),
    ]
    const mixed = (fields: Bytes[]): Bytes => [...unknown, ...fields.toReversed(), ...unknown].flat()
    const reversed = block(2, mixed([block(1, mixed(scope)), block(2, mixed(record)), block(3, 'https://schema')]))
    expect(only(protobuf(mixed([block(1, mixed([block(1, mixed([resource])), reversed]))])))).toEqual(entry)
  })

  it('in JSON is the same, whatever else it holds', () => {
    const request = {
      resourceLogs: [
        {
          resource: { attributes: [{ key: 'service.name', value: { stringValue: 'shop' } }], entityRefs: [{}] },
          scopeLogs: [
            {
              scope: {
                name: 'my.library',
                version: '1.2.3',
                attributes: [{ key: 'deep', value: { boolValue: true } }],
              },
              logRecords: [
                {
                  timeUnixNano: String(TIME),
                  observedTimeUnixNano: String(TIME + 1_000_000_000n),
                  severityNumber: 13,
                  severityText: 'WARN',
                  name: 'of an older version',
                  eventName: 'happening',
                  body: { stringValue: 'it happened' },
                  attributes: [{ key: 'http.status', value: { intValue: '503' } }],
                  droppedAttributesCount: 2,
                  flags: 1,
                  traceId: '5B8EFFF798038103D269B633813FC60C',
                  spanId: 'EEE19B7EC3C1B174',
                },
              ],
              schemaUrl: 'https://schema',
            },
          ],
        },
      ],
      unknown: null,
    }
    expect(only(json(request))).toEqual(entry)
    expect(only(json(`\ufeff ${JSON.stringify(request, undefined, 2)}\n`))).toEqual(entry)
  })

  it('that is empty is an entry of the time at which it came', () => {
    const empty = { ts: '2025-03-01T12:00:00.000Z', level: 'info', message: '', context: {} }
    expect(only(protobuf(logRecord()))).toEqual(empty)
    for (const record of [{}, { body: {} }, { body: null, attributes: null, traceId: null, severityNumber: null }]) {
      expect(only(json(logRecords(record)))).toEqual(empty)
    }
    const scopeless = { resourceLogs: [{ resource: null, scopeLogs: [{ scope: { name: '' }, logRecords: [{}] }] }] }
    expect(only(json(scopeless))).toEqual(empty)
    // Written though they are empty, as some encoders do.
    const zeros = [
      fixed64(1, 0n),
      integer(2, 0),
      block(3, ''),
      block(5, []),
      integer(7, 0),
      fixed32(8, 0),
      block(9, []),
    ]
    const scope = block(1, block(1, ''), block(2, ''))
    expect(only(protobuf(block(1, block(1, []), block(2, scope, block(2, zeros.flat())))))).toEqual(empty)
  })

  it('goes with its own resource and scope, in order', () => {
    const named = (name: string): Bytes => block(1, block(1, 'name'), block(2, block(1, name)))
    const said = (text: string): Bytes => block(2, block(5, block(1, text)))
    const { records } = protobuf(
      block(1, block(2, block(1, block(1, 'x')), said('1'), said('2')), block(2, said('3')), block(1, named('a'))),
      block(1, block(2, said('4'))),
      block(1, block(1, named('b')), block(2, said('5'), block(1, block(1, 'y')))),
    )
    expect(records.map(({ entry }) => [entry.message, entry.context])).toEqual([
      ['1', { resource: { name: 'a' }, scope: { name: 'x' } }],
      ['2', { resource: { name: 'a' }, scope: { name: 'x' } }],
      ['3', { resource: { name: 'a' } }],
      ['4', {}],
      ['5', { resource: { name: 'b' }, scope: { name: 'y' } }],
    ])
  })

  it('loses no attribute to a field of the same name, and no field', () => {
    const attributes = ['trace_id', 'span_id', 'scope', 'resource', 'body', 'level', 'event_name', '__proto__', 'same']
    const record = {
      attributes: attributes.map((key) => ({ key, value: { stringValue: 'mine' } })),
      traceId: 'aa',
      spanId: 'bb',
      eventName: 'mine',
      severityNumber: 9,
      severityText: 'Information',
      body: { arrayValue: {} },
    }
    const entry = only(json({ resourceLogs: [{ scopeLogs: [{ scope: { name: 'x' }, logRecords: [record] }] }] }))
    expect(JSON.parse(JSON.stringify(entry.context), (_, value) => value)).toEqual({
      ...Object.fromEntries(attributes.map((key) => [key, 'mine'])),
      'otel.trace_id': 'aa',
      'otel.span_id': 'bb',
      'otel.level': 'Information',
      'otel.scope': { name: 'x' },
      'otel.body': [],
    })
    expect(Object.hasOwn(entry.context, '__proto__')).toBe(true)
  })
})

describe('the level', () => {
  const levelOf = (record: object): unknown[] => {
    const { level, context } = only(json(logRecords(record)))
    return [level, context.level]
  }

  it('is that of the severity number: four to a level', () => {
    const names = ['trace', 'debug', 'info', 'warn', 'error', 'fatal']
    for (let severityNumber = 1; severityNumber <= 24; severityNumber++) {
      const level = names[Math.ceil(severityNumber / 4) - 1]
      expect(levelOf({ severityNumber })).toEqual([level, undefined])
      expect(only(protobuf(logRecord(integer(2, severityNumber)))).level).toBe(level)
    }
  })

  it.each([
    [{ severityText: 'Warning' }, 'warn', undefined],
    [{ severityNumber: 0, severityText: 'CRITICAL' }, 'fatal', undefined],
    [{ severityText: 'loud' }, 'info', 'loud'],
    [{ severityNumber: 17, severityText: 'error' }, 'error', undefined],
    [{ severityNumber: 17, severityText: 'loud' }, 'error', 'loud'],
    [{ severityNumber: 10, severityText: 'INFO2' }, 'info', 'INFO2'],
    [{ severityNumber: 17, severityText: 'debug' }, 'error', 'debug'],
    [{ severityNumber: 25 }, 'info', 25],
    [{ severityNumber: -1 }, 'info', -1],
    [{ severityNumber: 50, severityText: 'warn' }, 'warn', undefined],
    [{ severityNumber: 'SEVERITY_NUMBER_ERROR' }, 'error', undefined],
    [{ severityNumber: 'SEVERITY_NUMBER_FATAL4' }, 'fatal', undefined],
    [{ severityNumber: 'SEVERITY_NUMBER_UNSPECIFIED' }, 'info', undefined],
  ])('of %j is %s', (record, level, kept) => {
    expect(levelOf(record)).toEqual([level, kept])
  })

  it('of a negative number takes ten bytes in protobuf', () => {
    expect(only(protobuf(logRecord(integer(2, -1)))).context.level).toBe(-1)
  })
})

describe('the time', () => {
  const ts = (record: object): string => only(json(logRecords(record))).ts

  it('is when it happened, else when it was observed, else now', () => {
    const observed = { observedTimeUnixNano: '1700000000123999999' }
    expect(ts({ ...observed, timeUnixNano: String(TIME) })).toBe('2026-01-02T03:04:05.678Z')
    expect(ts({ ...observed, timeUnixNano: '0' })).toBe('2023-11-14T22:13:20.123Z')
    expect(ts(observed)).toBe('2023-11-14T22:13:20.123Z')
    expect(only(protobuf(logRecord(fixed64(11, 1_700_000_000_123_999_999n)))).ts).toBe('2023-11-14T22:13:20.123Z')
  })

  it('is exact from the first nanosecond to the last', () => {
    expect(ts({ timeUnixNano: '1' })).toBe('1970-01-01T00:00:00.000Z')
    expect(ts({ timeUnixNano: 5_000_000 })).toBe('1970-01-01T00:00:00.005Z')
    expect(ts({ timeUnixNano: '18446744073709551615' })).toBe('2554-07-21T23:34:33.709Z')
    expect(only(protobuf(logRecord(fixed64(1, 2n ** 64n - 1n)))).ts).toBe('2554-07-21T23:34:33.709Z')
  })

  it('as a number of JSON is right to the millisecond, although a double is not to the nanosecond', () => {
    for (let millisecond = 0; millisecond < 1000; millisecond++) {
      const time = 1_767_323_045_000 + millisecond
      expect(ts({ timeUnixNano: Number(BigInt(time) * 1_000_000n) })).toBe(new Date(time).toISOString())
    }
  })
})

describe('ids', () => {
  it('of zeros are none', () => {
    expect(only(protobuf(logRecord(block(9, Array(16).fill(0)), block(10, Array(8).fill(0))))).context).toEqual({})
    expect(only(json(logRecords({ traceId: '0'.repeat(32), spanId: '' }))).context).toEqual({})
  })
})

describe('a value', () => {
  it.each<[string, Bytes, unknown, unknown]>([
    ['text', block(1, 'é\u0000😀\ufeff'), { stringValue: 'é\u0000😀\ufeff' }, 'é\u0000😀\ufeff'],
    ['text that begins with U+FEFF', block(1, '\ufeffa'), { stringValue: '\ufeffa' }, '\ufeffa'],
    ['empty text', block(1, ''), { stringValue: '' }, ''],
    ['true', integer(2, 1), { boolValue: true }, true],
    ['false', integer(2, 0), { boolValue: false }, false],
    ['zero', integer(3, 0), { intValue: '0' }, 0],
    ['a negative integer', integer(3, -7), { intValue: -7 }, -7],
    ['2^53 - 1', integer(3, 2n ** 53n - 1n), { intValue: '9007199254740991' }, 9007199254740991],
    ['2^53', integer(3, 2n ** 53n), { intValue: '9007199254740992' }, '9007199254740992'],
    ['2^53 as a number', integer(3, 2n ** 53n), { intValue: 2 ** 53 }, '9007199254740992'],
    ['the largest', integer(3, 2n ** 63n - 1n), { intValue: '9223372036854775807' }, '9223372036854775807'],
    ['the smallest', integer(3, -(2n ** 63n)), { intValue: '-9223372036854775808' }, '-9223372036854775808'],
    ['a whole number beyond 64 bits', double(4, 1e300), { intValue: 1e300 }, 1e300],
    ['a double', double(4, -1.5), { doubleValue: -1.5 }, -1.5],
    ['a double as text', double(4, 2.5e-7), { doubleValue: '2.5e-7' }, 2.5e-7],
    ['no number', double(4, Number.NaN), { doubleValue: 'NaN' }, 'NaN'],
    ['infinity', double(4, Infinity), { doubleValue: 'Infinity' }, 'Infinity'],
    ['minus infinity', double(4, -Infinity), { doubleValue: '-Infinity' }, '-Infinity'],
    ['bytes', block(7, [0, 255, 254]), { bytesValue: 'AP/+' }, 'AP/+'],
    ['bytes in the alphabet of URLs', block(7, [255, 254]), { bytesValue: '__4' }, '//4='],
    ['no bytes', block(7, []), { bytesValue: '' }, ''],
    ['nothing', [], {}, null],
    ['null', [], null, null],
    ['an empty array', block(5, []), { arrayValue: {} }, []],
    ['an empty list', block(6, []), { kvlistValue: { values: null } }, {}],
    [
      'an array',
      block(5, block(1, block(1, 'a')), block(1, []), block(1, block(5, block(1, integer(3, 1))))),
      { arrayValue: { values: [{ stringValue: 'a' }, {}, { arrayValue: { values: [{ intValue: 1 }] } }] } },
      ['a', null, [1]],
    ],
    [
      'a list of keys and values, the last of a key being its value',
      block(
        6,
        block(1, block(2, block(1, 'no key'))),
        block(1, block(1, 'b')),
        block(1, block(1, 'b'), block(2, integer(2, 1))),
      ),
      {
        kvlistValue: {
          values: [{ value: { stringValue: 'no key' } }, { key: 'b' }, { key: 'b', value: { boolValue: true } }],
        },
      },
      { '': 'no key', b: true },
    ],
  ])('that is %s is kept', (_kind, bytes, value, expected) => {
    expect(ofProtobuf(bytes)).toEqual(expected)
    expect(ofJson(value)).toEqual(expected)
  })

  it.each<[string, Bytes, string, unknown]>([
    ['a number', integer(3, 5), '5', undefined],
    ['a large integer', integer(3, 2n ** 60n), '1152921504606846976', undefined],
    ['a truth', integer(2, 0), 'false', undefined],
    ['bytes', block(7, [1, 2, 3]), 'AQID', undefined],
    ['an array', block(5, block(1, block(1, 'a'))), '["a"]', ['a']],
    ['a list', block(6, block(1, block(1, 'k'), block(2, double(4, 0.5)))), '{"k":0.5}', { k: 0.5 }],
  ])('that is %s as the body becomes the message', (_kind, bytes, message, body) => {
    const entry = only(protobuf(logRecord(block(5, bytes))))
    expect([entry.message, entry.context.body]).toEqual([message, body])
  })

  it('keeps what is around invalid UTF-8', () => {
    expect(ofProtobuf(block(1, [0x61, 0xff, 0xed, 0xa0, 0x80, 0x62]))).toBe('a\ufffd\ufffd\ufffd\ufffdb')
  })

  it('may be nested as deep as an entry, and is refused with its log record when it is deeper', () => {
    const nestedBytes = (levels: number): Bytes => (levels === 0 ? [] : block(5, block(1, nestedBytes(levels - 1))))
    const nestedJson = (levels: number): unknown =>
      levels === 0 ? {} : { arrayValue: { values: [nestedJson(levels - 1)] } }
    const keyed = (value: Bytes): Bytes => block(2, block(6, block(1, 'a'), block(2, value)), integer(2, 17))
    for (const [levels, taken] of [
      [63, 2],
      [64, 1],
      [200, 1],
      [10_000, 1],
    ] as const) {
      const results = [
        ...(levels > 200 ? [] : [protobuf(block(1, block(2, keyed(nestedBytes(levels)), keyed(block(1, 'x')))))]),
        ...(levels > 200 ? [] : [json(logRecords({ attributes: [{ key: 'a', value: nestedJson(levels) }] }, {}))]),
        json(
          `{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"body":${'{"arrayValue":{"values":['.repeat(levels)}${']}}'.repeat(levels)}},{}]}]}]}`,
        ),
      ]
      for (const { records, rejected, error } of results) {
        expect([records.length, rejected]).toEqual([taken, 2 - taken])
        if (taken === 1) expect(error).toMatch(/^Log record 1: .* is nested deeper than 64 levels\.$/)
      }
    }
  })
})

describe('protobuf that is none', () => {
  it.each<[string, Bytes]>([
    ['JSON', [...new TextEncoder().encode('{"resourceLogs":[]}')]],
    ['a field of number zero', [0x00, 0x01]],
    ['a length beyond the end', [0x0a, 0x05, 0x12]],
    ['a length of 4 GiB', [0x0a, 0xff, 0xff, 0xff, 0xff, 0x0f]],
    ['a length of 64 bits', [0x0a, ...varint(-1)]],
    ['a varint without end', [0x08, ...Array(11).fill(0x80)]],
    ['a group that never ends', [0x0b]],
    ['the end of no group', [0x0c]],
    ['groups without end', Array(5000).fill(0x0b)],
    ['the wrong wire type', integer(1, 5)],
    ['a record that ends beyond its scope', block(1, [0x12, 0x02, 0x12, 0x05])],
    // Both are whole with the bytes of the message that follows.
    ['a text that ends beyond its record', block(1, block(2, [...tag(2, 2), 2, ...tag(3, 2), 3]), block(3, 'abc'))],
    ['a scope that ends beyond its resource', [...block(1, [0x12, 0x04]), ...block(1, block(2, []))]],
    ['a time of four bytes', logRecord(fixed32(1, 5))],
    ['a time that is cut', logRecord([...tag(1, 1), 1, 2, 3])],
    ['a severity as text', logRecord(block(2, 'INFO'))],
    ['an id as a number', logRecord(integer(9, 5))],
    ['an integer of eleven bytes', logRecord(block(5, [...tag(3, 0), ...Array(10).fill(0xff), 1]))],
    ['a resource as a number', block(1, integer(1, 5))],
  ])('is refused: %s', (_kind, bytes) => {
    expect(() => protobuf(bytes)).toThrow(expect.objectContaining({ code: 'invalid_body' }))
  })

  it('is refused where a body is cut, unless a whole message is left', () => {
    const value = block(6, block(1, block(1, 'k'), block(2, double(4, 0.5))))
    const group = block(1, block(2, block(2, fixed64(1, TIME), block(5, value), fixed32(8, 1))))
    const body = [...group, ...group]
    for (let length = 1; length < body.length; length++) {
      if (length === group.length) expect(protobuf(body.slice(0, length)).records.length).toBe(1)
      else expect(() => protobuf(body.slice(0, length)), String(length)).toThrow('not an ExportLogsServiceRequest')
    }
  })

  it('is not read further than the nesting of an entry', () => {
    let bytes: Bytes = []
    for (let level = 0; level < 1000; level++) bytes = block(5, block(1, bytes))
    const { rejected, error } = protobuf(logRecord(block(5, bytes)))
    expect([rejected, error]).toEqual([1, 'Log record 1: A value is nested deeper than 64 levels.'])
    expect(() => protobuf(block(1, block(1, block(1, block(2, bytes)))))).toThrow('nested deeper than 64')
  })
})

describe('JSON that is none', () => {
  it.each(['{', '[]', 'null', '7', '"text"', '{"resourceLogs":[]}x'])('is refused: %s', (body) => {
    expect(() => json(body)).toThrow(expect.objectContaining({ code: 'invalid_body' }))
  })

  it.each([
    { resourceLogs: {} },
    { resourceLogs: [null] },
    { resourceLogs: [{ resource: [] }] },
    { resourceLogs: [{ resource: { attributes: { a: 1 } } }] },
    { resourceLogs: [{ scopeLogs: 'x' }] },
    { resourceLogs: [{ scopeLogs: [{ scope: { name: 5 } }] }] },
    { resourceLogs: [{ scopeLogs: [{ logRecords: {} }] }] },
  ])('outside of a log record is refused whole: %j', (body) => {
    expect(() => json(body)).toThrow(expect.objectContaining({ status: 400 }))
  })

  it.each([
    [null, 'A log record is an object.'],
    [{ body: 'text' }, 'A value such as {"stringValue":"text"} is an object.'],
    [{ body: { stringValue: 5 } }, 'stringValue is a string.'],
    [{ body: { boolValue: 'true' } }, 'boolValue is true or false.'],
    [{ body: { intValue: '1.5' } }, 'intValue is a 64-bit integer.'],
    [{ body: { intValue: 1.5 } }, 'intValue is a 64-bit integer.'],
    [{ body: { intValue: '9'.repeat(100_000) } }, 'intValue is a 64-bit integer.'],
    [{ body: { doubleValue: 'many' } }, 'doubleValue is a number.'],
    [{ body: { bytesValue: '&' } }, 'bytesValue is base64.'],
    [{ body: { arrayValue: { values: [null] } } }, 'A value such as {"stringValue":"text"} is an object.'],
    [{ body: { kvlistValue: [] } }, 'kvlistValue is an object.'],
    [{ attributes: { key: 'a' } }, 'A list of attributes is an array.'],
    [{ attributes: [{ key: 7 }] }, 'key is a string.'],
    [{ traceId: 'xyz' }, 'traceId is hexadecimal.'],
    [{ traceId: 'abc' }, 'traceId is hexadecimal.'],
    [{ spanId: 5 }, 'spanId is a string.'],
    [{ timeUnixNano: 'yesterday' }, 'timeUnixNano is a 64-bit integer.'],
    [{ timeUnixNano: '-1' }, 'timeUnixNano is nanoseconds since 1970.'],
    [{ timeUnixNano: '18446744073709551616' }, 'timeUnixNano is nanoseconds since 1970.'],
    [{ observedTimeUnixNano: 1e30 }, 'observedTimeUnixNano is nanoseconds since 1970.'],
    [{ severityNumber: 'INFO' }, 'severityNumber is a number from 1 to 24.'],
    [{ flags: -1 }, 'flags is a 32-bit integer.'],
  ])('in a log record refuses that one alone: %j', (record, why) => {
    const { records, rejected, error } = json(logRecords({ severityNumber: 1 }, record, { severityNumber: 21 }, record))
    expect(records.map(({ entry }) => entry.level)).toEqual(['trace', 'fatal'])
    expect([rejected, error]).toEqual([2, `Log record 2: ${why}`])
  })

  it('that has another name for resourceLogs is taken, as OTLP wants, but not without a word', () => {
    for (const body of [{ resource_logs: [] }, { message: 'of POST /logs' }]) {
      const { records, rejected, error } = json(body)
      expect([records.length, rejected]).toEqual([0, 0])
      expect(error).toContain('no resourceLogs')
    }
  })
})

describe('a request', () => {
  it('may be empty, in all of its parts', () => {
    const nothing = { records: [], rejected: 0, error: undefined }
    for (const bytes of [[], block(1, []), block(1, block(2, [])), block(1, block(1, []), block(2, block(1, [])))]) {
      expect(protobuf(bytes)).toEqual(nothing)
    }
    for (const body of ['', ' \n', '{}', '{"resourceLogs":[]}', '{"resourceLogs":null}', '{"resourceLogs":[{}]}']) {
      expect(json(body)).toEqual(nothing)
    }
  })

  it('cannot grow without bound by what its log records share', () => {
    const maxBody = 100_000
    const resource = { attributes: [{ key: 'a', value: { stringValue: 'x'.repeat(maxBody / 2) } }] }
    const count = maxBody / 10
    const body = { resourceLogs: [{ resource, scopeLogs: [{ logRecords: Array(count).fill({}) }] }] }
    const { records, rejected, error } = json(body, maxBody)
    // Thirty-two times the body, of which each takes a little more than half.
    expect(records.length).toBe(63)
    expect(rejected).toBe(count - 63)
    expect(error).toContain(`take at most ${maxBody * 32} bytes. Send fewer.`)
  })

  it('of usual log records is taken whole', () => {
    const resource = {
      attributes: Array.from({ length: 20 }, (_, at) => ({
        key: `resource.attribute.${at}`,
        value: { stringValue: 'of usual length' },
      })),
    }
    const record = { timeUnixNano: String(TIME), severityNumber: 9, body: { stringValue: 'GET /index.html' } }
    const body = { resourceLogs: [{ resource, scopeLogs: [{ logRecords: Array(10_000).fill(record) }] }] }
    expect(JSON.stringify(body).length).toBeLessThan(1024 * 1024)
    const { records, rejected } = json(body, 1024 * 1024)
    expect([records.length, rejected]).toEqual([10_000, 0])
  })
})
