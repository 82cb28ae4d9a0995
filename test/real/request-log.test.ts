/** A real Hono app that logs its requests, watched by a real client. */
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { serve } from '@hono/node-server'
import { Hono } from 'hono'
import { requestId } from 'hono/request-id'
import { expect, it, onTestFinished } from 'vitest'
import { createMonitor, memorySource, requestLog } from '../../src/index.ts'
import { openStream } from '../support/sse-reader.ts'

it('logs every request of an app once, in order, and nothing of those who watch', async () => {
  const monitor = createMonitor({ source: memorySource(), token: 'secret' })
  const app = new Hono()
  app.use(requestId(), requestLog(monitor))
  app.onError((_error, c) => c.text('sorry', 500))
  app.route('/ops', monitor.routes)
  app.get('/orders/:id', (c) => c.text(c.req.param('id')))
  app.get('/throw', () => {
    throw new TypeError('boom')
  })
  const server = serve({ fetch: app.fetch, hostname: '127.0.0.1', port: 0 })
  await once(server, 'listening')
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  onTestFinished(async () => {
    await monitor.close()
    server.close()
  })

  const headers = { Authorization: 'Bearer secret' }
  const watchers = await Promise.all([1, 2, 3].map(() => openStream(fetch, `${origin}/ops/stream?tail=0`, { headers })))
  const [reader] = watchers as [(typeof watchers)[0]]
  await reader.until(({ events }) => events.length > 0)
  const expected: string[] = []
  for (let number = 0; number < 100; number++) {
    await (await fetch(`${origin}/orders/${number}?token=hunter2`, { headers })).text()
    expected.push(`GET /orders/${number} 200`)
    // Between them what a viewer asks for.
    if (number % 10 === 0) await (await fetch(`${origin}/ops/logs`, { headers })).text()
  }
  const failed = await fetch(`${origin}/throw?token=hunter2`, { headers: { 'X-Request-Id': 'seen-before' } })
  expect(await failed.text()).toBe('sorry')
  await fetch(`${origin}/orders/last`, { method: 'HEAD' })
  expected.push('GET /throw 500', 'HEAD /orders/last 200')

  for (const watcher of watchers) {
    await watcher.until(() => watcher.logs().length >= expected.length)
    expect(watcher.logs().map(({ message }) => message)).toEqual(expected)
    expect(watcher.text()).not.toContain('hunter')
    await watcher.close()
  }
  expect(reader.logs()[7]?.context).toEqual({
    method: 'GET',
    path: '/orders/7',
    route: '/orders/:id',
    status: 200,
    durationMs: expect.any(Number),
    requestId: expect.stringMatching(/^[\da-f-]{36}$/),
  })
  expect(reader.logs()[100]).toMatchObject({
    level: 'error',
    context: {
      requestId: 'seen-before',
      err: { type: 'TypeError', stack: expect.stringContaining('request-log.test') },
    },
  })
})
