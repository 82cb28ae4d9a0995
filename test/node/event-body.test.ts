/** The body of a stream under @hono/node-server, over a real socket. */
import { once } from 'node:events'
import type { Server } from 'node:http'
import { createServer as createHttp2Server } from 'node:http2'
import { type AddressInfo, connect, type Socket } from 'node:net'
import { serve } from '@hono/node-server'
import { Hono, type MiddlewareHandler } from 'hono'
import { compress } from 'hono/compress'
import { secureHeaders } from 'hono/secure-headers'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { createMonitor, type Monitor } from '../../src/monitor.ts'
import { memorySource } from '../../src/sources/memory.ts'
import { connectHttp2 } from '../support/http2-fetch.ts'

let server: Server
let monitor: Monitor
afterEach(async () => {
  await monitor.close()
  // One of HTTP/2 has none to close but those that its clients close themselves.
  server.closeAllConnections?.()
  server.close()
})

async function start(...middleware: MiddlewareHandler[]): Promise<string> {
  monitor = createMonitor({ source: memorySource(), token: 'secret' })
  const app = new Hono()
  for (const each of middleware) app.use(each)
  app.route('/monitor', monitor.routes)
  server = serve({ fetch: app.fetch, port: 0, hostname: '127.0.0.1' }) as Server
  await once(server, 'listening')
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/monitor/stream`
}

const headers = { Authorization: 'Bearer secret' }
const clients = async (): Promise<number> => (await monitor.source.status()).clients

/** Reads until a text has come. */
async function readTo(body: ReadableStream<Uint8Array>, text: string): Promise<string> {
  const decoder = new TextDecoder()
  let got = ''
  for await (const piece of body.values({ preventCancel: true })) {
    got += decoder.decode(piece, { stream: true })
    if (got.includes(text)) return got
  }
  throw new Error(`The stream ended with ${got}`)
}

/** A middleware that makes another response of the one that is there, as those do that change a body. */
const rewrap: MiddlewareHandler = async (c, next) => {
  await next()
  c.res = new Response(c.res.body, c.res)
}
const add: MiddlewareHandler = async (c, next) => {
  await next()
  c.header('X-Late', 'yes')
}

describe.each([
  ['by itself', []],
  ['behind a middleware that adds headers to what is there', [secureHeaders(), add]],
  ['behind one that takes the body', [rewrap]],
  ['behind one that would compress it', [compress()]],
] as [string, MiddlewareHandler[]][])('a stream %s', (_, middleware) => {
  it('has what was logged before and what is logged then, and notices when its client leaves', async () => {
    const url = await start(...middleware)
    monitor.info('before')
    const leaving = new AbortController()
    const response = await fetch(url, { headers, signal: leaving.signal })
    expect(response.headers.get('Content-Type')).toBe('text/event-stream')
    expect(response.headers.get('Connection')).toBe('keep-alive')
    if (middleware.includes(add)) expect(response.headers.get('X-Late')).toBe('yes')
    expect(await readTo(response.body as ReadableStream, 'before')).toContain('event: ready')
    expect(await clients()).toBe(1)
    monitor.info('after')
    await readTo(response.body as ReadableStream, 'after')
    leaving.abort()
    await vi.waitFor(async () => expect(await clients()).toBe(0))
  })

  it('ends with what was logged last when the monitor closes', async () => {
    const response = await fetch(await start(...middleware), { headers })
    monitor.info('the last')
    const closed = monitor.close()
    expect(await response.text()).toMatch(/the last[\s\S]*retry: \d+\n\n$/)
    await closed
  })
})

/** A request as it goes over the wire. */
const request = (method: string, path: string, version = '1.1'): string =>
  `${method} ${path} HTTP/${version}\r\nHost: h\r\nAuthorization: Bearer secret\r\n\r\n`

/** Opens a connection and sends a text, and tells what has come. */
function send(url: string, text: string): { readonly socket: Socket; readonly pieces: string[] } {
  const socket = connect(Number(new URL(url).port), '127.0.0.1')
  const pieces: string[] = []
  socket.on('data', (bytes) => pieces.push(bytes.toString()))
  socket.write(text)
  return { socket, pieces }
}

it('sends headers, the first event and what was logged before in one write', async () => {
  const url = await start()
  let writes = 0
  server.on('connection', (socket: Socket) => {
    // What the stream of Node calls for one piece and for several; each is one call of the system.
    for (const name of ['_write', '_writev'] as const) {
      const write = socket[name] as (...args: unknown[]) => void
      socket[name] = (...args: unknown[]) => {
        writes++
        write.apply(socket, args)
      }
    }
  })
  monitor.info('before')
  const { socket, pieces } = send(url, request('GET', '/monitor/stream?tail=1'))
  await vi.waitFor(() => expect(pieces.join('')).toMatch(/^HTTP\/1\.1 200 OK[\s\S]*event: ready[\s\S]*before/))
  expect(writes).toBe(1)
  socket.destroy()
})

it('waits its turn on a connection whose earlier request is not answered yet', async () => {
  const url = await start()
  const { socket, pieces } = send(
    url,
    request('GET', '/monitor/metrics') + request('GET', '/monitor/logs') + request('GET', '/monitor/stream'),
  )
  await vi.waitFor(() => expect(pieces.join('')).toContain('event: ready'))
  monitor.info('after')
  await vi.waitFor(() => expect(pieces.join('')).toContain('after'))
  const got = pieces.join('')
  expect(got.match(/HTTP\/1\.1 200 OK/g)).toHaveLength(3)
  expect(got.indexOf('edgetail_clients')).toBeLessThan(got.indexOf('"entries":[]'))
  expect(got.indexOf('"entries":[]')).toBeLessThan(got.indexOf('event: ready'))
  // The chunks of the stream are well formed.
  let rest = got.slice(got.lastIndexOf('\r\n\r\n', got.indexOf('event: ready')) + 4)
  while (rest !== '') {
    const [line, size] = /^([0-9a-f]+)\r\n/.exec(rest) as unknown as [string, string]
    expect(rest.slice(line.length + Number.parseInt(size, 16)).slice(0, 2)).toBe('\r\n')
    rest = rest.slice(line.length + Number.parseInt(size, 16) + 2)
  }
  socket.destroy()
})

it('frees every stream of a connection that goes, also those that wait for their turn', async () => {
  const warned = vi.spyOn(process, 'emitWarning')
  const url = await start()
  const { socket } = send(url, request('GET', '/monitor/stream').repeat(25))
  await vi.waitFor(async () => expect(await clients()).toBe(25))
  socket.destroy()
  await vi.waitFor(async () => expect(await clients()).toBe(0))
  expect(warned).not.toHaveBeenCalled()
  warned.mockRestore()
})

it('closes the connection after the stream for a client that asks for it', async () => {
  const url = await start()
  const text = request('GET', '/monitor/stream').replace('Host:', 'Connection: TE, close\r\nHost:')
  const { socket, pieces } = send(url, text)
  await vi.waitFor(() => expect(pieces.join('')).toContain('event: ready'))
  expect(pieces.join('')).toMatch(/\r\nconnection: close\r\n/i)
  const ended = once(socket, 'end')
  await monitor.close()
  await ended
  expect(pieces.join('')).toMatch(/\r\n0\r\n\r\n$/)
})

it('has no chunks by HTTP/1.0', async () => {
  const url = await start()
  const { socket, pieces } = send(url, request('GET', '/monitor/stream', '1.0'))
  await vi.waitFor(() => expect(pieces.join('')).toContain('event: ready'))
  monitor.info('after')
  await vi.waitFor(() => expect(pieces.join('')).toContain('after'))
  expect(pieces.join('').split('\r\n\r\n')[1]).toMatch(/^retry: \d+\nevent: ready\n[^\r]*\n\n$/)
  socket.destroy()
})

it('is shared by all streams of a connection by HTTP/2, each ending by itself', async () => {
  monitor = createMonitor({ source: memorySource(), token: 'secret' })
  const app = new Hono().route('/monitor', monitor.routes)
  server = serve({ fetch: app.fetch, port: 0, hostname: '127.0.0.1', createServer: createHttp2Server }) as Server
  await once(server, 'listening')
  const { fetch, close } = connectHttp2(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
  const leaving = new AbortController()
  const open = (signal?: AbortSignal): Promise<Response> =>
    fetch('/monitor/stream', { headers, ...(signal && { signal }) })
  const left = await open(leaving.signal)
  const stayed = await Promise.all([open(), open(), open()])
  expect(left.headers.get('Connection')).toBeNull()
  await vi.waitFor(async () => expect(await clients()).toBe(4))
  leaving.abort()
  await vi.waitFor(async () => expect(await clients()).toBe(3))
  for (let n = 1; n <= 3000; n++) monitor.info(`${n} ${'x'.repeat(300)}`)
  const texts = stayed.map(({ body }) => readTo(body as ReadableStream<Uint8Array>, '"3000 xxx'))
  for (const text of await Promise.all(texts)) {
    const numbers = Array.from(text.matchAll(/"message":"(\d+) /g), ([, number]) => Number(number))
    expect(numbers).toEqual(Array.from({ length: 3000 }, (_, index) => index + 1))
  }
  const ended = stayed.map(({ body }) => body?.pipeTo(new WritableStream()))
  await monitor.close()
  await Promise.all(ended)
  close()
})

it('holds up nothing when a middleware answers in its place', async () => {
  const url = await start(async (c, next) => {
    await next()
    c.res = c.text('something else')
  })
  expect(await (await fetch(url, { headers })).text()).toBe('something else')
})

it('waits for a client that takes nothing, holds no more for it than a batch or two, and goes on when it takes again', async () => {
  const url = await start()
  const { socket, pieces } = send(url, request('GET', '/monitor/stream'))
  await vi.waitFor(async () => expect(await clients()).toBe(1))
  socket.pause()
  const { outgoingBytes } = await flood()
  expect(outgoingBytes).toBeGreaterThan(0)
  expect(outgoingBytes).toBeLessThan(256 * 1024)
  socket.resume()
  monitor.info('the last')
  await vi.waitFor(() => expect(pieces.join('')).toContain('the last'), 10_000)
  socket.destroy()
  await vi.waitFor(async () => expect(await clients()).toBe(0))
})

/** Logs more than the system's own buffers take, and tells what waits in the server for the one connection that it has. */
async function flood(): Promise<{ outgoingBytes: number }> {
  const accepted = server as unknown as { _connections: number }
  expect(accepted._connections).toBe(1)
  const text = 'x'.repeat(8000)
  for (let round = 0; round < 200; round++) {
    for (let n = 0; n < 20; n++) monitor.info(text)
    await new Promise((resolve) => setImmediate(resolve))
  }
  const handles = (process as unknown as { _getActiveHandles(): { writableLength?: number; server?: unknown }[] })
    ._getActiveHandles()
    .filter((handle) => handle.server === server)
  return { outgoingBytes: handles.reduce((sum, { writableLength = 0 }) => sum + writableLength, 0) }
}
