/** OTLP/HTTP as a suite over anything that answers requests: https://opentelemetry.io/docs/specs/otlp/#otlphttp. */
import { describe, expect, it } from 'vitest'
import { block, integer } from '../support/protobuf.ts'
import { SERVICE_SETTINGS } from '../support/settings.ts'
import type { Fetch, StreamReader } from '../support/sse-reader.ts'

const PROTOBUF = 'application/x-protobuf'
const JSON_TYPE = 'application/json'
const MAX_BODY = Number(SERVICE_SETTINGS.EDGETAIL_MAX_BODY)

/** How the suite reaches the service: `fetch` with a path, and a stream from now on. */
export interface OtlpService {
  readonly fetch: Fetch
  stream(): Promise<StreamReader>
}

/** One request in both encodings: log records with these messages; undefined is one that is nested too deep. */
function exportOf(...messages: (string | undefined)[]): [type: string, body: Uint8Array<ArrayBuffer>][] {
  const deepJson = (levels: number): object => (levels === 0 ? {} : { arrayValue: { values: [deepJson(levels - 1)] } })
  const deepBytes = (levels: number): readonly number[] =>
    levels === 0 ? [] : block(5, block(1, deepBytes(levels - 1)))
  const logRecords = messages.map((text) => ({ body: text === undefined ? deepJson(70) : { stringValue: text } }))
  const request = { resourceLogs: [{ scopeLogs: [{ logRecords }] }] }
  const bytes = messages.map((text) => block(2, block(5, text === undefined ? deepBytes(70) : block(1, text))))
  return [
    [JSON_TYPE, Uint8Array.from(new TextEncoder().encode(JSON.stringify(request)))],
    [PROTOBUF, Uint8Array.from(block(1, block(2, bytes.flat())))],
  ]
}

/** The answer in its own encoding, as text or the bytes of protobuf. */
async function answerOf(response: Response): Promise<{ status: number; type: string | null; body: unknown }> {
  const type = response.headers.get('Content-Type')
  const bytes = new Uint8Array(await response.arrayBuffer())
  const body = type === PROTOBUF ? [...bytes] : JSON.parse(new TextDecoder().decode(bytes))
  return { status: response.status, type, body }
}

/** A `Status` in the encoding. */
function statusOf(type: string, code: number, message: string): unknown {
  return type === PROTOBUF ? [...integer(1, code), ...block(2, message)] : { code, message }
}

/** Runs the suite. */
export function testOtlp(service: OtlpService): void {
  describe('POST /v1/logs', () => {
    const post = (type: string, body: BodyInit, headers: Record<string, string> = {}): Promise<Response> =>
      service.fetch('/monitor/v1/logs', {
        method: 'POST',
        headers: { Authorization: `Bearer ${SERVICE_SETTINGS.EDGETAIL_WRITE_TOKEN}`, 'Content-Type': type, ...headers },
        body,
        ...(body instanceof ReadableStream ? { duplex: 'half' } : {}),
      } as RequestInit)
    /** A stream, and the messages on it from now to `last`, which this sends. */
    const received = async (reader: StreamReader, last: string): Promise<string[]> => {
      const [[type, body]] = exportOf(last) as [[string, Uint8Array<ArrayBuffer>]]
      await post(type, body)
      await reader.until(() => reader.logs().at(-1)?.message === last)
      return reader.logs().map(({ message }) => message)
    }

    it('takes protobuf and JSON, plain, chunked and zipped, and answers with an empty response of the same kind', async () => {
      const reader = await service.stream()
      for (const [type, body] of exportOf('one', 'two')) {
        const success = { status: 200, type, body: type === PROTOBUF ? [] : {} }
        expect(await answerOf(await post(type, body))).toEqual(success)
        expect(await answerOf(await post(type, new Blob([body]).stream()))).toEqual(success)
        const zipped = new Blob([body]).stream().pipeThrough(new CompressionStream('gzip'))
        const bytes = await new Response(zipped).arrayBuffer()
        expect(await answerOf(await post(type, bytes, { 'Content-Encoding': 'gzip' }))).toEqual(success)
      }
      expect(await received(reader, 'last')).toEqual([...Array(6).fill(['one', 'two']).flat(), 'last'])
    })

    it('takes a request without a log record, and one in JSON with parameters of its media type', async () => {
      for (const [type, body] of exportOf()) {
        const success = { status: 200, type, body: type === PROTOBUF ? [] : {} }
        expect(await answerOf(await post(type, body))).toEqual(success)
        expect(await answerOf(await post(type, ''))).toEqual(success)
      }
      expect((await post('Application/JSON; charset=utf-8', '{}')).status).toBe(200)
    })

    it('names what it refuses in partial_success and keeps the rest', async () => {
      const reader = await service.stream()
      for (const [type, body] of exportOf('a', undefined, 'b', undefined)) {
        const errorMessage = 'Log record 2: A value is nested deeper than 64 levels.'
        expect(await answerOf(await post(type, body))).toEqual({
          status: 200,
          type,
          body:
            type === PROTOBUF
              ? [...block(1, integer(1, 2), block(2, errorMessage))]
              : { partialSuccess: { rejectedLogRecords: '2', errorMessage } },
        })
      }
      expect(await received(reader, 'end')).toEqual(['a', 'b', 'a', 'b', 'end'])
    })

    it('answers 400 with a Status when it can keep nothing', async () => {
      for (const [type, body] of exportOf(undefined)) {
        const deep = statusOf(type, 3, 'Log record 1: A value is nested deeper than 64 levels.')
        expect(await answerOf(await post(type, body))).toEqual({ status: 400, type, body: deep })
        const message =
          type === PROTOBUF ? 'The body is not an ExportLogsServiceRequest in protobuf.' : 'The body is not valid JSON.'
        const none = { status: 400, type, body: statusOf(type, 3, message) }
        expect(await answerOf(await post(type, body.slice(0, -1)))).toEqual(none)
        expect((await post(type, body, { 'Content-Encoding': 'gzip' })).status).toBe(400)
      }
    })

    it('refuses who may not write, with a Status', async () => {
      for (const [type, body] of exportOf('never')) {
        const wrong = await post(type, body, { Authorization: 'Bearer wrong' })
        expect(wrong.headers.get('WWW-Authenticate')).toBe('Bearer')
        const unknown = statusOf(type, 16, 'The token is not known here.')
        expect(await answerOf(wrong)).toEqual({ status: 401, type, body: unknown })
        const reading = await post(type, body, { Authorization: `Bearer ${SERVICE_SETTINGS.EDGETAIL_READ_TOKEN}` })
        const forbidden = statusOf(type, 7, 'This credential does not have the right to write.')
        expect(await answerOf(reading)).toEqual({ status: 403, type, body: forbidden })
      }
    })

    it('answers 413 to a body over the limit, also chunked and zipped, and keeps nothing of it', async () => {
      const reader = await service.stream()
      for (const [type, body] of exportOf(...Array(1500).fill('over the limit'.padEnd(80)))) {
        expect(body.length).toBeGreaterThan(MAX_BODY)
        const zipped = new Blob([body]).stream().pipeThrough(new CompressionStream('gzip'))
        const bytes = await new Response(zipped).arrayBuffer()
        for (const refused of [
          await post(type, body),
          await post(type, new Blob([body]).stream()),
          await post(type, bytes, { 'Content-Encoding': 'gzip' }),
        ]) {
          const answer = await answerOf(refused)
          expect([answer.status, answer.type]).toEqual([413, type])
          const message = `A body is at most ${MAX_BODY} bytes, also when unzipped. Send it in parts.`
          expect(answer.body).toEqual(statusOf(type, 8, message))
        }
      }
      expect(await received(reader, 'after')).toEqual(['after'])
    })

    it.each([
      'application/x-ndjson',
      'application/protobuf',
      'application/grpc',
      'text/plain',
      '',
    ])('answers 415 to the media type %j', async (type) => {
      const answer = await answerOf(await post(type, '{}'))
      expect(answer).toEqual({
        status: 415,
        type: JSON_TYPE,
        body: { code: 3, message: 'Send application/x-protobuf or application/json.' },
      })
    })

    it('answers 405 to other methods and says which it takes', async () => {
      const headers = { Authorization: `Bearer ${SERVICE_SETTINGS.EDGETAIL_TOKEN}` }
      const response = await service.fetch('/monitor/v1/logs', { headers })
      expect([response.status, response.headers.get('Allow')]).toEqual([405, 'POST'])
    })

    it('adds nothing when a request is repeated with its Idempotency-Key, in either encoding', async () => {
      const reader = await service.stream()
      const key = crypto.randomUUID()
      const errorMessage = 'Log record 2: A value is nested deeper than 64 levels.'
      for (let repeat = 0; repeat < 2; repeat++) {
        for (const [type, body] of exportOf('once', undefined)) {
          const answer = await answerOf(await post(type, body, { 'Idempotency-Key': key }))
          const partialSuccess = { rejectedLogRecords: '1', errorMessage }
          const bytes = [...block(1, integer(1, 1), block(2, errorMessage))]
          expect(answer).toEqual({ status: 200, type, body: type === PROTOBUF ? bytes : { partialSuccess } })
        }
      }
      expect(await received(reader, 'done')).toEqual(['once', 'done'])
    })

    it('takes secrets out before they are stored', async () => {
      const reader = await service.stream()
      const attributes = [{ key: 'password', value: { stringValue: 'hunter2' } }]
      const resourceLogs = [{ resource: { attributes }, scopeLogs: [{ logRecords: [{ attributes }, { attributes }] }] }]
      expect((await post(JSON_TYPE, JSON.stringify({ resourceLogs }))).status).toBe(200)
      await reader.until(() => reader.logs().length === 2)
      const hidden = { password: '[REDACTED]' }
      for (const { context } of reader.logs()) expect(context).toEqual({ ...hidden, resource: hidden })
    })

    it('may be called by a page of a named origin, as the SDK for browsers does', async () => {
      const Origin = SERVICE_SETTINGS.EDGETAIL_CORS_ORIGINS
      const asked = await service.fetch('/monitor/v1/logs', {
        method: 'OPTIONS',
        headers: {
          Origin,
          'Access-Control-Request-Method': 'POST',
          'Access-Control-Request-Headers': 'authorization,content-type',
        },
      })
      expect(asked.headers.get('Access-Control-Allow-Origin')).toBe(Origin)
      expect(asked.headers.get('Access-Control-Allow-Headers')?.toLowerCase()).toMatch(/authorization.*content-type/)
      for (const headers of [{ Origin }, { Origin, Authorization: 'Bearer wrong' }]) {
        const response = await post(JSON_TYPE, '{}', headers)
        expect(response.headers.get('Access-Control-Allow-Origin')).toBe(Origin)
        expect(response.headers.get('Access-Control-Expose-Headers')).toBe('Retry-After')
      }
    })
  })
}
