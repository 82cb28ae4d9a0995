/**
 * OTLP in JSON: ProtoJSON (https://protobuf.dev/programming-guides/json/) with the ids in hex
 * (https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding). As it says, null is a field that is not there, integers
 * may be text, and members that are not named here are passed over.
 */
import { base64Decode, base64Encode } from '@bufbuild/protobuf/wire'
import { MonitorError } from '../errors.ts'
import { isObject, type JsonObject } from '../log.ts'
import { assign } from '../truncate.ts'
import { checkDepth, type OtlpCollector, type OtlpLog, toJsonDouble, toJsonInteger } from './otlp.ts'

/** Digits of the largest 64-bit integer. More are not parsed: the time that takes grows with their square. */
const MAX_DIGITS = 20

/** Names of severities: enums are numbers here, but some senders write ProtoJSON as it is elsewhere. */
const SEVERITY_NAME = /^SEVERITY_NUMBER_(?:UNSPECIFIED|(TRACE|DEBUG|INFO|WARN|ERROR|FATAL)([234]?))$/
const SEVERITIES = ['TRACE', 'DEBUG', 'INFO', 'WARN', 'ERROR', 'FATAL']

/**
 * Reads an ExportLogsServiceRequest.
 *
 * @throws MonitorError `invalid_body` for what is no JSON object, `invalid_entry` for what is wrong outside of a log record
 */
export function readOtlpJson(bytes: Uint8Array, collector: OtlpCollector): void {
  const text = new TextDecoder().decode(bytes)
  // As the same request in protobuf, where it has no byte.
  if (text.trim() === '') return
  let request: unknown
  try {
    request = JSON.parse(text)
  } catch (cause) {
    throw new MonitorError('invalid_body', 'The body is not valid JSON.', { cause })
  }
  if (!isObject(request)) {
    throw new MonitorError('invalid_body', 'The body is an ExportLogsServiceRequest: {"resourceLogs":[...]}.')
  }
  if (!Object.hasOwn(request, 'resourceLogs') && Object.keys(request).length > 0) {
    collector.batch.error = 'The body has no resourceLogs, so there was nothing to take. Names are in lowerCamelCase.'
  }
  for (const group of toList(request.resourceLogs ?? [], 'resourceLogs')) {
    const resourceLogs = toObject(group, 'An item of resourceLogs')
    const resource = toAttributes(toObject(resourceLogs.resource ?? {}, 'resource').attributes, 1)
    for (const item of toList(resourceLogs.scopeLogs ?? [], 'scopeLogs')) {
      const scopeLogs = toObject(item, 'An item of scopeLogs')
      const take = collector.group(resource, toScope(toObject(scopeLogs.scope ?? {}, 'scope')))
      for (const logRecord of toList(scopeLogs.logRecords ?? [], 'logRecords')) take(() => toLog(logRecord))
    }
  }
}

function toScope({ name, version, attributes }: JsonObject): JsonObject {
  const scope: JsonObject = {}
  if (name) scope.name = toText(name, 'scope.name')
  if (version) scope.version = toText(version, 'scope.version')
  const own = toAttributes(attributes, 1)
  if (Object.keys(own).length > 0) scope.attributes = own
  return scope
}

function toLog(logRecord: unknown): OtlpLog {
  const log = toObject(logRecord, 'A log record')
  return {
    timeUnixNano: toNanoseconds(log.timeUnixNano ?? 0, 'timeUnixNano'),
    observedTimeUnixNano: toNanoseconds(log.observedTimeUnixNano ?? 0, 'observedTimeUnixNano'),
    severityNumber: toSeverity(log.severityNumber ?? 0),
    severityText: toText(log.severityText ?? '', 'severityText'),
    eventName: toText(log.eventName ?? '', 'eventName'),
    body: toValue(log.body ?? {}, 1),
    attributes: toAttributes(log.attributes, 1),
    droppedAttributesCount: toUint32(log.droppedAttributesCount ?? 0, 'droppedAttributesCount'),
    flags: toUint32(log.flags ?? 0, 'flags'),
    traceId: toHex(log.traceId ?? '', 'traceId'),
    spanId: toHex(log.spanId ?? '', 'spanId'),
  }
}

function toAttributes(value: unknown, depth: number): JsonObject {
  const attributes: JsonObject = {}
  for (const item of toList(value ?? [], 'A list of attributes')) {
    const keyValue = toObject(item, 'An attribute')
    assign(attributes, toText(keyValue.key ?? '', 'key'), toValue(keyValue.value ?? {}, depth))
  }
  return attributes
}

/** An AnyValue as JSON. */
function toValue(value: unknown, depth: number): unknown {
  checkDepth(depth)
  const any = toObject(value, 'A value such as {"stringValue":"text"}')
  if (isPresent(any.stringValue)) return toText(any.stringValue, 'stringValue')
  if (isPresent(any.boolValue)) return toBoolean(any.boolValue)
  if (isPresent(any.intValue)) return toInt64(any.intValue)
  if (isPresent(any.doubleValue)) return toDouble(any.doubleValue)
  if (isPresent(any.arrayValue)) {
    const { values } = toObject(any.arrayValue, 'arrayValue')
    return toList(values ?? [], 'arrayValue.values').map((item) => toValue(item, depth + 1))
  }
  if (isPresent(any.kvlistValue)) return toAttributes(toObject(any.kvlistValue, 'kvlistValue').values, depth + 1)
  if (isPresent(any.bytesValue)) return toBase64(any.bytesValue)
  return null
}

function toBoolean(value: unknown): boolean {
  if (typeof value !== 'boolean') throw wrong('boolValue', 'true or false')
  return value
}

function toInt64(value: unknown): number | string {
  // Some senders take every whole number for an integer, also one that no 64 bits hold.
  if (typeof value === 'number' && Math.abs(value) >= 2 ** 63) return toJsonDouble(value)
  return toJsonInteger(toBigInt(value, 'intValue'))
}

function toDouble(value: unknown): number | string {
  if (typeof value === 'number') return toJsonDouble(value)
  const isNumeric = typeof value === 'string' && /^(?:NaN|-?(?:Infinity|\d+(?:\.\d+)?(?:[eE][+-]?\d+)?))$/.test(value)
  if (!isNumeric) throw wrong('doubleValue', 'a number')
  return toJsonDouble(Number(value))
}

/** In the one spelling that there is in protobuf: ProtoJSON also takes the alphabet of URLs, and no padding. */
function toBase64(value: unknown): string {
  try {
    return base64Encode(base64Decode(toText(value, 'bytesValue')))
  } catch {
    throw wrong('bytesValue', 'base64')
  }
}

function toNanoseconds(value: unknown, name: string): bigint {
  // A double is up to 128 ns off, as often below the millisecond that was meant as above.
  const isRounded = typeof value === 'number' && !Number.isSafeInteger(value) && Number.isFinite(value)
  const nanoseconds = isRounded ? BigInt(Math.round(value / 1000)) * 1000n : toBigInt(value, name)
  if (nanoseconds < 0n || nanoseconds >= 2n ** 64n) throw wrong(name, 'nanoseconds since 1970')
  return nanoseconds
}

function toBigInt(value: unknown, name: string): bigint {
  const isInteger =
    typeof value === 'number'
      ? Number.isInteger(value)
      : typeof value === 'string' && value.length <= MAX_DIGITS && /^-?\d+$/.test(value)
  if (!isInteger) throw wrong(name, 'a 64-bit integer')
  return BigInt(value as number | string)
}

function toUint32(value: unknown, name: string): number {
  const number = Number(toBigInt(value, name))
  if (number < 0 || number >= 2 ** 32) throw wrong(name, 'a 32-bit integer')
  return number
}

function toSeverity(value: unknown): number {
  if (typeof value === 'number' && Number.isInteger(value)) return value
  const [name, level, step] = (typeof value === 'string' && SEVERITY_NAME.exec(value)) || []
  if (name === undefined) throw wrong('severityNumber', 'a number from 1 to 24')
  return level === undefined ? 0 : SEVERITIES.indexOf(level) * 4 + Number(step || 1)
}

function toHex(value: unknown, name: string): string {
  const hex = toText(value, name)
  if (!/^(?:[\da-f]{2})*$/i.test(hex)) throw wrong(name, 'hexadecimal')
  return hex.toLowerCase()
}

function toText(value: unknown, name: string): string {
  if (typeof value !== 'string') throw wrong(name, 'a string')
  return value
}

function toList(value: unknown, name: string): readonly unknown[] {
  if (!Array.isArray(value)) throw wrong(name, 'an array')
  return value
}

function toObject(value: unknown, name: string): JsonObject {
  if (!isObject(value)) throw wrong(name, 'an object')
  return value
}

function isPresent(value: unknown): boolean {
  return value !== undefined && value !== null
}

function wrong(name: string, expected: string): MonitorError {
  return new MonitorError('invalid_entry', `${name} is ${expected}.`)
}
