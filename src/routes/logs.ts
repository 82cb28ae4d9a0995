/** Entries in and entries out, outside the stream. */
import type { Context, Handler } from 'hono'
import { accepts } from 'hono/accepts'
import { MonitorError } from '../errors.ts'
import type { AuthEnv } from '../http/auth.ts'
import { type ParsedBatch, parseJson, parseNdjson } from '../ingest/batch.ts'
import { type BodyLimits, readBody } from '../ingest/body.ts'
import type { LogSource } from '../source.ts'
import { idempotencyKey, mediaType, requireUtf8 } from './headers.ts'
import { readQuery } from './query.ts'

/** The media types of a write. JSON Lines is NDJSON by another name. */
const PARSERS: Record<string, typeof parseJson> = {
  'application/json': parseJson,
  'application/x-ndjson': parseNdjson,
  'application/ndjson': parseNdjson,
  'application/jsonl': parseNdjson,
}

/** `GET /logs` */
export function readLogsRoute(source: LogSource): Handler<AuthEnv> {
  return async (c) => {
    const { tail, filter, before } = readQuery(c)
    const page = await source.history({ before, tail, filter })
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
export function writeLogsRoute(source: LogSource, limits: BodyLimits): Handler<AuthEnv> {
  return async (c) => {
    const key = idempotencyKey(c)
    const { records, rejected } = await parse(c, limits)
    if (records.length === 0) {
      const message = rejected[0]?.error ?? 'The body holds no entry.'
      return c.json({ error: { code: 'invalid_body', message }, accepted: 0, rejected }, 400)
    }
    const answer = JSON.stringify({ accepted: records.length, rejected })
    if (key === undefined) await source.append(records)
    return c.body(key === undefined ? answer : await source.appendOnce(key, records, answer), 202, {
      'Content-Type': 'application/json',
    })
  }
}

async function parse(c: Context, limits: BodyLimits): Promise<ParsedBatch> {
  const type = mediaType(c)
  const parser = Object.hasOwn(PARSERS, type) ? PARSERS[type] : undefined
  if (parser === undefined) {
    throw new MonitorError('unsupported_media_type', 'Send application/json or application/x-ndjson.')
  }
  requireUtf8(c)
  return await parser(readBody(c.req.raw, limits), Date.now())
}
