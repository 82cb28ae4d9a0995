/** Named streams, as a part of the HTTP contract. */
import { describe, expect, it, onTestFinished } from 'vitest'
import { readExposition } from '../support/exposition.ts'
import { SERVICE_SETTINGS } from '../support/settings.ts'
import { type Fetch, openStream, type StreamReader } from '../support/sse-reader.ts'

const MAX = Number(SERVICE_SETTINGS.EDGETAIL_MAX_STREAMS)

const bearer = (token: string): Record<string, string> => ({ Authorization: `Bearer ${token}` })
const ALL = bearer(SERVICE_SETTINGS.EDGETAIL_TOKEN)
const JSON_TYPE = { 'Content-Type': 'application/json' }

/** Names that are none, as they stand in a path. */
const BAD_NAMES = [
  'Shop',
  'SHOP',
  '-shop',
  '.shop',
  '_shop',
  'sh op',
  'sh%20op',
  'sh%2Fop',
  '%2Fshop',
  '..%2Fshop',
  '%2e%2e%2fshop',
  'shop%00',
  'shop%0A',
  'sh%c3%b6p',
  'shöp',
  'ｓｈｏｐ',
  '%F0%9F%9B%92',
  '%',
  '%zz',
  '*',
  'pay-*',
  '__proto__',
  'sh:op',
  'a'.repeat(65),
  'a'.repeat(5000),
]

/** Adds the tests. They come last of what uses names: afterwards all places are taken. */
export function testStreams(fetch: Fetch): void {
  const call = (path: string, init?: RequestInit): Promise<Response> => fetch(`/monitor${path}`, init)
  const write = (
    name: string,
    messages: string[],
    token: string = SERVICE_SETTINGS.EDGETAIL_TOKEN,
  ): Promise<Response> =>
    call(`/s/${name}/logs`, {
      method: 'POST',
      headers: { ...bearer(token), ...JSON_TYPE },
      body: JSON.stringify(messages.map((message) => ({ message }))),
    })
  const stream = async (path: string, headers: Record<string, string> = {}): Promise<StreamReader> => {
    const reader = await openStream(fetch, `/monitor${path}`, { headers: { ...ALL, ...headers } })
    onTestFinished(() => reader.close())
    await reader.until(({ events, response }) => !response.ok || events.length > 0)
    return reader
  }
  const stored = async (path: string): Promise<string[]> => {
    const page = (await (await call(path, { headers: ALL })).json()) as { entries: { message: string }[] }
    return page.entries.map(({ message }) => message)
  }
  const names = async (token: string = SERVICE_SETTINGS.EDGETAIL_TOKEN, base = ''): Promise<string[]> => {
    const answer = await call(`${base}/streams`, { headers: bearer(token) })
    expect(answer.status).toBe(200)
    const { streams } = (await answer.json()) as { streams: { name: string }[] }
    return streams.map(({ name }) => name)
  }
  const refusal = async (response: Response): Promise<{ status: number; code: string; message: string }> => {
    const { error } = (await response.json()) as { error: { code: string; message: string } }
    return { status: response.status, ...error }
  }

  describe('named streams', () => {
    it('keeps the entries of each apart, in what comes and in what is stored', async () => {
      const [shop, base] = await Promise.all([stream('/s/shop/stream?tail=0'), stream('/stream?tail=0')])
      expect((await write('shop', ['of the shop'])).status).toBe(202)
      expect((await write('pay-in', ['of the till'])).status).toBe(202)
      expect((await write('default', ['of the base'])).status).toBe(202)
      await shop.until(() => shop.logs().length > 0)
      await base.until(() => base.logs().length > 0)
      expect((await write('shop', ['again'])).status).toBe(202)
      await shop.until(() => shop.logs().length > 1)
      expect(shop.logs().map(({ message }) => message)).toEqual(['of the shop', 'again'])
      expect(base.logs().map(({ message }) => message)).toEqual(['of the base'])
      expect(await stored('/s/shop/logs')).toEqual(['of the shop', 'again'])
      expect(await stored('/s/pay-in/logs')).toEqual(['of the till'])
      expect((await stored('/logs?tail=1')).concat(await stored('/s/default/logs?tail=1'))).toEqual([
        'of the base',
        'of the base',
      ])
    })

    it('resumes each by its own ids, and tells a gap to whoever comes with those of another', async () => {
      const [shop, base] = await Promise.all([stream('/s/shop/stream?tail=0'), stream('/stream?tail=0')])
      await write('shop', ['one', 'two', 'three'])
      await shop.until(() => shop.logs().length === 3)
      const [one] = shop.events.filter(({ event }) => event === 'log').map(({ id }) => id as string)
      const resumed = await stream('/s/shop/stream', { 'Last-Event-ID': one as string })
      await resumed.until(() => resumed.logs().length === 2)
      expect(resumed.logs().map(({ message }) => message)).toEqual(['two', 'three'])
      expect(resumed.events.filter(({ event }) => event === 'gap')).toEqual([])
      const foreign = await stream('/s/shop/stream', { 'Last-Event-ID': base.events[0]?.id as string })
      await foreign.until(() => foreign.events.length > 1)
      expect(JSON.parse(foreign.events[1]?.data ?? '')).toEqual({ reason: 'restarted', dropped: null })
    })

    it('repeats nothing with a key that was used in the same stream, and all with one of another', async () => {
      const once = (name: string, message: string): Promise<Response> =>
        call(`/s/${name}/logs`, {
          method: 'POST',
          headers: { ...ALL, ...JSON_TYPE, 'Idempotency-Key': 'streams' },
          body: JSON.stringify({ message }),
        })
      for (const message of ['first', 'second']) {
        await once('shop', message)
        await once('pay-in', message)
      }
      expect(await stored('/s/shop/logs?tail=1')).toEqual(['first'])
      expect(await stored('/s/pay-in/logs?tail=1')).toEqual(['first'])
    })

    it('has every route of the base below the name', async () => {
      const otlp = await call('/s/shop/v1/logs', {
        method: 'POST',
        headers: { ...ALL, ...JSON_TYPE },
        body: JSON.stringify({
          resourceLogs: [{ scopeLogs: [{ logRecords: [{ body: { stringValue: 'by OTLP' } }] }] }],
        }),
      })
      expect(otlp.status).toBe(200)
      expect(await stored('/s/shop/logs?tail=1')).toEqual(['by OTLP'])
      const { value } = readExposition(await (await call('/s/shop/metrics', { headers: ALL })).text(), 'text')
      expect(value('edgetail_entries_total{level="info",way="otlp"}')).toBeGreaterThanOrEqual(1)
      const health = await call('/s/shop/health', { headers: ALL })
      expect(await health.json()).toMatchObject({ status: 'ok', entries: await (await stored('/s/shop/logs')).length })
      expect(await (await call('/s/shop')).text()).toBe(await (await call('')).text())
      expect(await (await call('/s/shop/viewer.js')).text()).toBe(await (await call('/viewer.js')).text())
      const slash = await call('/s/shop/', { redirect: 'manual' })
      expect([slash.status, slash.headers.get('Location')]).toEqual([301, '../shop'])
      const opened = await call('/s/shop/session', { method: 'POST', headers: ALL })
      const session = { Cookie: opened.headers.get('Set-Cookie')?.split(';')[0] as string }
      expect((await call('/s/shop/logs', { headers: session })).status).toBe(200)
      expect((await call('/logs', { headers: session })).status).toBe(200)
      expect((await call('/s/shop/session', { method: 'DELETE' })).status).toBe(204)
      for (const [path, allowed] of [
        ['/s/shop/stream', 'GET'],
        ['/s/shop/v1/logs', 'PUT'],
      ]) {
        const response = await call(path as string, { method: 'PUT', headers: ALL })
        expect(response.status).toBe(405)
        if (allowed === 'GET') expect(response.headers.get('Allow')).toBe('GET')
      }
      expect(await refusal(await call('/s/shop/nothing', { headers: ALL }))).toMatchObject({ status: 404 })
      expect(await refusal(await call('/s', { headers: ALL }))).toMatchObject({ status: 404 })
    })

    it('tells at the base how many there are', async () => {
      const there = (await names()).length - 1
      const { value } = readExposition(await (await call('/metrics', { headers: ALL })).text(), 'text')
      expect(value('edgetail_streams')).toBe(there)
      const text = await (await call('/s/shop/metrics', { headers: ALL })).text()
      expect(text).not.toContain('edgetail_streams')
    })

    it.each(BAD_NAMES)('answers 404 to the name %j, and makes nothing of it', async (name) => {
      const before = await names()
      for (const path of [`/s/${name}/logs`, `/s/${name}/stream`, `/s/${name}`]) {
        const response = await call(path, { headers: ALL })
        // Some servers in between refuse what is no path before it comes to us.
        expect([400, 404, 414]).toContain(response.status)
        await response.body?.cancel()
      }
      expect(await names()).toEqual(before)
    })

    it.each([
      '..',
      '%2e%2e',
      '.',
      '%2E',
    ])('takes the path with %j for what a URL says it is, and for no name', async (name) => {
      const before = await names()
      const response = await call(`/s/${name}/logs`, { headers: ALL })
      expect([200, 404]).toContain(response.status)
      await response.body?.cancel()
      expect(await names()).toEqual(before)
    })

    it('takes names that objects have members of', async () => {
      expect((await write('constructor', ['a'])).status).toBe(202)
      expect(await stored('/s/constructor/logs')).toEqual(['a'])
      expect((await write('a'.repeat(64), ['a'])).status).toBe(202)
    })

    describe('tokens that are limited to some', () => {
      /** What each may do, by the stream. */
      const RIGHTS: Record<string, Record<string, string>> = {
        'test-token': { '': 'rw', '/s/default': 'rw', '/s/shop': 'rw', '/s/pay-in': 'rw', '/s/pay-out': 'rw' },
        'read-token': { '': 'r', '/s/default': 'r', '/s/shop': 'r', '/s/pay-in': 'r', '/s/pay-out': 'r' },
        'write-token': { '': 'w', '/s/default': 'w', '/s/shop': 'w', '/s/pay-in': 'w', '/s/pay-out': 'w' },
        'all-token': { '': 'r', '/s/default': 'r', '/s/shop': 'r', '/s/pay-in': 'r', '/s/pay-out': 'r' },
        'shop-token': { '': '', '/s/default': '', '/s/shop': 'rw', '/s/pay-in': '', '/s/pay-out': '', '/s/none': '' },
        'pay-token': { '': '', '/s/default': '', '/s/shop': '', '/s/pay-in': 'rw', '/s/pay-out': 'r', '/s/none': '' },
        'wrong-token': { '': '?', '/s/default': '?', '/s/shop': '?', '/s/pay-in': '?', '/s/none': '?' },
      }
      const ROUTES = [
        ['GET', '/stream?tail=0', 'r', 200],
        ['GET', '/logs?tail=1', 'r', 200],
        ['GET', '/metrics', 'r', 200],
        ['POST', '/logs', 'w', 202],
        ['POST', '/v1/logs', 'w', 200],
        ['POST', '/session', 'rw', 200],
      ] as const

      it.each(Object.keys(RIGHTS))('%s', { timeout: 60_000 }, async (token) => {
        for (const [base, rights] of Object.entries(RIGHTS[token] ?? {})) {
          for (const [method, route, needed, status] of ROUTES) {
            const abort = new AbortController()
            const response = await call(base + route, {
              method,
              headers: { ...bearer(token), ...JSON_TYPE },
              signal: abort.signal,
              ...(method === 'POST' ? { body: route === '/logs' ? '{"message":"x"}' : '{}' } : {}),
            })
            const isAllowed = [...needed].some((right) => rights.includes(right))
            const expected = rights === '?' ? 401 : isAllowed ? status : 403
            expect(`${method} ${base}${route} ${response.status}`).toBe(`${method} ${base}${route} ${expected}`)
            if (route.startsWith('/stream')) await response.body?.cancel().catch(() => {})
            else await response.arrayBuffer()
            abort.abort()
          }
          const health = await call(`${base}/health`, { headers: bearer(token) })
          const isOpen = base === '' || base === '/s/default'
          expect(health.status).toBe(isOpen || rights.includes('r') ? 200 : rights === '?' ? 401 : 403)
          await health.arrayBuffer()
          expect((await call(base)).status).toBe(200)
        }
      })

      it('see the names that they may read, and no others', async () => {
        const all = await names()
        expect(all).toEqual([...all].sort())
        expect(all).toEqual(expect.arrayContaining(['default', 'pay-in', 'shop']))
        expect(await names('all-token')).toEqual(all)
        expect(await names('shop-token')).toEqual(['shop'])
        expect(await names('pay-token', '/s/pay-in')).toEqual(all.filter((name) => name.startsWith('pay-')))
        expect((await call('/streams')).status).toBe(401)
        expect((await call('/streams', { headers: bearer('write-token') })).status).toBe(403)
        const current = await (await call('/s/shop/streams', { headers: bearer('shop-token') })).json()
        expect(current).toMatchObject({ stream: 'shop' })
      })

      it('learn of no other name, whether it exists or not', async () => {
        const there = await refusal(await call('/s/pay-in/logs', { headers: bearer('shop-token') }))
        const not = await refusal(await call('/s/none/logs', { headers: bearer('shop-token') }))
        expect(there).toEqual(not)
        expect(there).toMatchObject({ status: 403, code: 'forbidden' })
        expect(there.message).toContain('/s/shop')
        expect(await names()).not.toContain('none')
        const unknown = await refusal(await call('/s/none/health'))
        expect(unknown).toEqual(await refusal(await call('/s/shop/health')))
        expect(unknown).toMatchObject({ status: 401 })
      })

      it('keep their limits as a session', async () => {
        const opened = await call('/s/pay-in/session', { method: 'POST', headers: bearer('pay-token') })
        expect(await opened.json()).toMatchObject({ rights: ['read', 'write'] })
        const Cookie = opened.headers.get('Set-Cookie')?.split(';')[0] as string
        expect((await call('/s/pay-in/logs', { headers: { Cookie } })).status).toBe(200)
        expect((await call('/s/pay-out/logs', { headers: { Cookie } })).status).toBe(200)
        for (const base of ['', '/s/shop', '/s/none']) {
          expect((await call(`${base}/logs`, { headers: { Cookie } })).status).toBe(403)
        }
        const post = {
          method: 'POST',
          body: '{"message":"x"}',
          headers: { Cookie, ...JSON_TYPE, 'Sec-Fetch-Site': 'same-origin' },
        }
        expect((await call('/s/pay-out/logs', post)).status).toBe(403)
        expect((await call('/s/pay-in/logs', post)).status).toBe(202)
      })
    })

    it('makes as many as the limit allows, however many are asked for at once', { timeout: 60_000 }, async () => {
      const before = (await names()).length - 1
      expect(before).toBeGreaterThan(3)
      const answers = await Promise.all(Array.from({ length: 50 }, (_, n) => write(`many-${n}`, [`${n}`])))
      expect(answers.filter(({ status }) => status === 202)).toHaveLength(MAX - before)
      for (const answer of answers) {
        if (answer.status === 202) continue
        const { status, code, message } = await refusal(answer)
        expect({ status, code }).toEqual({ status: 507, code: 'too_many_streams' })
        expect(message).toContain('EDGETAIL_MAX_STREAMS')
      }
      expect(await names()).toHaveLength(MAX + 1)
      const read = await call('/s/one-more/stream', { headers: ALL })
      expect(await refusal(read)).toMatchObject({ status: 507, code: 'too_many_streams' })
      // Those that there are go on.
      expect((await write('shop', ['still here'])).status).toBe(202)
      expect(await stored('/s/shop/logs?tail=1')).toEqual(['still here'])
    })
  })
}
