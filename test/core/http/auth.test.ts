import { describe, expect, it, vi } from 'vitest'
import { createGuessLimit } from '../../../src/http/guess-limit.ts'
import { createMonitor, type Monitor, type MonitorOptions } from '../../../src/monitor.ts'
import { memorySource } from '../../../src/sources/memory.ts'

function open(options: Partial<MonitorOptions>): Monitor {
  return createMonitor({ source: memorySource(), ...options })
}

const json = { 'Content-Type': 'application/json' }

describe('sessions', () => {
  it('are Secure and bound to the host on https', async () => {
    const { routes } = open({ token: 'secret' })
    const bearer = { Authorization: 'Bearer secret' }
    const opened = await routes.request('https://ops.example.com/session', { method: 'POST', headers: bearer })
    const cookie = opened.headers.get('Set-Cookie') ?? ''
    expect(cookie).toMatch(/^__Host-edgetail_session=\S+; Max-Age=43200; Path=\/; HttpOnly; Secure; SameSite=Strict$/)
    const session = { Cookie: cookie.split(';')[0] as string }
    expect((await routes.request('https://ops.example.com/logs', { headers: session })).status).toBe(200)
    // Not one that a plain page of the host could have set.
    const plain = { Cookie: session.Cookie.replace('__Host-', '') }
    expect((await routes.request('https://ops.example.com/logs', { headers: plain })).status).toBe(401)
  })

  it('end with the token that opened them', async () => {
    const bearer = { Authorization: 'Bearer old' }
    const opened = await open({ token: 'old' }).routes.request('/session', { method: 'POST', headers: bearer })
    const session = { Cookie: opened.headers.get('Set-Cookie')?.split(';')[0] as string }
    expect((await open({ token: 'old' }).routes.request('/logs', { headers: session })).status).toBe(200)
    expect((await open({ token: 'new' }).routes.request('/logs', { headers: session })).status).toBe(401)
    // Nor does a reader's session become a writer's.
    expect((await open({ token: 'new', readToken: 'old' }).routes.request('/logs', { headers: session })).status).toBe(
      200,
    )
    const write = { method: 'POST', body: '{}', headers: { ...session, ...json, 'Sec-Fetch-Site': 'same-origin' } }
    expect((await open({ readToken: 'old' }).routes.request('/logs', write)).status).toBe(403)
  })

  it.each([
    [{ 'Sec-Fetch-Site': 'same-origin' }, 202],
    [{ 'Sec-Fetch-Site': 'same-site' }, 403],
    [{ 'Sec-Fetch-Site': 'cross-site', Origin: 'http://localhost' }, 403],
    [{ 'Sec-Fetch-Site': 'none' }, 403],
    [{ Origin: 'http://localhost' }, 202],
    [{ Origin: 'http://localhost:81' }, 403],
    [{ Origin: 'null' }, 403],
    [{}, 403],
  ])('that write with %j are answered %i', async (headers, status) => {
    const { routes } = open({ token: 'secret' })
    const opened = await routes.request('/session', { method: 'POST', headers: { Authorization: 'Bearer secret' } })
    const session = { Cookie: opened.headers.get('Set-Cookie')?.split(';')[0] as string }
    const response = await routes.request('/logs', {
      method: 'POST',
      body: '{}',
      headers: { ...session, ...json, ...headers },
    })
    expect(response.status).toBe(status)
  })
})

describe('headers of a proxy', () => {
  const forwarded = {
    'X-Forwarded-Proto': 'https',
    'X-Forwarded-Host': 'ops.example.com',
    Authorization: 'Bearer secret',
  }

  it('are not believed unless they are named', async () => {
    const { routes } = open({ token: 'secret' })
    const opened = await routes.request('/session', { method: 'POST', headers: forwarded })
    expect(opened.headers.get('Set-Cookie')).toMatch(/^edgetail_session=/)
  })

  it('make the cookie that of the page that the browser sees', async () => {
    const { routes } = open({ token: 'secret', trustedHeaders: ['x-forwarded-proto', 'x-forwarded-host'] })
    const opened = await routes.request('/session', { method: 'POST', headers: forwarded })
    const cookie = opened.headers.get('Set-Cookie') ?? ''
    expect(cookie).toMatch(/^__Host-edgetail_session=/)
    const { Authorization: _, ...rest } = forwarded
    const headers = { ...rest, ...json, Cookie: cookie.split(';')[0] as string, Origin: 'https://ops.example.com' }
    expect((await routes.request('/logs', { method: 'POST', body: '{}', headers })).status).toBe(202)
  })
})

describe('a check of one’s own', () => {
  const known = (request: Request): string | null => request.headers.get('X-Person')

  it('lets in whom it knows, with the rights that it gives', async () => {
    const { routes } = open({
      authenticate: async (request) =>
        known(request) ? { name: known(request) as string, rights: ['read'] } : undefined,
    })
    expect((await routes.request('/logs', { headers: { 'X-Person': 'ann' } })).status).toBe(200)
    expect((await routes.request('/logs')).status).toBe(401)
    const write = { method: 'POST', body: '{}', headers: { ...json, 'X-Person': 'ann', Origin: 'http://localhost' } }
    expect((await routes.request('/logs', write)).status).toBe(403)
  })

  it('writes only from this origin, unless the credential is not sent by browsers themselves', async () => {
    const rights = ['read', 'write'] as const
    const write = { method: 'POST', body: '{}', headers: json }
    expect((await open({ authenticate: () => ({ name: 'a', rights }) }).routes.request('/logs', write)).status).toBe(
      403,
    )
    const machine = open({ authenticate: () => ({ name: 'a', rights, ambient: false }) })
    expect((await machine.routes.request('/logs', write)).status).toBe(202)
  })

  it('lets nobody in after the end that it names', async () => {
    const { routes } = open({ authenticate: () => ({ name: 'a', rights: ['read'], expires: Date.now() - 1 }) })
    expect((await routes.request('/logs')).status).toBe(401)
  })

  it('that fails lets nobody in and tells nothing', async () => {
    const onError = vi.fn()
    const { routes } = open({
      onError,
      authenticate: () => {
        throw new Error('jwks.internal refused')
      },
    })
    const response = await routes.request('/logs')
    expect(response.status).toBe(500)
    expect(await response.text()).not.toContain('jwks')
    expect(onError).toHaveBeenCalledOnce()
  })
})

describe('createGuessLimit', () => {
  it('answers the first wrong tokens of an address at once and those after them later and later', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'Date'] })
    try {
      const limit = createGuessLimit({ burst: 3, perSecond: 2 })
      const answered: number[] = []
      const began = Date.now()
      const guesses = Array.from({ length: 6 }, () => limit.wrong('a').then(() => answered.push(Date.now() - began)))
      await limit.wrong('another address')
      await vi.advanceTimersByTimeAsync(2000)
      await Promise.all(guesses)
      expect(answered).toEqual([0, 0, 0, 0, 500, 1000])
      await vi.advanceTimersByTimeAsync(10_000)
      const after = Date.now()
      await limit.wrong('a')
      expect(Date.now()).toBe(after)
    } finally {
      vi.useRealTimers()
    }
  })

  it('never holds up a right token', async () => {
    const { routes } = open({ token: 'secret' })
    const wrong = Array.from({ length: 14 }, () =>
      routes.request('/session', { method: 'POST', headers: { Authorization: 'Bearer wrong' } }),
    )
    const began = Date.now()
    const right = await routes.request('/session', { method: 'POST', headers: { Authorization: 'Bearer secret' } })
    expect(right.status).toBe(200)
    expect(Date.now() - began).toBeLessThan(400)
    for (const response of await Promise.all(wrong)) expect(response.status).toBe(401)
    expect(Date.now() - began).toBeGreaterThan(1000)
  })
})
