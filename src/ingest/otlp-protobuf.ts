/**
 * OTLP in protobuf: an ExportLogsServiceRequest in, its answers out. Field numbers are those of
 * https://github.com/open-telemetry/opentelemetry-proto/tree/v1.7.0/opentelemetry/proto; fields that are not named here are
 * passed over.
 */
import { BinaryReader, BinaryWriter, base64Encode, WireType } from '@bufbuild/protobuf/wire'
import { MonitorError } from '../errors.ts'
import type { JsonObject } from '../log.ts'
import { assign } from '../truncate.ts'
import { checkDepth, emptyLog, type OtlpCollector, type OtlpLog, toJsonDouble, toJsonInteger } from './otlp.ts'

/** Reads the field that it is told of, or returns false to have it passed over. */
type TakeField = (field: number, wire: WireType) => unknown

const HEX: readonly string[] = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'))

/**
 * Reads an ExportLogsServiceRequest.
 *
 * @throws MonitorError `invalid_body` for what is none
 */
export function readOtlpProtobuf(bytes: Uint8Array, collector: OtlpCollector): void {
  const reader = new BinaryReader(bytes)
  try {
    readFields(reader, bytes.length, (field, wire) => {
      if (field !== 1) return false
      readResourceLogs(reader, messageEnd(reader, wire), collector)
    })
  } catch (cause) {
    if (cause instanceof MonitorError) throw cause
    throw new MonitorError('invalid_body', 'The body is not an ExportLogsServiceRequest in protobuf.', { cause })
  }
}

/** An ExportLogsServiceResponse; with nothing to say it is empty. */
export function writeExportResponse(rejected: number, error: string | undefined): Uint8Array<ArrayBuffer> {
  const writer = new BinaryWriter()
  if (error !== undefined) {
    writer.tag(1, WireType.LengthDelimited).fork()
    writer.tag(1, WireType.Varint).int64(rejected)
    writer.tag(2, WireType.LengthDelimited).string(error).join()
  }
  return writer.finish()
}

/** A google.rpc.Status (https://github.com/googleapis/googleapis/blob/master/google/rpc/status.proto). */
export function writeStatus(code: number, message: string): Uint8Array<ArrayBuffer> {
  return new BinaryWriter()
    .tag(1, WireType.Varint)
    .int32(code)
    .tag(2, WireType.LengthDelimited)
    .string(message)
    .finish()
}

/** Messages within are read when all of this one is known, since fields may come in any order. */
function readResourceLogs(reader: BinaryReader, end: number, collector: OtlpCollector): void {
  const resource: JsonObject = {}
  const scopeLogs: number[] = []
  readFields(reader, end, (field, wire) => {
    if (field === 1) readResource(reader, messageEnd(reader, wire), resource)
    else if (field === 2) scopeLogs.push(passOver(reader, wire))
    else return false
  })
  for (const start of scopeLogs) {
    reader.pos = start
    readScopeLogs(reader, messageEnd(reader, WireType.LengthDelimited), resource, collector)
  }
  reader.pos = end
}

function readResource(reader: BinaryReader, end: number, resource: JsonObject): void {
  readFields(reader, end, (field, wire) => {
    if (field !== 1) return false
    readKeyValue(reader, messageEnd(reader, wire), resource, 1)
  })
}

function readScopeLogs(reader: BinaryReader, end: number, resource: JsonObject, collector: OtlpCollector): void {
  const scope: JsonObject = {}
  const logRecords: number[] = []
  readFields(reader, end, (field, wire) => {
    if (field === 1) readScope(reader, messageEnd(reader, wire), scope)
    else if (field === 2) logRecords.push(passOver(reader, wire))
    else return false
  })
  const take = collector.group(resource, scope)
  for (const start of logRecords) {
    take(() => {
      reader.pos = start
      return readLogRecord(reader, messageEnd(reader, WireType.LengthDelimited))
    })
  }
  reader.pos = end
}

function readScope(reader: BinaryReader, end: number, scope: JsonObject): void {
  const attributes: JsonObject = {}
  readFields(reader, end, (field, wire) => {
    if (field === 1) scope.name = readString(reader, wire)
    else if (field === 2) scope.version = readString(reader, wire)
    else if (field === 3) {
      readKeyValue(reader, messageEnd(reader, wire), attributes, 1)
      scope.attributes = attributes
    } else return false
  })
  if (scope.name === '') delete scope.name
  if (scope.version === '') delete scope.version
}

function readLogRecord(reader: BinaryReader, end: number): OtlpLog {
  const log = emptyLog()
  readFields(reader, end, (field, wire) => {
    switch (field) {
      case 1:
        log.timeUnixNano = readFixed64(reader, wire)
        return
      case 2:
        expect(wire, WireType.Varint)
        log.severityNumber = reader.int32()
        return
      case 3:
        log.severityText = readString(reader, wire)
        return
      case 5:
        log.body = readValue(reader, messageEnd(reader, wire), 1)
        return
      case 6:
        readKeyValue(reader, messageEnd(reader, wire), log.attributes, 1)
        return
      case 7:
        expect(wire, WireType.Varint)
        log.droppedAttributesCount = reader.uint32()
        return
      case 8:
        expect(wire, WireType.Bit32)
        log.flags = reader.fixed32()
        return
      case 9:
        log.traceId = toHex(readBytes(reader, wire))
        return
      case 10:
        log.spanId = toHex(readBytes(reader, wire))
        return
      case 11:
        log.observedTimeUnixNano = readFixed64(reader, wire)
        return
      case 12:
        log.eventName = readString(reader, wire)
        return
      default:
        return false
    }
  })
  return log
}

function readKeyValue(reader: BinaryReader, end: number, target: JsonObject, depth: number): void {
  let key = ''
  let value: unknown = null
  readFields(reader, end, (field, wire) => {
    if (field === 1) key = readString(reader, wire)
    else if (field === 2) value = readValue(reader, messageEnd(reader, wire), depth)
    else return false
  })
  assign(target, key, value)
}

/** An AnyValue as JSON. */
function readValue(reader: BinaryReader, end: number, depth: number): unknown {
  checkDepth(depth)
  let value: unknown = null
  readFields(reader, end, (field, wire) => {
    switch (field) {
      case 1:
        value = readString(reader, wire)
        return
      case 2:
        expect(wire, WireType.Varint)
        value = reader.bool()
        return
      case 3:
        expect(wire, WireType.Varint)
        value = toJsonInteger(BigInt(reader.int64()))
        return
      case 4:
        expect(wire, WireType.Bit64)
        value = toJsonDouble(reader.double())
        return
      case 5:
        value = readArray(reader, messageEnd(reader, wire), depth)
        return
      case 6:
        value = readKeyValueList(reader, messageEnd(reader, wire), depth)
        return
      case 7:
        value = base64Encode(readBytes(reader, wire))
        return
      default:
        return false
    }
  })
  return value
}

function readArray(reader: BinaryReader, end: number, depth: number): unknown[] {
  const values: unknown[] = []
  readFields(reader, end, (field, wire) => {
    if (field !== 1) return false
    values.push(readValue(reader, messageEnd(reader, wire), depth + 1))
  })
  return values
}

function readKeyValueList(reader: BinaryReader, end: number, depth: number): JsonObject {
  const values: JsonObject = {}
  readFields(reader, end, (field, wire) => {
    if (field !== 1) return false
    readKeyValue(reader, messageEnd(reader, wire), values, depth + 1)
  })
  return values
}

/** Reads fields up to the end of their message, and no further. */
function readFields(reader: BinaryReader, end: number, take: TakeField): void {
  while (reader.pos < end) {
    const [field, wire] = reader.tag()
    if (take(field, wire) === false) reader.skip(wire, field)
  }
  if (reader.pos !== end) throw new RangeError('A field ends beyond its message.')
}

/** Where the message that comes next ends. */
function messageEnd(reader: BinaryReader, wire: WireType): number {
  expect(wire, WireType.LengthDelimited)
  const length = reader.uint32()
  return reader.pos + length
}

/** Passes over a message and returns where it begins. */
function passOver(reader: BinaryReader, wire: WireType): number {
  expect(wire, WireType.LengthDelimited)
  const start = reader.pos
  reader.skip(wire)
  return start
}

/** Invalid UTF-8 is kept as far as it can be read, as in every other body. */
function readString(reader: BinaryReader, wire: WireType): string {
  expect(wire, WireType.LengthDelimited)
  return reader.string()
}

function readBytes(reader: BinaryReader, wire: WireType): Uint8Array {
  expect(wire, WireType.LengthDelimited)
  return reader.bytes()
}

function readFixed64(reader: BinaryReader, wire: WireType): bigint {
  expect(wire, WireType.Bit64)
  return BigInt(reader.fixed64())
}

function expect(wire: WireType, expected: WireType): void {
  if (wire !== expected) throw new RangeError(`A field has wire type ${wire} in place of ${expected}.`)
}

function toHex(bytes: Uint8Array): string {
  let hex = ''
  for (const byte of bytes) hex += HEX[byte]
  return hex
}
