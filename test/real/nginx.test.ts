/** The Node server behind nginx as it comes: buffering on, HTTP/1.0 to the server, nothing said about event streams. */
import { connect } from 'node:net'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { connectHttp2 } from '../support/http2-fetch.ts'
import { type Nginx, NO_NGINX, startNginx } from '../support/nginx.ts'
import { type RealService, RUNTIMES } from '../support/services.ts'
import { type Fetch, openStream, type StreamReader } from '../support/sse-reader.ts'

const TOKEN = 'nginx-token'
const AUTHORIZATION = { Authorization: `Bearer ${TOKEN}` }
const HEARTBEAT_MS = 300

if (NO_NGINX) console.warn(NO_NGINX)

describe.skipIf(NO_NGINX)('nginx before a Node server', () => {
  let service: RealService
  let nginx: Nginx
  beforeAll(async () => {
    service = (await RUNTIMES['a Node server']?.({
      EDGETAIL_TOKEN: TOKEN,
      EDGETAIL_HEARTBEAT_MS: String(HEARTBEAT_MS),
    })) as RealService
    nginx = await startNginx(service.origin)
  })
  afterAll(async () => {
    await nginx?.close()
    await service?.close()
  })

  const CLIENTS: Record<string, () => Fetch> = {
    'HTTP/1.1': () => (path, init) => fetch(`${nginx.http}${path}`, init),
    'HTTP/2': () => {
      const client = connectHttp2(nginx.https)
      onTestFinished(() => client.close())
      return client.fetch
    },
  }

  async function follow(request: Fetch, headers: Record<string, string>): Promise<StreamReader> {
    const reader = await openStream(request, '/monitor/stream?tail=0', { headers })
    onTestFinished(() => reader.close())
    await reader.until(({ events }) => events.length > 0, 1000)
    return reader
  }

  /** Adds an entry through nginx. */
  function send(request: Fetch, message: string): Promise<Response> {
    return request('/monitor/logs', {
      method: 'POST',
      headers: { ...AUTHORIZATION, 'Content-Type': 'application/json' },
      body: JSON.stringify({ message }),
    })
  }

  async function countClients(): Promise<number> {
    return ((await (await fetch(`${service.origin}/monitor/health`)).json()) as { clients: number }).clients
  }

  it('finds a server that speaks HTTP/1.0 to it: no chunks, no connection kept (RFC 9112, sections 6.1 and 9.3)', async () => {
    const { port } = new URL(service.origin)
    const socket = connect(Number(port), '127.0.0.1')
    onTestFinished(() => void socket.destroy())
    let answer = ''
    socket.setEncoding('latin1').on('data', (text) => {
      answer += text
    })
    const request = ['GET /monitor/stream HTTP/1.0', `Authorization: Bearer ${TOKEN}`, 'Connection: close', '', '']
    socket.write(request.join('\r\n'))
    await expect.poll(() => answer).toContain('event: ready')
    expect(answer).not.toMatch(/^transfer-encoding:/im)
    expect(answer).not.toMatch(/^connection: keep-alive/im)
    expect(answer).toMatch(/\r\n\r\nretry: /)
  })

  describe.each(Object.entries(CLIENTS))('%s', (protocol, makeFetch) => {
    it('passes each entry on within a second, alone or one of many', async () => {
      const request = makeFetch()
      const reader = await follow(request, AUTHORIZATION)
      expect(reader.response.headers.get('content-type')).toBe('text/event-stream')
      const delays: number[] = []
      for (let number = 0; number < 20; number++) {
        expect((await send(request, `entry ${number}`)).status).toBe(202)
        const acknowledged = performance.now()
        await reader.until((sofar) => sofar.logs().length === number + 1, 1000)
        delays.push(performance.now() - acknowledged)
      }
      expect(reader.logs().map(({ message }) => message)).toEqual(Array.from({ length: 20 }, (_, n) => `entry ${n}`))
      console.log(`${protocol} through nginx: at most ${Math.max(...delays).toFixed(1)} ms after the 202`)
      // More than all of its buffers hold.
      for (let number = 0; number < 50; number++) await send(request, 'x'.repeat(10_000))
      await reader.until((sofar) => sofar.logs().length === 70, 1000)
    })

    it('passes heartbeats on', async () => {
      const reader = await follow(makeFetch(), AUTHORIZATION)
      await reader.until(({ comments }) => comments.length >= 3, HEARTBEAT_MS * 6)
    })

    it('frees a client that leaves', async () => {
      await expect.poll(countClients, { timeout: 2000 }).toBe(0)
      const reader = await follow(makeFetch(), AUTHORIZATION)
      expect(await countClients()).toBe(1)
      await reader.close()
      await expect.poll(countClients, { timeout: 2000 }).toBe(0)
    })

    it('passes the session cookie on, both ways', async () => {
      const request = makeFetch()
      const session = await request('/monitor/session', { method: 'POST', headers: AUTHORIZATION })
      expect(session.status).toBe(200)
      const [cookie = ''] = (session.headers.get('set-cookie') ?? '').split(';')
      await session.body?.cancel()
      const reader = await follow(request, { Cookie: cookie })
      await send(request, 'by cookie')
      await reader.until((sofar) => sofar.logs().length === 1, 1000)
      const other = await request('/monitor/logs', { headers: { Cookie: `${cookie}0` } })
      expect(other.status).toBe(401)
      await other.body?.cancel()
    })

    it('resumes', async () => {
      const request = makeFetch()
      const first = await follow(request, AUTHORIZATION)
      await send(request, 'one')
      await first.until((sofar) => sofar.logs().length === 1, 1000)
      await first.close()
      await send(request, 'two')
      const second = await follow(request, { ...AUTHORIZATION, 'Last-Event-ID': first.events.at(-1)?.id as string })
      await second.until((sofar) => sofar.logs().length === 1, 1000)
      expect(second.logs()[0]?.message).toBe('two')
    })
  })
})
