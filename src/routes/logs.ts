/** Entries in and entries out, outside the stream. */
import type { Context, Handler } from 'hono'
import { accepts } from 'hono/accepts'
import { MonitorError } from '../errors.ts'
import type { LogEnv } from '../http/log-env.ts'
import { parseJson, parseNdjson } from '../ingest/batch.ts'
import { type BodyLimits, readBody } from '../ingest/body.ts'
import type { BodyWay } from '../metrics.ts'
import { idempotencyKey, mediaType, requireUtf8 } from './headers.ts'
import { readQuery } from './query.ts'

/** A way in. */
interface Reader {
  readonly way: BodyWay
  readonly parse: typeof parseJson
}

const JSON_READER: Reader = { way: 'json', parse: parseJson }
const NDJSON_READER: Reader = { way: 'ndjson', parse: parseNdjson }

/** The media types of a write. JSON Lines is NDJSON by another name. */
const READERS: Record<string, Reader> = {
  'application/json': JSON_READER,
  'application/x-ndjson': NDJSON_READER,
  'application/ndjson': NDJSON_READER,
  'application/jsonl': NDJSON_READER,
}

/** `GET /logs` */
export function readLogsRoute(): Handler<LogEnv> {
  return async (c) => {
    const { tail, filter, before } = readQuery(c)
    const page = await c.get('edgetailLog').source.history({ before, tail, filter })
    const type = accepts(c, {
      header: 'Accept',
      supports: ['application/json', 'application/x-ndjson'],
      default: 'application/json',
    })
    if (type === 'application/json') return c.json(page)
    return c.body(page.entries.map((entry) => `${JSON.stringify(entry)}\n`).join(''), 200, { 'Content-Type': type })
  }
}

/** `POST /logs` */
export function writeLogsRoute(limits: BodyLimits): Handler<LogEnv> {
  return async (c) => {
    const { metrics, sourceOf } = c.get('edgetailLog')
    const key = idempotencyKey(c)
    const { way, parse } = readerOf(c)
    const body = readBody(c.req.raw, limits, (bytes) => metrics.received(way, bytes))
    const { records, rejected, refused } = await parse(body, Date.now())
    metrics.refusedEntries(way, refused)
    if (records.length === 0) {
      metrics.refusedRequest('invalid_body')
      const message = rejected[0]?.error ?? 'The body holds no entry.'
      return c.json({ error: { code: 'invalid_body', message }, accepted: 0, rejected }, 400)
    }
    const answer = JSON.stringify({ accepted: records.length, rejected })
    const source = sourceOf(way)
    if (key === undefined) await source.append(records)
    return c.body(key === undefined ? answer : await source.appendOnce(key, records, answer), 202, {
      'Content-Type': 'application/json',
    })
  }
}

function readerOf(c: Context): Reader {
  const type = mediaType(c)
  const reader = Object.hasOwn(READERS, type) ? READERS[type] : undefined
  if (reader === undefined) {
    throw new MonitorError('unsupported_media_type', 'Send application/json or application/x-ndjson.')
  }
  requireUtf8(c)
  return reader
}
