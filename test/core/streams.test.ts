import { Hono } from 'hono'
import { getRuntimeKey } from 'hono/adapter'
import { afterEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import { createMonitor, type Monitor, type MonitorOptions } from '../../src/monitor.ts'
import type { LogSource } from '../../src/source.ts'
import { memorySource } from '../../src/sources/memory.ts'
import { memoryStreams } from '../../src/sources/memory-streams.ts'
import { allowsStream, isStreamName, isStreamPattern, LENT_MS, type LogDirectory } from '../../src/streams.ts'
import { testDirectory } from '../conformance/directory.ts'
import { openStream } from '../support/sse-reader.ts'

testDirectory('memory', async () => memoryStreams())

const bearer = { Authorization: 'Bearer secret' }
const json = { ...bearer, 'Content-Type': 'application/json' }

function open(options: Partial<MonitorOptions> = {}): Monitor {
  const monitor = createMonitor({ source: memorySource(), streams: memoryStreams(), token: 'secret', ...options })
  onTestFinished(() => monitor.close())
  return monitor
}

const get = async ({ routes }: Monitor, path: string): Promise<Response> => routes.request(path, { headers: bearer })
const write = async ({ routes }: Monitor, path: string): Promise<number> =>
  (await routes.request(path, { method: 'POST', headers: json, body: '{"message":"x"}' })).status
const namesOf = async (monitor: Monitor): Promise<string[]> =>
  ((await (await get(monitor, '/streams')).json()) as { streams: { name: string }[] }).streams.map(({ name }) => name)

/** Memory, with what is open written down. */
function watched(): { directory: LogDirectory; open: Map<string, LogSource> } {
  const inner = memoryStreams()
  const opened = new Map<string, LogSource>()
  const directory: LogDirectory = {
    ...inner,
    open(name) {
      const source = inner.open(name)
      opened.set(name, source)
      return {
        ...source,
        async close() {
          opened.delete(name)
          await source.close()
        },
      }
    },
  }
  return { directory, open: opened }
}

describe('names', () => {
  it.each([
    'a',
    '0',
    'shop',
    'pay-in',
    'a.b_c-d',
    'a..b',
    'a'.repeat(64),
    'constructor',
    'default',
  ])('%j is one', (text) => {
    expect(isStreamName(text)).toBe(true)
  })

  it.each([
    '',
    'A',
    '.',
    '..',
    '-a',
    '_a',
    '.a',
    'a/b',
    'a b',
    'a\n',
    '\na',
    'é',
    'a*',
    '__proto__',
    'a'.repeat(65),
  ])('%j is none', (text) => {
    expect(isStreamName(text)).toBe(false)
  })

  it('are allowed by themselves, by their beginning, and where there is no limit', () => {
    expect(allowsStream(undefined, 'shop')).toBe(true)
    expect(allowsStream([], 'shop')).toBe(false)
    expect(allowsStream(['shop'], 'shop')).toBe(true)
    expect(allowsStream(['shop'], 'shop2')).toBe(false)
    expect(allowsStream(['pay', 'shop*'], 'shop2')).toBe(true)
    expect(allowsStream(['pay-*'], 'pay')).toBe(false)
    expect(allowsStream(['*'], 'default')).toBe(true)
    for (const pattern of ['shop', 'pay-*', '*']) expect(isStreamPattern(pattern)).toBe(true)
    for (const pattern of ['', '**', 'a*b', '*a', 'Shop*', '-*']) expect(isStreamPattern(pattern)).toBe(false)
  })
})

describe('monitor.stream', () => {
  it('logs, listens and looks back in a log of its own', async () => {
    const monitor = open()
    const shop = monitor.stream('shop')
    const heard: string[] = []
    shop.onLog(({ message }) => heard.push(message))
    monitor.info('of the base')
    for (let n = 0; n < 5; n++) monitor.stream('shop').error(`${n}`, { password: 'hunter2' })
    await expect.poll(() => heard).toEqual(['0', '1', '2', '3', '4'])
    const last = await shop.getLastLogs(1)
    expect(last).toMatchObject([{ level: 'error', message: '4', context: { password: '[REDACTED]' } }])
    expect((await monitor.getLastLogs()).map(({ message }) => message)).toEqual(['of the base'])
    expect(await namesOf(monitor)).toEqual(['default', 'shop'])
    // What it counts is what the route tells.
    const metrics = await (await get(monitor, '/s/shop/metrics')).text()
    expect(metrics).toContain('edgetail_entries_total{way="log",level="error"} 5\n')
    expect(await (await get(monitor, '/metrics')).text()).toContain(
      'edgetail_entries_total{way="log",level="error"} 0\n',
    )
    expect(monitor.stream('default').source).toBe(monitor.source)
  })

  it('refuses a bad name, and all where there are none', () => {
    const refusal = expect.objectContaining({ code: 'invalid_setting' })
    for (const name of ['Shop', undefined, 5, null, ['shop']]) {
      expect(() => open().stream(name as string)).toThrow(refusal)
    }
    expect(() => open({ streams: undefined }).stream('shop')).toThrow(/has no named streams/)
    expect(() => open({ maxStreams: 0 }).stream('shop')).toThrow(/has no named streams/)
    expect(() => open({ streams: undefined }).stream('default').info('x')).not.toThrow()
  })

  it('tells the reporter what could not be logged since there are too many', async () => {
    const told: unknown[] = []
    const monitor = open({ maxStreams: 1, onError: (error, stage) => told.push([error, stage]) })
    monitor.stream('one').info('x')
    monitor.stream('two').info('x')
    await expect.poll(() => told).toEqual([[expect.objectContaining({ code: 'too_many_streams' }), 'append']])
    expect(await namesOf(monitor)).toEqual(['default', 'one'])
  })

  it('does not gather what programs make up', async () => {
    const monitor = open({ maxStreams: 1, onError: () => {} })
    const first = monitor.stream('one')
    first.info('x')
    await first.getLastLogs()
    const madeUp = monitor.stream('made-up')
    expect(monitor.stream('made-up')).toBe(madeUp)
    for (let n = 0; n < 10; n++) monitor.stream(`made-up-${n}`)
    expect(monitor.stream('made-up')).not.toBe(madeUp)
    expect(monitor.stream('one')).toBe(first)
  })
})

describe('the paths of named streams', () => {
  it('are not there where a monitor has none', async () => {
    for (const options of [{ streams: undefined }, { maxStreams: 0 }]) {
      const monitor = open(options)
      for (const path of ['/s/shop', '/s/shop/logs', '/s/shop/health', '/s/Shop/logs']) {
        const response = await get(monitor, path)
        expect(response.status).toBe(404)
        expect(await response.json()).toMatchObject({ error: { code: 'not_found' } })
      }
      expect(await write(monitor, '/s/default/logs')).toBe(202)
      for (const path of ['', '/logs', '/streams', '/health', '/viewer.js', '/metrics']) {
        expect((await get(monitor, `/s/default${path}`)).status).toBe(200)
      }
      expect(await monitor.getLastLogs()).toHaveLength(1)
      expect(await namesOf(monitor)).toEqual(['default'])
      expect(await (await get(monitor, '/metrics')).text()).toContain('edgetail_streams 0\n')
    }
  })

  it('are there wherever the routes are mounted, whatever the app calls its own', async () => {
    const monitor = open()
    const app = new Hono<{ Variables: { log: string; stream: string } }>()
    app.use(async (c, next) => {
      c.set('log', 'the app’s own')
      c.set('stream', 'the app’s own')
      await next()
      expect([c.get('log'), c.get('stream')]).toEqual(['the app’s own', 'the app’s own'])
    })
    app.route('/:name/:stream/ops', monitor.routes)
    const post = { method: 'POST', headers: json, body: '{"message":"x"}' }
    expect((await app.request('/a/b/ops/s/shop/logs', post)).status).toBe(202)
    expect((await app.request('/a/b/ops/s/Shop/logs', post)).status).toBe(404)
    expect((await app.request('/a/b/ops/logs', { headers: bearer })).status).toBe(200)
    expect(await monitor.stream('shop').getLastLogs()).toHaveLength(1)
    expect(await monitor.getLastLogs()).toHaveLength(0)
  })

  it('make nothing for whoever has no right, asks for a page, or sends no entry', async () => {
    const { directory, open: opened } = watched()
    const monitor = open({ streams: directory, tokens: [{ token: 't', rights: ['read'], streams: ['pay-*'] }] })
    for (const path of ['/s/shop', '/s/shop/viewer.js']) expect((await monitor.routes.request(path)).status).toBe(200)
    for (const Authorization of ['Bearer t', 'Bearer wrong']) {
      for (const path of ['/s/shop/logs', '/s/shop/health', '/s/shop/metrics']) {
        await monitor.routes.request(path, { headers: { Authorization } })
      }
    }
    await monitor.routes.request('/s/shop/session', { method: 'POST', headers: bearer })
    expect(opened.size).toBe(0)
    expect(await directory.list()).toEqual([])
  })

  it('let in by a check of one’s own whom it lets in, to the streams that it names', async () => {
    const monitor = open({
      authenticate: (request) => {
        const name = request.headers.get('X-Person')
        return name === null ? undefined : { name, rights: ['read'], streams: [`${name}-*`] }
      },
    })
    const as = async (path: string): Promise<number> =>
      (await monitor.routes.request(path, { headers: { 'X-Person': 'ann' } })).status
    expect([await as('/s/ann-1/logs'), await as('/s/bob-1/logs'), await as('/logs')]).toEqual([200, 403, 403])
    expect(await namesOf(monitor)).toEqual(['ann-1', 'default'])
  })

  it('say what went wrong to the operator, and to the client that something did', async () => {
    const told: unknown[] = []
    const directory: LogDirectory = {
      ...memoryStreams(),
      open: () => {
        throw new Error('/var/lib/shop.db is damaged')
      },
    }
    const monitor = open({ streams: directory, onError: (error) => told.push(String(error)) })
    const response = await get(monitor, '/s/shop/logs')
    expect(response.status).toBe(503)
    expect(await response.text()).not.toContain('/var/lib')
    expect(told).toEqual(['Error: /var/lib/shop.db is damaged'])
  })

  // On Workers each object counts its own.
  it.skipIf(getRuntimeKey() === 'workerd')('count clients together, in all and by token', async () => {
    const monitor = open({ maxClients: 2, maxClientsPerToken: 1, readToken: 'other' })
    const watch = async (path: string, token: string): ReturnType<typeof openStream> => {
      const headers = { Authorization: `Bearer ${token}` }
      const reader = await openStream(async (path, init) => monitor.routes.request(path, init), path, { headers })
      onTestFinished(() => reader.close())
      return reader
    }
    const first = await watch('/s/shop/stream', 'secret')
    expect((await watch('/stream', 'secret')).response.status).toBe(503)
    expect((await watch('/stream', 'other')).response.status).toBe(200)
    await first.close()
    await expect.poll(async () => (await watch('/s/pay/stream', 'secret')).response.status).toBe(200)
    expect((await watch('/s/shop/stream', 'secret')).response.status).toBe(503)
  })

  it('end with the monitor, after what was appended before', async () => {
    const monitor = open()
    const reader = await openStream(async (path, init) => monitor.routes.request(path, init), '/s/shop/stream', {
      headers: bearer,
    })
    await reader.until(({ events }) => events.length > 0)
    monitor.stream('shop').info('last words')
    await new Promise((resolve) => setTimeout(resolve))
    await monitor.close()
    await reader.ended
    expect(reader.logs().map(({ message }) => message)).toEqual(['last words'])
    for (const path of ['/s/shop/health', '/s/shop/stream', '/s/new/health', '/health']) {
      expect((await get(monitor, path)).status).toBe(503)
    }
    expect(await write(monitor, '/s/shop/logs')).toBe(503)
  })
})

describe('a place that only readers asked for', () => {
  afterEach(() => void vi.useRealTimers())

  it('goes to another name after its time, unless somebody reads or writes', async () => {
    vi.useFakeTimers({ toFake: ['Date'] })
    const { directory, open: opened } = watched()
    const monitor = open({ streams: directory, maxStreams: 3 })
    for (const name of ['read', 'watched', 'written']) await get(monitor, `/s/${name}/logs`)
    await write(monitor, '/s/written/logs')
    expect((await get(monitor, '/s/new/logs')).status).toBe(507)
    vi.advanceTimersByTime(LENT_MS / 2)
    await get(monitor, '/s/watched/logs')
    expect((await get(monitor, '/s/new/logs')).status).toBe(507)
    vi.advanceTimersByTime(LENT_MS / 2)
    expect(await namesOf(monitor)).toEqual(['default', 'watched', 'written'])
    expect(await write(monitor, '/s/new/logs')).toBe(202)
    expect([...opened.keys()].sort()).toEqual(['new', 'watched', 'written'])
    expect((await get(monitor, '/s/read/logs')).status).toBe(507)
    vi.advanceTimersByTime(LENT_MS * 10)
    expect(await write(monitor, '/s/again/logs')).toBe(202)
    expect(await namesOf(monitor)).toEqual(['again', 'default', 'new', 'written'])
    const page = (await (await get(monitor, '/s/written/logs')).json()) as { entries: object[] }
    expect(page.entries).toHaveLength(1)
  })

  it('goes to an entry of another name that finds no other, and a write that stores none takes none', async () => {
    const { directory } = watched()
    const tokens = [{ token: 'reader', rights: ['read' as const], streams: ['pay-*'] }]
    const monitor = open({ streams: directory, maxStreams: 3, tokens })
    const headers = { Authorization: 'Bearer reader' }
    for (const n of [1, 2, 3]) await monitor.routes.request(`/s/pay-typo${n}/logs`, { headers })
    const empty = await monitor.routes.request('/s/shop/logs', { method: 'POST', headers: json, body: '[]' })
    expect(empty.status).toBe(400)
    expect(await namesOf(monitor)).toEqual(['default', 'pay-typo1', 'pay-typo2', 'pay-typo3'])
    for (const name of ['shop', 'pay-typo2', 'till']) expect(await write(monitor, `/s/${name}/logs`)).toBe(202)
    expect(await namesOf(monitor)).toEqual(['default', 'pay-typo2', 'shop', 'till'])
    expect(await write(monitor, '/s/pay-typo1/logs')).toBe(507)
    expect(await monitor.stream('pay-typo2').getLastLogs()).toHaveLength(1)
  })

  it('is not asked for by who looks after a name', async () => {
    const { directory, open: opened } = watched()
    const monitor = open({ streams: directory, maxStreams: 1 })
    const routes = ['/s/shop/health', '/s/shop/metrics']
    for (const path of routes) {
      const response = await get(monitor, path)
      expect(response.status).toBe(404)
      expect(await response.json()).toMatchObject({ error: { code: 'not_found' } })
    }
    expect([opened.size, await directory.list()]).toEqual([0, []])
    await get(monitor, '/s/shop/logs')
    for (const path of routes) expect((await get(monitor, path)).status).toBe(200)
    await write(monitor, '/s/till/logs')
    for (const path of routes) expect((await get(monitor, path)).status).toBe(404)
    expect(await namesOf(monitor)).toEqual(['default', 'till'])
  })

  it('is for good once somebody wrote, also when others only read later', async () => {
    vi.useFakeTimers({ toFake: ['Date'] })
    const directory = memoryStreams()
    await directory.claim('written', { lasting: true, max: 1 })
    await directory.claim('written', { lasting: false, max: 1 })
    vi.advanceTimersByTime(LENT_MS * 10)
    await expect(directory.claim('new', { lasting: true, max: 1 })).rejects.toMatchObject({ code: 'too_many_streams' })
  })

  it('is for good for a listener of the program’s own', async () => {
    vi.useFakeTimers({ toFake: ['Date'] })
    const monitor = open({ maxStreams: 1 })
    const heard: string[] = []
    monitor.stream('shop').onLog(({ message }) => heard.push(message))
    await new Promise((resolve) => setTimeout(resolve))
    vi.advanceTimersByTime(LENT_MS * 10)
    expect(await write(monitor, '/s/other/logs')).toBe(507)
    await write(monitor, '/s/shop/logs')
    await expect.poll(() => heard).toEqual(['x'])
  })
})
