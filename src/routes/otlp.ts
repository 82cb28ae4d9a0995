/**
 * OpenTelemetry's log records in, over OTLP/HTTP (https://opentelemetry.io/docs/specs/otlp/#otlphttp). Every answer is in the
 * encoding of its request: protobuf for protobuf, JSON for all else.
 */
import type { Context, Handler, MiddlewareHandler } from 'hono'
import { type ErrorStatus, MonitorError, toMonitorError } from '../errors.ts'
import type { LogEnv } from '../http/log-env.ts'
import { type BodyLimits, readBytes } from '../ingest/body.ts'
import { createOtlpCollector, type OtlpBatch, type OtlpCollector } from '../ingest/otlp.ts'
import { readOtlpJson } from '../ingest/otlp-json.ts'
import { readOtlpProtobuf, writeExportResponse, writeStatus } from '../ingest/otlp-protobuf.ts'
import type { Metrics } from '../metrics.ts'
import { idempotencyKey, mediaType, requireUtf8 } from './headers.ts'

const PROTOBUF = 'application/x-protobuf'
const JSON_TYPE = 'application/json'

/** Codes of `Status` by the HTTP status (https://github.com/googleapis/googleapis/blob/master/google/rpc/code.proto). */
const STATUS_CODES: Record<ErrorStatus, number> = {
  400: 3,
  401: 16,
  403: 7,
  404: 5,
  405: 12,
  408: 4,
  413: 8,
  415: 3,
  500: 13,
  503: 14,
  507: 8,
}

/** What was not taken and why; empty when all was. */
type ExportAnswer = { readonly rejected: number; readonly error?: string | undefined }

/**
 * `POST /v1/logs`. An `Idempotency-Key` counts as in `POST /logs`, and apart from the keys there.
 */
export function otlpLogsRoute(limits: BodyLimits): Handler<LogEnv> {
  return async (c) => {
    const { metrics, sourceOf } = c.get('edgetailLog')
    const source = sourceOf('otlp')
    const key = idempotencyKey(c)
    const { records, rejected, error } = await parse(c, limits, metrics)
    metrics.refusedEntries('otlp', rejected)
    if (records.length === 0 && rejected > 0)
      throw new MonitorError('invalid_body', error ?? 'No log record was taken.')
    const answer: ExportAnswer = { rejected, error }
    // Without log records there is nothing to do, and the answer is a success.
    if (records.length === 0) return respond(c, answer)
    if (key !== undefined) {
      return respond(c, JSON.parse(await source.appendOnce(`otlp ${key}`, records, JSON.stringify(answer))))
    }
    await source.append(records)
    return respond(c, answer)
  }
}

/** Turns the answers of refused requests into `Status` messages. Stands before whatever may refuse one. */
export function otlpErrors(): MiddlewareHandler {
  return async (c, next) => {
    await next()
    if (c.error === undefined) return
    const { status, message } = toMonitorError(c.error)
    const code = STATUS_CODES[status]
    const isProtobuf = mediaType(c) === PROTOBUF
    c.res = new Response(isProtobuf ? writeStatus(code, message) : JSON.stringify({ code, message }), {
      status,
      headers: { 'Content-Type': isProtobuf ? PROTOBUF : JSON_TYPE },
    })
  }
}

async function parse(c: Context, limits: BodyLimits, metrics: Metrics): Promise<OtlpBatch> {
  const collector = createOtlpCollector(Date.now(), limits.maxBody)
  readerOf(c)(await readBytes(c.req.raw, limits, (bytes) => metrics.received('otlp', bytes)), collector)
  return collector.batch
}

function readerOf(c: Context): (bytes: Uint8Array, collector: OtlpCollector) => void {
  const type = mediaType(c)
  if (type === PROTOBUF) return readOtlpProtobuf
  if (type !== JSON_TYPE) throw new MonitorError('unsupported_media_type', `Send ${PROTOBUF} or ${JSON_TYPE}.`)
  requireUtf8(c)
  return readOtlpJson
}

function respond(c: Context, { rejected, error }: ExportAnswer): Response {
  if (mediaType(c) === PROTOBUF) {
    return c.body(writeExportResponse(rejected, error), 200, { 'Content-Type': PROTOBUF })
  }
  // A 64-bit integer is text in ProtoJSON.
  const partialSuccess = { rejectedLogRecords: String(rejected), errorMessage: error }
  return c.body(JSON.stringify(error === undefined ? {} : { partialSuccess }), 200, { 'Content-Type': JSON_TYPE })
}
