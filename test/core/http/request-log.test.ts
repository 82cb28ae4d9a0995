import { Hono } from 'hono'
import { getRuntimeKey } from 'hono/adapter'
import { bodyLimit } from 'hono/body-limit'
import { HTTPException } from 'hono/http-exception'
import { requestId } from 'hono/request-id'
import { describe, expect, it, vi } from 'vitest'
import { type RequestLogOptions, requestLog } from '../../../src/http/request-log.ts'
import type { LogEntry } from '../../../src/log.ts'
import { createMonitor, type Monitor } from '../../../src/monitor.ts'
import { memorySource } from '../../../src/sources/memory.ts'

const headers = { Authorization: 'Bearer secret' }

function open(options?: RequestLogOptions): { monitor: Monitor; app: Hono } {
  const monitor = createMonitor({ source: memorySource(), token: 'secret' })
  const app = new Hono()
  app.use(requestLog(monitor, options))
  return { monitor, app }
}

async function only(monitor: Monitor): Promise<LogEntry> {
  const entries = await monitor.getLastLogs()
  expect(entries).toHaveLength(1)
  return entries[0] as LogEntry
}

describe('requestLog', () => {
  it('makes one entry a request: method, path, route, status, duration', async () => {
    const { monitor, app } = open()
    app.get('/orders/:id', async (c) => {
      await new Promise((resolve) => setTimeout(resolve, 20))
      return c.text('here')
    })
    const response = await app.request('/orders/7?token=hunter2&page=2', {
      headers: { Cookie: 'session=hunter3', Authorization: 'Bearer hunter4' },
    })
    expect(await response.text()).toBe('here')
    const entry = await only(monitor)
    expect(entry).toEqual({
      ts: expect.any(String),
      level: 'info',
      message: 'GET /orders/7 200',
      context: { method: 'GET', path: '/orders/7', route: '/orders/:id', status: 200, durationMs: expect.any(Number) },
    })
    expect(entry.context.durationMs).toBeGreaterThanOrEqual(15)
    expect(JSON.stringify(entry)).not.toContain('hunter')
  })

  it.each([
    [200, 'info'],
    [302, 'info'],
    [404, 'warn'],
    [499, 'warn'],
    [500, 'error'],
    [503, 'error'],
  ])('logs status %i at level %s', async (status, level) => {
    const { monitor, app } = open()
    app.get('/', () => new Response(null, { status }))
    await app.request('/')
    expect(await only(monitor)).toMatchObject({ level, context: { status, route: '/' } })
  })

  it('names no route where none answered', async () => {
    const { monitor, app } = open()
    await app.request('/nowhere')
    const { context } = await only(monitor)
    expect(context).toMatchObject({ path: '/nowhere', status: 404 })
    expect(context).not.toHaveProperty('route')
  })

  it('names the route of an app within the app', async () => {
    const { monitor, app } = open()
    app.route(
      '/api',
      new Hono().post('/orders/:id/pay', (c) => c.text('paid')),
    )
    await app.request('/api/orders/7/pay', { method: 'POST' })
    expect((await only(monitor)).context).toMatchObject({ method: 'POST', route: '/api/orders/:id/pay' })
  })

  it('keeps the query parameters that are named, and redacts what is a secret by its name', async () => {
    const { monitor, app } = open({ query: ['page', 'tag', 'token', 'absent'] })
    app.get('/', (c) => c.text(''))
    await app.request('/?page=2&tag=a&tag=b&token=hunter2&other=hunter3')
    const entry = await only(monitor)
    expect(entry.context.query).toEqual({ page: '2', tag: ['a', 'b'], token: '[REDACTED]' })
    expect(JSON.stringify(entry)).not.toContain('hunter')
  })

  it('keeps a path as it was sent, without what would move a cursor', async () => {
    const { monitor, app } = open()
    await app.request('/a%0aGET%20/b%20200%1b[2J%3Fx')
    expect((await only(monitor)).message).toBe('GET /a%0aGET%20/b%20200%1b[2J%3Fx 404')
  })

  it('has the stack of what a handler threw, and leaves its answer as it is', async () => {
    const { monitor, app } = open()
    app.onError((_error, c) => c.text('sorry', 500))
    app.get('/', () => {
      throw new RangeError('too far', { cause: new Error('why') })
    })
    const response = await app.request('/')
    expect([response.status, await response.text()]).toEqual([500, 'sorry'])
    expect(await only(monitor)).toMatchObject({
      level: 'error',
      message: 'GET / 500',
      context: {
        status: 500,
        err: {
          type: 'RangeError',
          message: 'too far',
          stack: expect.stringContaining('request-log.test'),
          cause: { message: 'why' },
        },
      },
    })
  })

  it('logs an HTTPException by its status', async () => {
    const { monitor, app } = open()
    app.get('/', () => {
      throw new HTTPException(403, { message: 'not you' })
    })
    expect((await app.request('/')).status).toBe(403)
    expect(await only(monitor)).toMatchObject({ level: 'warn', context: { status: 403, err: { message: 'not you' } } })
  })

  it('logs what is thrown that is no error, and passes it on', async () => {
    const { monitor, app } = open()
    app.get('/', () => {
      throw 'a string'
    })
    await expect(async () => app.request('/')).rejects.toBe('a string')
    expect(await only(monitor)).toMatchObject({ level: 'error', message: 'GET / 500', context: { err: 'a string' } })
  })

  it.each([
    ['before', [0, 1]],
    ['after', [1, 0]],
  ])("has the id of hono's requestId, used %s it", async (_place, order) => {
    const monitor = createMonitor({ source: memorySource(), token: 'secret' })
    const app = new Hono()
    const middlewares = [requestId({ headerName: '' }), requestLog(monitor)] as const
    for (const index of order) app.use(middlewares[index as 0 | 1])
    let id: unknown
    app.get('/', (c) => {
      id = c.get('requestId' as never) as unknown
      return c.text('')
    })
    await app.request('/', { headers: { 'X-Request-Id': 'from-outside' } })
    expect(id).toMatch(/^[\da-f-]{36}$/)
    expect((await only(monitor)).context.requestId).toBe(id)
  })

  it.each([
    ['abc-123_=', 'abc-123_='],
    ['no blanks in it', undefined],
    ['\u001b[2J', undefined],
    ['x'.repeat(256), undefined],
  ])('takes the X-Request-Id %j as %j', async (sent, kept) => {
    const { monitor, app } = open()
    await app.request(new Request('http://localhost/', { headers: { 'X-Request-Id': sent } }))
    expect((await only(monitor)).context.requestId).toBe(kept)
  })

  it("takes Cloudflare's id on Cloudflare only", async () => {
    const { monitor, app } = open()
    await app.request('/', { headers: { 'CF-Ray': '8c5a-DFW' } })
    expect((await only(monitor)).context.requestId).toBe(getRuntimeKey() === 'workerd' ? '8c5a-DFW' : undefined)
  })

  it('leaves out what ignore names, by the answer too', async () => {
    const { monitor, app } = open({ ignore: (c) => c.req.path === '/health' && c.res.status === 200 })
    let healthy = true
    app.get('/health', (c) => c.text('', healthy ? 200 : 503))
    await app.request('/health')
    healthy = false
    await app.request('/health')
    expect((await only(monitor)).message).toBe('GET /health 503')
  })

  it('does not fail a request whose ignore fails, and says so', async () => {
    const { monitor, app } = open({
      ignore() {
        throw new Error('a bug of mine')
      },
    })
    app.get('/', (c) => c.text('fine'))
    expect(await (await app.request('/')).text()).toBe('fine')
    expect((await monitor.getLastLogs()).map(({ level, message }) => [level, message])).toEqual([
      ['error', 'requestLog: ignore failed'],
      ['info', 'GET / 200'],
    ])
  })

  it('tells of a streamed response when it begins', async () => {
    const { monitor, app } = open()
    let end = (): void => {}
    const body = new ReadableStream({
      start(controller) {
        end = () => controller.close()
      },
    })
    app.get('/', () => new Response(body))
    const response = await app.request('/')
    expect((await only(monitor)).message).toBe('GET / 200')
    end()
    expect(await response.text()).toBe('')
  })

  it('takes anything that logs', async () => {
    const log = vi.fn()
    const app = new Hono().use(requestLog({ log })).get('/', (c) => c.text(''))
    await app.request('/')
    expect(log).toHaveBeenCalledExactlyOnceWith('info', 'GET / 200', expect.objectContaining({ path: '/' }))
  })
})

describe("the monitor's own routes", () => {
  const mounted: [string, string, (app: Hono, monitor: Monitor) => unknown][] = [
    ['route', '/monitor', (app, { routes }) => app.route('/monitor', routes)],
    ['route under another path', '/ops/logs', (app, { routes }) => app.route('/ops/logs', routes)],
    ['basePath', '/api/monitor', (app, { routes }) => app.basePath('/api').route('/monitor', routes)],
    ['an app within the app', '/v1/in/log', (app, { routes }) => app.route('/v1', new Hono().route('/in/log', routes))],
    ['a path with a parameter', '/acme/log', (app, { routes }) => app.route('/:tenant/log', routes)],
    ['mount', '/mounted', (app, { routes }) => app.mount('/mounted', routes.fetch)],
    [
      'a body limit before it',
      '/monitor',
      (app, { routes }) => app.use(bodyLimit({ maxSize: 9e9 })).route('/monitor', routes),
    ],
    [
      'a middleware that sets headers after it',
      '/monitor',
      (app, { routes }) =>
        app
          .use(async (c, next) => {
            await next()
            c.header('X-Mine', 'yes')
          })
          .route('/monitor', routes),
    ],
  ]

  it.each(mounted)('are left out, with %s', async (_name, base, mount) => {
    const { monitor, app } = open()
    mount(app, monitor)
    app.get('/mine', (c) => c.text(''))
    const json = { ...headers, 'Content-Type': 'application/json' }
    const requests: [string, RequestInit, number][] = [
      ['/health', {}, 200],
      ['/logs', { headers }, 200],
      ['/logs', {}, 401],
      ['/logs', { method: 'POST', headers: json, body: '{"message":"sent"}' }, 202],
      ['/logs', { method: 'POST', headers: json, body: 'x' }, 400],
      ['/nothing', { headers }, 404],
      ['/health', { method: 'DELETE' }, 405],
    ]
    for (const [path, init, status] of requests) {
      const response = await app.request(base + path, init)
      expect([path, response.status]).toEqual([path, status])
      await response.text()
    }
    const stream = await app.request(`${base}/stream`, { headers })
    expect(stream.status).toBe(200)
    await stream.body?.cancel()
    await app.request('/mine')
    expect((await monitor.getLastLogs()).map(({ message }) => message)).toEqual(['sent', 'GET /mine 200'])
    await monitor.close()
  })

  it('do not feed themselves: a watched stream stays as quiet as the app', async () => {
    const { monitor, app } = open()
    app.route('/monitor', monitor.routes)
    const seen = vi.fn()
    monitor.onLog(seen)
    for (let round = 0; round < 20; round++) await (await app.request('/monitor/logs', { headers })).text()
    await new Promise((resolve) => setTimeout(resolve, 50))
    expect(seen).not.toHaveBeenCalled()
    await monitor.close()
  })
})
