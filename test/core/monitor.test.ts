import { Hono } from 'hono'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { MonitorError } from '../../src/errors.ts'
import { createMonitor, type Monitor, type MonitorOptions } from '../../src/monitor.ts'
import type { LogSource, StreamItem } from '../../src/source.ts'
import { memorySource } from '../../src/sources/memory.ts'
import { openStream, type StreamReader } from '../support/sse-reader.ts'

const headers = { Authorization: 'Bearer secret' }

function open(options: Partial<MonitorOptions> = {}): { monitor: Monitor; onError: ReturnType<typeof vi.fn> } {
  const onError = vi.fn()
  const monitor = createMonitor({ source: memorySource(), token: 'secret', onError, ...options })
  return { monitor, onError }
}

async function follow(monitor: Monitor, path = '/stream?tail=0'): Promise<StreamReader> {
  const reader = await openStream(async (url, init) => monitor.routes.request(url, init), path, { headers })
  onTestFinished(() => reader.close())
  await reader.until(({ events }) => events.length > 0)
  return reader
}

/** A source whose readers give what they are told to, then fail. */
function failing(items: StreamItem[], error: unknown): LogSource {
  return {
    ...memorySource(),
    async subscribe() {
      return {
        resumed: false,
        id: 'epoch-0',
        async *[Symbol.asyncIterator]() {
          yield* items
          throw error
        },
      }
    },
  }
}

describe('createMonitor', () => {
  it('logs, calls listeners, and gives the last entries', async () => {
    const { monitor } = open()
    monitor.log('info', 'before')
    const seen: unknown[] = []
    const stop = monitor.onLog((entry) => seen.push(entry))
    const errorsOnly: string[] = []
    monitor.onLog(({ message }) => errorsOnly.push(message), { level: 'error' })
    monitor.log('error', 'payment failed', { orderId: 7, err: new RangeError('too far') })
    monitor.log('warn', 'second')
    await expect.poll(() => seen.length).toBe(2)
    expect(seen[0]).toMatchObject({ level: 'error', message: 'payment failed', context: { orderId: 7 } })
    expect(Object.keys(seen[0] as object)).toEqual(['ts', 'level', 'message', 'context'])
    expect(seen[0]).toMatchObject({ context: { err: { type: 'RangeError', message: 'too far' } } })
    expect(errorsOnly).toEqual(['payment failed'])
    stop()
    monitor.log('info', 'after')
    expect((await monitor.getLastLogs(2)).map(({ message }) => message)).toEqual(['second', 'after'])
    expect(await monitor.getLastLogs()).toHaveLength(4)
    await monitor.close()
    expect(seen).toHaveLength(2)
  })

  it('has a method for each level, also when taken off', async () => {
    const { monitor } = open()
    const { trace, debug, info, warn, error, fatal, log } = monitor
    trace('one')
    debug('two', { n: 2 })
    info('three', 'text')
    warn('four')
    error('five', new Error('why'))
    fatal('six', { password: 'hunter2' })
    log('info', 'seven')
    const entries = await monitor.getLastLogs()
    expect(entries.map(({ level, message, context }) => [level, message, context])).toEqual([
      ['trace', 'one', {}],
      ['debug', 'two', { n: 2 }],
      ['info', 'three', { value: 'text' }],
      ['warn', 'four', {}],
      ['error', 'five', expect.objectContaining({ type: 'Error', message: 'why', stack: expect.any(String) })],
      ['fatal', 'six', { password: '[REDACTED]' }],
      ['info', 'seven', {}],
    ])
  })

  it('tells of a listener that throws and goes on calling it', async () => {
    const { monitor, onError } = open()
    let calls = 0
    monitor.onLog(() => {
      calls++
      throw new Error('listener')
    })
    monitor.log('info', 'one')
    monitor.log('info', 'two')
    await expect.poll(() => calls).toBe(2)
    expect(onError).toHaveBeenCalledWith(expect.objectContaining({ message: 'listener' }), 'listener')
  })

  it('never throws from log, and tells of what it could not log', async () => {
    const { monitor, onError } = open()
    await monitor.close()
    monitor.log('info', 'too late')
    await expect.poll(() => onError.mock.calls).toEqual([[expect.any(MonitorError), 'append']])
  })

  it('can be mounted under any path of any app', async () => {
    const { monitor } = open()
    const app = new Hono().get('/', (c) => c.text('the app')).route('/ops/logs', monitor.routes)
    expect(await (await app.request('/')).text()).toBe('the app')
    expect((await app.request('/ops/logs/health')).status).toBe(200)
    expect((await app.request('/ops/logs')).headers.get('Content-Type')).toContain('text/html')
    expect((await app.request('/elsewhere')).status).toBe(404)
    expect(await (await app.request('/elsewhere')).text()).toBe('404 Not Found')
  })

  it('lets nobody in while no token is set, and says which to set', async () => {
    const { monitor } = open({ token: undefined })
    for (const path of ['/stream', '/logs', '/health', '/session', '/']) {
      const response = await monitor.routes.request(path, { headers })
      expect(response.status).toBe(503)
      expect(await response.text()).toContain('EDGETAIL_TOKEN')
    }
  })

  it.each([
    [{ maxClients: 0 }, 'maxClients'],
    [{ heartbeatMs: 1.5 }, 'heartbeatMs'],
    [{ token: '' }, 'token'],
    [{ corsOrigins: ['https://a.example/path'] }, 'corsOrigins'],
  ])('refuses the options %j and names them', (options, name) => {
    expect(() => open(options)).toThrow(
      expect.objectContaining({ code: 'invalid_setting', message: expect.stringContaining(name) }),
    )
  })
})

describe('a stream that fails', () => {
  it('sends what came before, then an error without internal text, and closes', async () => {
    const item: StreamItem = { type: 'checkpoint', id: 'epoch-1' }
    const cause = new Error('connect ECONNREFUSED db.internal:5432 password=hunter2')
    const { monitor, onError } = open({ source: failing([item], cause) })
    const reader = await follow(monitor)
    await reader.ended
    expect(reader.events.map(({ event }) => event)).toEqual(['ready', 'checkpoint', 'error'])
    expect(JSON.parse(reader.events[2]?.data ?? '')).toEqual({
      code: 'internal',
      message: expect.any(String),
      retryable: true,
    })
    expect(reader.text()).not.toContain('hunter2')
    expect(onError).toHaveBeenCalledWith(cause, 'stream')
  })

  it('names a failure of the source as such', async () => {
    const lost = new MonitorError('source_unavailable', 'The log source cannot be reached.')
    const { monitor } = open({ source: failing([], lost) })
    const reader = await follow(monitor)
    await reader.ended
    expect(JSON.parse(reader.events[1]?.data ?? '')).toMatchObject({ code: 'source_unavailable', retryable: true })
  })

  it('closes also when what was thrown is no error', async () => {
    const { monitor } = open({ source: failing([], 'a string') })
    const reader = await follow(monitor)
    await reader.ended
    expect(reader.text()).not.toContain('a string')
    expect(reader.events.at(-1)?.event).toBe('error')
  })

  it('answers the next request with an honest status', async () => {
    const source = memorySource()
    const { monitor } = open({ source })
    await source.close()
    for (const [method, path] of [
      ['GET', '/stream'],
      ['GET', '/logs'],
      ['GET', '/health'],
      ['POST', '/logs'],
    ] as const) {
      const body = method === 'POST' ? '{"message":"x"}' : null
      const response = await monitor.routes.request(path, {
        method,
        body,
        headers: { ...headers, 'Content-Type': 'application/json' },
      })
      expect(response.status).toBe(503)
      expect(Number(response.headers.get('Retry-After'))).toBeGreaterThan(0)
      expect(await response.json()).toMatchObject({ error: { code: 'source_unavailable' } })
    }
  })
})

describe('close', () => {
  it('gives streams what was accepted, tells them when to come back, and refuses new work', async () => {
    const { monitor } = open()
    const readers = [await follow(monitor), await follow(monitor)]
    monitor.log('info', 'last')
    await monitor.close()
    for (const reader of readers) {
      await reader.ended
      expect(reader.logs().map(({ message }) => message)).toEqual(['last'])
      expect(reader.text()).toMatch(/\n\nretry: \d{4}\n\n$/)
    }
    const response = await monitor.routes.request('/stream', { headers })
    expect(response.status).toBe(503)
    expect(await response.json()).toMatchObject({ error: { code: 'draining' } })
    expect((await monitor.routes.request('/health')).status).toBe(503)
  })
})
