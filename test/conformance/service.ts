/** The HTTP contract as a suite over anything that answers requests: an app, a socket, a Worker. */
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { readExposition } from '../support/exposition.ts'
import { SERVICE_SETTINGS } from '../support/settings.ts'
import { type Fetch, openStream, type StreamReader } from '../support/sse-reader.ts'
import { testOtlp } from './otlp.ts'
import { testStreams } from './streams.ts'

/** A service under test, opened with {@link SERVICE_SETTINGS}. */
export interface Service {
  readonly fetch: Fetch
  /** As a browser would name it. */
  readonly origin: string
  close?(): Promise<void>
}

const ALL = { Authorization: `Bearer ${SERVICE_SETTINGS.EDGETAIL_TOKEN}` }
const READ = { Authorization: `Bearer ${SERVICE_SETTINGS.EDGETAIL_READ_TOKEN}` }
const WRITE = { Authorization: `Bearer ${SERVICE_SETTINGS.EDGETAIL_WRITE_TOKEN}` }

/** Runs the suite. */
export function testService(name: string, open: () => Promise<Service>): void {
  describe(`service: ${name}`, () => {
    let service: Service
    beforeAll(async () => {
      service = await open()
    })
    afterAll(() => service.close?.())

    const call = (path: string, init?: RequestInit): Promise<Response> => service.fetch(`/monitor${path}`, init)
    const post = (body: BodyInit, headers: Record<string, string> = {}): Promise<Response> =>
      call('/logs', {
        method: 'POST',
        headers: { ...ALL, 'Content-Type': 'application/json', ...headers },
        body,
        ...(body instanceof ReadableStream ? { duplex: 'half' } : {}),
      } as RequestInit)
    const send = async (...messages: string[]): Promise<void> => {
      const response = await post(JSON.stringify(messages.map((message) => ({ message }))))
      expect(response.status).toBe(202)
    }
    const stream = async (query = '?tail=0', headers: Record<string, string> = READ): Promise<StreamReader> => {
      let reader = await openStream(service.fetch, `/monitor/stream${query}`, { headers })
      // On Workers it takes up to two heartbeats until those of the test before are known to have left.
      for (let tries = 0; reader.response.status === 503 && tries < 20; tries++) {
        await new Promise((resolve) => setTimeout(resolve, 100))
        reader = await openStream(service.fetch, `/monitor/stream${query}`, { headers })
      }
      onTestFinished(() => reader.close())
      await reader.until(({ events, response }) => !response.ok || events.length > 0)
      return reader
    }
    const refusal = async (response: Response): Promise<{ status: number; code: string; message: string }> => {
      const { error } = (await response.json()) as { error: { code: string; message: string } }
      expect(Object.keys(error)).toEqual(['code', 'message'])
      return { status: response.status, ...error }
    }
    let marks = 0
    const mark = (): string => `mark-${Date.now().toString(36)}-${marks++}`

    describe('GET /stream', () => {
      it('answers with the headers of an event stream that nobody may hold back', async () => {
        const { headers, status } = (await stream()).response
        expect(status).toBe(200)
        expect(headers.get('Content-Type')).toBe('text/event-stream')
        expect(headers.get('Cache-Control')).toBe('no-store, no-transform')
        expect(headers.get('X-Accel-Buffering')).toBe('no')
        expect(headers.get('X-Content-Type-Options')).toBe('nosniff')
      })

      it('begins with ready and sends entries, byte for byte', async () => {
        const reader = await stream()
        await post('{"ts":"2026-01-02T03:04:05.678Z","level":"error","message":"a\\nb é","context":{"k":[1,"x"]}}')
        await reader.until(({ events }) => events.length === 2)
        const text = reader.text().replace(/^:\n/gm, '')
        expect(text).toMatch(
          /^retry: \d{4}\nevent: ready\ndata: \{"resumed":false,.*\}\nid: [0-9A-Za-z]+-\d+\n\nevent: log\ndata: \{"ts":"2026-01-02T03:04:05\.678Z","level":"error","message":"a\\nb é","context":\{"k":\[1,"x"\]\}\}\nid: [0-9A-Za-z]+-\d+\n\n$/,
        )
        expect(reader.retries[0]).toBeGreaterThanOrEqual(1000)
        expect(reader.retries[0]).toBeLessThanOrEqual(5000)
      })

      it('gives each of four clients every entry within a second of its 202, in order, once', async () => {
        const readers = await Promise.all([stream(), stream(), stream(), stream()])
        const sent = Array.from({ length: 20 }, (_, index) => `${mark()} ${index}`)
        for (const message of sent) {
          await send(message)
          await Promise.all(
            readers.map((reader) => reader.until(() => reader.logs().at(-1)?.message === message, 1000)),
          )
        }
        for (const reader of readers) expect(reader.logs().map(({ message }) => message)).toEqual(sent)
      })

      it('replays the last entries to a new client', async () => {
        const sent = [mark(), mark(), mark()]
        await send(...sent)
        const reader = await stream('?tail=2')
        await reader.until(() => reader.logs().length === 2)
        expect(reader.logs().map(({ message }) => message)).toEqual(sent.slice(1))
      })

      it('filters by level and by text', async () => {
        const word = mark()
        const [byLevel, byText] = await Promise.all([stream('?tail=0&level=WARN'), stream(`?tail=0&q=${word}`)])
        await post(`{"level":"info","message":"${word}"}\n{"level":"error","message":"other"}`, {
          'Content-Type': 'application/x-ndjson',
        })
        await byLevel.until(() => byLevel.logs().length === 1)
        await byText.until(() => byText.logs().length === 1)
        expect(byLevel.logs()[0]?.message).toBe('other')
        expect(byText.logs()[0]?.message).toBe(word)
      })

      it('filters by a query, the same in the stream and in what is stored', async () => {
        const word = mark()
        const q = encodeURIComponent(`${word} (status>=500 OR /\\bout of \\w+$/) -user.name:bob`)
        const reader = await stream(`?tail=0&q=${q}`)
        const contexts = [{ status: 200 }, { status: 503 }, { status: 503, user: { name: 'Bob' } }]
        const lines = contexts.map((context, index) => JSON.stringify({ message: `${word} ${index}`, context }))
        await post([...lines, JSON.stringify({ message: `${word} out of memory` })].join('\n'), {
          'Content-Type': 'application/x-ndjson',
        })
        const expected = [`${word} 1`, `${word} out of memory`]
        await reader.until(() => reader.logs().length === 2)
        expect(reader.logs().map(({ message }) => message)).toEqual(expected)
        const page = await (await call(`/logs?q=${q}`, { headers: READ })).json()
        expect(page).toMatchObject({ entries: expected.map((message) => ({ message })) })
      })

      it('resumes after Last-Event-ID, which wins over the query, which wins over tail', async () => {
        const first = await stream()
        const sent = [mark(), mark(), mark()]
        await send(...sent)
        await first.until(() => first.logs().length === 3)
        const [one, two] = first.events.filter(({ event }) => event === 'log').map(({ id }) => id as string)
        const byHeader = await stream(`?tail=0&last_event_id=${two}`, { ...READ, 'Last-Event-ID': one as string })
        const byQuery = await stream(`?tail=9&last_event_id=${two}`)
        await byHeader.until(() => byHeader.logs().length === 2)
        await byQuery.until(() => byQuery.logs().length === 1)
        expect(byHeader.logs().map(({ message }) => message)).toEqual(sent.slice(1))
        expect(byQuery.logs().map(({ message }) => message)).toEqual(sent.slice(2))
        expect(JSON.parse(byHeader.events[0]?.data ?? '')).toMatchObject({ resumed: true })
      })

      it.each(['nonsense', 'abc-1', '%00', '-1', 'é'])('tells a client with the id %j of a gap', async (id) => {
        await send(mark())
        const reader = await stream(`?last_event_id=${encodeURIComponent(id)}`)
        await reader.until(() => reader.logs().length > 0)
        expect(reader.events.map(({ event }) => event).slice(0, 3)).toEqual(['ready', 'gap', 'log'])
        expect(JSON.parse(reader.events[1]?.data ?? '')).toEqual({ reason: 'restarted', dropped: null })
      })

      it('tells a client that comes too late how many entries it lost', async () => {
        const first = await stream()
        const total = Number(SERVICE_SETTINGS.EDGETAIL_RETAIN) + 30
        for (let index = 0; index < total; index += 10) await send(...Array.from({ length: 10 }, mark))
        await first.until(() => first.logs().length === total)
        expect(first.events.filter(({ event }) => event === 'gap')).toEqual([])
        const reader = await stream('', { ...READ, 'Last-Event-ID': first.events[0]?.id as string })
        await reader.until(() => reader.logs().length === total - 30)
        expect(JSON.parse(reader.events[1]?.data ?? '')).toEqual({ reason: 'evicted', dropped: 30 })
      })

      it('sends a comment without a blank line in silence', async () => {
        const reader = await stream()
        const begun = reader.text()
        await reader.until(({ comments }) => comments.length >= 2)
        expect(reader.text().slice(begun.length)).toMatch(/^(:\n)+$/)
      })

      it.each([
        ['tail', '-1'],
        ['tail', '1.5'],
        ['tail', 'many'],
        ['tail', ''],
        ['tail', '99999999'],
        ['level', 'loud'],
        ['level', ''],
        ['q', 'x'.repeat(1025)],
        ['q', '(a OR b'],
        ['q', 'level:loud'],
        ['q', '/((a{100}){100}){100}/'],
      ])('refuses %s=%s and names it', async (parameter, value) => {
        for (const path of ['/stream', '/logs']) {
          const answer = await refusal(
            await call(`${path}?${parameter}=${encodeURIComponent(value)}`, { headers: READ }),
          )
          expect(answer).toMatchObject({ status: 400, code: 'invalid_query' })
          expect(answer.message).toContain(parameter)
        }
      })

      it('answers HEAD with the headers alone', async () => {
        const response = await call('/stream', { method: 'HEAD', headers: READ })
        expect(response.headers.get('Content-Type')).toBe('text/event-stream')
        expect(await response.text()).toBe('')
      })

      it('refuses one client too many, and takes it when another has left', async () => {
        const maximum = Number(SERVICE_SETTINGS.EDGETAIL_MAX_CLIENTS)
        await expect.poll(clients, { timeout: 10_000 }).toBe(0)
        const readers = await Promise.all(Array.from({ length: maximum }, () => stream()))
        const refused = await call('/stream', { headers: READ })
        expect(await refusal(refused)).toMatchObject({ status: 503, code: 'too_many_clients' })
        expect(Number(refused.headers.get('Retry-After'))).toBeGreaterThan(0)
        await readers[0]?.close()
        await expect.poll(clients, { timeout: 10_000 }).toBe(maximum - 1)
        expect((await stream()).response.status).toBe(200)
      })
    })

    async function clients(): Promise<number> {
      return ((await (await call('/health')).json()) as { clients: number }).clients
    }

    describe('POST /logs', () => {
      it('takes an object, an array, and NDJSON, with parameters of the media type', async () => {
        const reader = await stream()
        for (const [body, type] of [
          ['{"message":"one"}', 'application/json'],
          ['[{"message":"two"},{"message":"three"}]', 'Application/JSON; charset=utf-8'],
          ['{"message":"four"}\r\n\n{"message":"five"}', 'application/x-ndjson'],
        ] as const) {
          expect((await post(body, { 'Content-Type': type })).status).toBe(202)
        }
        await reader.until(() => reader.logs().length === 5)
        expect(reader.logs().map(({ message }) => message)).toEqual(['one', 'two', 'three', 'four', 'five'])
      })

      it('keeps good entries and names bad ones by their line', async () => {
        const lines = await post('{"message":"a"}\n\nnot json\n[1]\n{"message":"b"}\n', {
          'Content-Type': 'application/x-ndjson',
        })
        expect(lines.status).toBe(202)
        expect(await lines.json()).toMatchObject({ accepted: 2, rejected: [{ line: 3 }, { line: 4 }] })
        const array = await post('[{"message":"a"},7,null]')
        expect(await array.json()).toMatchObject({ accepted: 1, rejected: [{ line: 2 }, { line: 3 }] })
      })

      it('takes gzip', async () => {
        const reader = await stream()
        const response = await post(await gzip('{"message":"zipped"}'), { 'Content-Encoding': 'gzip' })
        expect(response.status).toBe(202)
        await reader.until(() => reader.logs()[0]?.message === 'zipped')
      })

      it.each([
        ['nothing', '', 'application/json'],
        ['blank lines', '\n \n', 'application/x-ndjson'],
        ['an empty array', '[]', 'application/json'],
        ['no JSON', '{"message":', 'application/json'],
        ['no object', '"text"', 'application/json'],
        ['only bad lines', 'a\nb', 'application/x-ndjson'],
        ['nesting without end', '['.repeat(40_000), 'application/json'],
        ['an entry nested too deep', `{"a":${'['.repeat(20_000)}${']'.repeat(20_000)}}`, 'application/json'],
      ])('answers 400 to %s', async (_kind, body, type) => {
        expect(await refusal(await post(body, { 'Content-Type': type }))).toMatchObject({
          status: 400,
          code: 'invalid_body',
        })
      })

      it('answers 400 to what says gzip and is not', async () => {
        expect(await refusal(await post('{"message":"plain"}', { 'Content-Encoding': 'gzip' }))).toMatchObject({
          status: 400,
        })
        const cut = (await gzip(JSON.stringify({ message: mark().repeat(100) }))).slice(0, -12)
        expect(await refusal(await post(cut, { 'Content-Encoding': 'gzip' }))).toMatchObject({ status: 400 })
      })

      it('answers 413 to a body over the limit, also chunked and zipped, and keeps nothing of it', async () => {
        const maximum = Number(SERVICE_SETTINGS.EDGETAIL_MAX_BODY)
        const reader = await stream()
        const line = `${JSON.stringify({ message: 'over the limit'.padEnd(999) })}\n`
        const body = line.repeat(Math.ceil(maximum / line.length) + 1)
        const type = { 'Content-Type': 'application/x-ndjson' }
        expect(await refusal(await post(body, type))).toMatchObject({ status: 413, code: 'body_too_large' })
        expect(await refusal(await post(new Blob([body]).stream(), type))).toMatchObject({ status: 413 })
        expect(await refusal(await post(await gzip(body), { ...type, 'Content-Encoding': 'gzip' }))).toMatchObject({
          status: 413,
        })
        const last = mark()
        await send(last)
        await reader.until(() => reader.logs().length > 0)
        expect(reader.logs().map(({ message }) => message)).toEqual([last])
      })

      it('adds nothing when a request is repeated with its Idempotency-Key, and gives the first answer again', async () => {
        const reader = await stream()
        const key = mark()
        const body = `{"message":"${key}"}\nbad`
        const headers = { 'Content-Type': 'application/x-ndjson', 'Idempotency-Key': key }
        const first = await (await post(body, headers)).json()
        expect(first).toMatchObject({ accepted: 1, rejected: [{ line: 2 }] })
        for (let repeat = 0; repeat < 3; repeat++) {
          const again = await post(body, headers)
          expect(again.status).toBe(202)
          expect(await again.json()).toEqual(first)
        }
        // The same key of another credential is another one.
        await post('{"message":"of another"}', { ...WRITE, 'Idempotency-Key': key })
        await send('last')
        await reader.until(() => reader.logs().at(-1)?.message === 'last')
        expect(reader.logs().map(({ message }) => message)).toEqual([key, 'of another', 'last'])
        for (const bad of ['', 'x'.repeat(256)]) {
          const answer = await refusal(await post('{}', { 'Idempotency-Key': bad }))
          expect(answer).toMatchObject({ status: 400, code: 'invalid_header' })
        }
      })

      it('takes secrets out before they are stored', async () => {
        const reader = await stream()
        await post('{"message":"m","user":{"password":"hunter2"},"req":{"headers":{"authorization":"Bearer hunter2"}}}')
        await reader.until(() => reader.logs().length === 1)
        expect(reader.logs()[0]?.context).toEqual({
          user: { password: '[REDACTED]' },
          req: { headers: { authorization: '[REDACTED]' } },
        })
        expect(await (await call('/logs', { headers: READ })).text()).not.toContain('hunter2')
      })

      it('cuts an upload that trickles', async () => {
        const pieces = new ReadableStream({
          async pull(controller) {
            await new Promise((resolve) => setTimeout(resolve, 200))
            controller.enqueue(new TextEncoder().encode(' '))
          },
        })
        const answer = await post(pieces).then(refusal, () => 'cut')
        if (answer !== 'cut') expect(answer).toMatchObject({ status: 408, code: 'body_timeout' })
      })

      it('answers 415 to other media types and encodings', async () => {
        for (const type of [
          'application/json; charset=utf-16',
          'text/plain',
          'application/x-www-form-urlencoded',
          'application/jsonp',
          'toString',
        ]) {
          const answer = await refusal(await post('{}', { 'Content-Type': type }))
          expect(answer).toMatchObject({ status: 415, code: 'unsupported_media_type' })
        }
        expect(await refusal(await post('{}', { 'Content-Encoding': 'br' }))).toMatchObject({ status: 415 })
      })
    })

    testOtlp({ fetch: (path, init) => service.fetch(path, init), stream })
    testStreams((path, init) => service.fetch(path, init))

    describe('GET /logs', () => {
      it('gives the stored entries with their ids, newest last, and pages back', async () => {
        const sent = [mark(), mark(), mark()]
        await send(...sent)
        const page = await (await call('/logs?tail=2', { headers: READ })).json()
        expect(page).toMatchObject({
          entries: [{ message: sent[1] }, { message: sent[2] }],
          before: expect.any(String),
        })
        const { entries, before } = page as { entries: Record<string, unknown>[]; before: string }
        expect(Object.keys(entries[0] ?? {})).toEqual(['id', 'ts', 'level', 'message', 'context'])
        const older = await (await call(`/logs?tail=1&before=${before}`, { headers: READ })).json()
        expect(older).toMatchObject({ entries: [{ message: sent[0] }] })
        // An id of another history: nothing is known before it.
        const unknown = await (await call('/logs?before=other-5', { headers: READ })).json()
        expect(unknown).toEqual({ entries: [], before: null })
        const answer = await refusal(await call('/logs?before=nonsense', { headers: READ }))
        expect(answer).toMatchObject({ status: 400, code: 'invalid_query' })
      })

      it('gives NDJSON to those who accept it', async () => {
        const sent = mark()
        await send(sent)
        const response = await call('/logs?tail=1', { headers: { ...READ, Accept: 'application/x-ndjson' } })
        expect(response.headers.get('Content-Type')).toBe('application/x-ndjson')
        expect(JSON.parse((await response.text()).trimEnd())).toMatchObject({ message: sent })
      })
    })

    describe('access', () => {
      it.each([
        ['nothing', {}],
        ['a wrong token', { Authorization: 'Bearer test-tokem' }],
        ['a prefix of the token', { Authorization: 'Bearer test-toke' }],
        ['no token at all', { Authorization: 'Bearer ' }],
        ['another scheme', { Authorization: 'Basic test-token' }],
        ['a cookie of its own making', { Cookie: 'edgetail_session=9999999999999.AAAA' }],
      ])('answers 401 to %s', async (_kind, headers) => {
        for (const [method, path] of [
          ['GET', '/stream'],
          ['GET', '/stream?token=test-token&access_token=test-token'],
          ['GET', '/logs'],
          ['POST', '/logs'],
          ['POST', '/session'],
        ] as const) {
          const response = await call(path, { method, headers: headers as Record<string, string> })
          expect(response.headers.get('WWW-Authenticate')).toBe('Bearer')
          expect(await refusal(response)).toMatchObject({ status: 401, code: 'unauthorized' })
        }
      })

      it('gives each token its own rights', async () => {
        expect((await call('/logs', { headers: READ })).status).toBe(200)
        expect(await refusal(await call('/logs', { headers: WRITE }))).toMatchObject({ status: 403, code: 'forbidden' })
        expect(await refusal(await call('/stream', { headers: WRITE }))).toMatchObject({ status: 403 })
        expect((await post('{"message":"written"}', WRITE)).status).toBe(202)
        expect(await refusal(await post('{"message":"x"}', READ))).toMatchObject({ status: 403, code: 'forbidden' })
      })

      it('trades a token for a cookie that reads, and writes only from this origin', async () => {
        const opened = await call('/session', { method: 'POST', headers: ALL })
        expect(opened.status).toBe(200)
        const cookie = opened.headers.get('Set-Cookie') ?? ''
        expect(cookie).toMatch(/; HttpOnly(;|$)/)
        expect(cookie).toMatch(/; SameSite=Strict(;|$)/)
        expect(cookie).toMatch(/; Max-Age=\d+(;|$)/)
        expect(cookie).not.toContain('test-token')
        expect(cookie).not.toMatch(/; Secure/)
        const session = { Cookie: cookie.split(';')[0] as string }
        expect((await stream('?tail=0', session)).response.status).toBe(200)
        const write = (headers: Record<string, string>): Promise<Response> =>
          call('/logs', {
            method: 'POST',
            headers: { ...session, 'Content-Type': 'application/json', ...headers },
            body: '{}',
          })
        expect(await refusal(await write({}))).toMatchObject({ status: 403 })
        expect(await refusal(await write({ Origin: 'https://evil.example' }))).toMatchObject({ status: 403 })
        expect((await write({ Origin: service.origin })).status).toBe(202)
        const changed = { Cookie: session.Cookie.replace(/=(\d)/, (_, digit) => `=${(Number(digit) + 1) % 10}`) }
        expect((await call('/logs', { headers: changed })).status).toBe(401)
        const closed = await call('/session', { method: 'DELETE', headers: session })
        expect(closed.status).toBe(204)
        expect(closed.headers.get('Set-Cookie')).toMatch(/^edgetail_session=; Max-Age=0/)
      })

      it('lets pages of named origins read, and no others', async () => {
        const named = await call('/logs', { headers: { ...READ, Origin: 'https://ops.example.com' } })
        expect(named.headers.get('Access-Control-Allow-Origin')).toBe('https://ops.example.com')
        const other = await call('/logs', { headers: { ...READ, Origin: 'https://evil.example' } })
        expect(other.headers.get('Access-Control-Allow-Origin')).toBeNull()
      })
    })

    describe('the rest', () => {
      it('says that it is well, without a token', async () => {
        const response = await call('/health')
        expect(response.status).toBe(200)
        expect(await response.json()).toMatchObject({
          status: 'ok',
          clients: expect.any(Number),
          entries: expect.any(Number),
        })
      })

      it('tells its numbers to those who may read, and no others', async () => {
        const reader = await stream()
        await send(mark(), mark())
        await reader.until(() => reader.logs().length === 2)
        const response = await call('/metrics', { headers: READ })
        expect(response.status).toBe(200)
        expect(response.headers.get('Content-Type')).toBe('text/plain; version=0.0.4; charset=utf-8')
        const { value } = readExposition(await response.text(), 'text')
        expect(value('edgetail_clients')).toBe(await clients())
        expect(value('edgetail_entries_total{level="info",way="json"}')).toBeGreaterThanOrEqual(2)
        expect(value('edgetail_deliveries_total')).toBeGreaterThanOrEqual(2)
        expect(value('edgetail_source_up')).toBe(1)
        expect(await refusal(await call('/metrics'))).toMatchObject({ status: 401, code: 'unauthorized' })
        expect(await refusal(await call('/metrics', { headers: WRITE }))).toMatchObject({ status: 403 })
        const posted = await call('/metrics', { method: 'POST', headers: ALL })
        expect(posted.headers.get('Allow')).toBe('GET')
        expect(await refusal(posted)).toMatchObject({ status: 405, code: 'method_not_allowed' })
      })

      it('serves a page that holds no secret and runs no script but its own', async () => {
        const response = await call('')
        const policy = response.headers.get('Content-Security-Policy') ?? ''
        const html = await response.text()
        const hash = /script-src '(sha256-[^']+)'/.exec(policy)?.[1] as string
        expect(policy).toContain("default-src 'none'")
        expect(policy).toContain("frame-ancestors 'none'")
        expect(policy).not.toContain('unsafe')
        expect(html).not.toContain('test-token')
        // The one script that there is has the hash that is let in.
        const [, script = ''] = /<script>([\s\S]*)<\/script>/.exec(html) ?? []
        const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(script))
        expect(hash).toBe(`sha256-${btoa(String.fromCharCode(...new Uint8Array(digest)))}`)
        expect(html.match(/<script/g)).toHaveLength(1)
      })

      it('serves the page and its worker again only when they are others', async () => {
        for (const path of ['', '/viewer.js']) {
          const first = await call(path)
          await first.text()
          const again = await call(path, { headers: { 'If-None-Match': first.headers.get('ETag') ?? '' } })
          expect([first.status, again.status]).toEqual([200, 304])
          expect(first.headers.get('Cache-Control')).toBe('no-cache')
        }
      })

      it('answers what it does not have in its own form', async () => {
        expect(await refusal(await call('/nothing'))).toMatchObject({ status: 404, code: 'not_found' })
        const response = await call('/stream', { method: 'POST', headers: ALL })
        expect(response.headers.get('Allow')).toBe('GET')
        expect(await refusal(response)).toMatchObject({ status: 405, code: 'method_not_allowed' })
      })

      it('leads the path with a slash at its end to the page', async () => {
        const response = await call('/', { redirect: 'manual' })
        expect(response.status).toBe(301)
        expect(response.headers.get('Location')).toBe('../monitor')
      })
    })
  })
}

function gzip(text: string): Promise<ArrayBuffer> {
  return new Response(new Blob([text]).stream().pipeThrough(new CompressionStream('gzip'))).arrayBuffer()
}
