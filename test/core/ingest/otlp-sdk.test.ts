/** What OpenTelemetry's own serialisers write is read as it was meant, and the same in both encodings. */
import { JsonLogsSerializer, ProtobufLogsSerializer } from '@opentelemetry/otlp-transformer'
import { resourceFromAttributes } from '@opentelemetry/resources'
import type { ReadableLogRecord } from '@opentelemetry/sdk-logs'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { createOtlpCollector, type OtlpBatch, type OtlpCollector } from '../../../src/ingest/otlp.ts'
import { readOtlpJson } from '../../../src/ingest/otlp-json.ts'
import { readOtlpProtobuf } from '../../../src/ingest/otlp-protobuf.ts'
import type { LogEntry } from '../../../src/log.ts'

type Value = NonNullable<ReadableLogRecord['body']>

const text = fc.string({ unit: 'grapheme' })
const { value } = fc.letrec<{ value: Value }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    text,
    fc.boolean(),
    fc.maxSafeInteger(),
    fc.constantFrom(2 ** 53, -(2 ** 60), 2 ** 63, 1e300),
    // JSON has no word for the others, and the serialiser writes null.
    fc.double({ noNaN: true, noDefaultInfinity: true }),
    fc.uint8Array({ maxLength: 20 }),
    fc.array(tie('value'), { maxLength: 4 }),
    fc.dictionary(text, tie('value'), { maxKeys: 4 }),
  ),
}))
const attributes = fc.dictionary(text, value, { maxKeys: 5 })
const hrTime = fc.tuple(fc.integer({ min: 0, max: 4e9 }), fc.integer({ min: 0, max: 999_999_999 }))
const hex = (length: number): fc.Arbitrary<string> =>
  fc.string({ unit: fc.constantFrom(...'0123456789abcdef'), minLength: length, maxLength: length })

/** Groups of log records, as the SDK hands them to an exporter. */
const logRecords = fc
  .array(
    fc.record({
      resource: attributes.map((of) => resourceFromAttributes(of as never)),
      instrumentationScope: fc.record({ name: text, version: text, attributes }),
      logs: fc.array(
        fc.record(
          {
            hrTime,
            hrTimeObserved: hrTime,
            attributes,
            droppedAttributesCount: fc.nat(5),
            severityNumber: fc.integer({ min: 0, max: 24 }),
            severityText: fc.constantFrom('', 'INFO', 'Warning', 'loud'),
            body: value,
            eventName: text,
            spanContext: fc.record({ traceId: hex(32), spanId: hex(16), traceFlags: fc.constantFrom(0, 1) }),
          },
          { requiredKeys: ['hrTime', 'hrTimeObserved', 'attributes', 'droppedAttributesCount'] },
        ),
        { maxLength: 4 },
      ),
    }),
    { maxLength: 3 },
  )
  .map((groups) =>
    groups.flatMap(({ logs, ...group }) => logs.map((log) => ({ ...group, ...log }) as ReadableLogRecord)),
  )

function read(
  logs: ReadableLogRecord[],
  { serializeRequest }: { serializeRequest(logs: ReadableLogRecord[]): Uint8Array | undefined },
  readBody: (bytes: Uint8Array, collector: OtlpCollector) => void,
): OtlpBatch {
  const collector = createOtlpCollector(0, 1_000_000)
  readBody(serializeRequest(logs) as Uint8Array, collector)
  return collector.batch
}

/** A value as it stands in an entry. */
function asJson(of: unknown): unknown {
  if (of instanceof Uint8Array) return btoa(String.fromCharCode(...of))
  if (typeof of === 'number' && Number.isInteger(of) && !Number.isSafeInteger(of) && Math.abs(of) < 2 ** 63) {
    return BigInt(of).toString()
  }
  if (Array.isArray(of)) return of.map(asJson)
  if (typeof of !== 'object' || of === null) return of
  return Object.fromEntries(Object.entries(of).map(([key, inner]) => [key, asJson(inner)]))
}

function faultsOf({ ts, message, context }: LogEntry, log: ReadableLogRecord): unknown[] {
  const faults: unknown[] = []
  const [seconds, nanoseconds] = log.hrTime[0] + log.hrTime[1] > 0 ? log.hrTime : log.hrTimeObserved
  const time = new Date(seconds * 1000 + Math.floor(nanoseconds / 1e6)).toISOString()
  if (ts !== time) faults.push([ts, time])
  const body = asJson(log.body ?? '')
  const said = typeof body === 'string' ? body : JSON.stringify(body)
  if (message !== said) faults.push([message, said])
  for (const [key, of] of Object.entries(log.attributes)) {
    const expected = JSON.stringify(asJson(of))
    if (JSON.stringify(context[key]) !== expected) faults.push([key, context[key], expected])
  }
  return faults
}

it('is read the same in protobuf and in JSON, and as it was meant', () => {
  fc.assert(
    fc.property(logRecords, (logs) => {
      const protobuf = read(logs, ProtobufLogsSerializer, readOtlpProtobuf)
      const json = read(logs, JsonLogsSerializer, readOtlpJson)
      expect(protobuf.records.map((record) => record.json)).toEqual(json.records.map((record) => record.json))
      expect([protobuf.rejected, protobuf.error, json.rejected, json.error]).toEqual([0, undefined, 0, undefined])
      // The serialisers group by resource and scope, which here stand in order already.
      expect(protobuf.records.length).toBe(logs.length)
      expect(protobuf.records.flatMap(({ entry }, at) => faultsOf(entry, logs[at] as ReadableLogRecord))).toEqual([])
    }),
    { numRuns: 200 },
  )
}, 60_000)
