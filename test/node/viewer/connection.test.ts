import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import { type Connection, openConnection } from '../../../src/viewer/app/wire/connection.ts'
import type { Batch, Status } from '../../../src/viewer/app/wire/protocol.ts'

const READY =
  'retry: 1000\nevent: ready\ndata: {"resumed":false,"time":"2026-11-23T12:00:00.000Z","heartbeatMs":1000}\nid: e-7\n\n'

/** A network whose answers are given by hand. */
function createNetwork(): {
  fetch: typeof globalThis.fetch
  requests: { url: string; headers: Record<string, string> }[]
  answers: (() => Response)[]
  /** The stream that was answered last. */
  stream(): { write(text: string): void; cut(): void }
} {
  let controller: ReadableStreamDefaultController<Uint8Array> | undefined
  const start = (own: ReadableStreamDefaultController<Uint8Array>): void => {
    controller = own
  }
  const network: ReturnType<typeof createNetwork> = {
    requests: [],
    answers: [],
    fetch: async (url, init) => {
      network.requests.push({ url: String(url), headers: init?.headers as Record<string, string> })
      const answer = network.answers.shift()
      if (answer !== undefined) return answer()
      const body = new ReadableStream<Uint8Array>({ start })
      init?.signal?.addEventListener('abort', () => {
        try {
          controller?.error(init.signal?.reason)
        } catch {
          // It had ended before.
        }
      })
      return new Response(body, { headers: { 'Content-Type': 'text/event-stream' } })
    },
    stream: () => ({
      write: (text) => controller?.enqueue(new TextEncoder().encode(text)),
      cut: () => controller?.error(new TypeError('network error')),
    }),
  }
  return network
}

function connect(network: ReturnType<typeof createNetwork>): {
  connection: Connection
  states: Status[]
  batches: Batch[]
} {
  const states: Status[] = []
  const batches: Batch[] = []
  const connection = openConnection({
    base: '/monitor',
    q: 'a b',
    onBatch: (batch) => batches.push(batch),
    onStatus: (status) => states.push(status),
    fetch: network.fetch,
  })
  onTestFinished(() => connection.close())
  return { connection, states, batches }
}

describe('the connection of the viewer', () => {
  beforeEach(() => void vi.useFakeTimers())
  afterEach(() => void vi.useRealTimers())

  it('takes entries and gaps in order, and resumes after the last id', async () => {
    const network = createNetwork()
    const { states, batches } = connect(network)
    await vi.advanceTimersByTimeAsync(0)
    expect(network.requests[0]?.url).toBe('/monitor/stream?tail=0&q=a+b')
    network.stream().write(`${READY}event: gap\ndata: {"reason":"slow","dropped":3}\nid: e-10\n\n`)
    network
      .stream()
      .write(
        `event: log\ndata: {"ts":"2026-11-23T12:00:01.000Z","level":"error","message":"x","context":{}}\nid: e-11\n\nevent: log\nda`,
      )
    await vi.advanceTimersByTimeAsync(0)
    expect(states.at(-1)).toMatchObject({ state: 'live', heartbeatMs: 1000 })
    expect(batches.flatMap(({ ids, levels }) => ids.map((id, at) => [id, levels[at]]))).toEqual([
      ['e-10', 6],
      ['e-11', 4],
    ])
    network.stream().cut()
    await vi.advanceTimersByTimeAsync(0)
    expect(states.at(-1)).toMatchObject({ state: 'waiting', attempts: 1, reason: 'The server cannot be reached.' })
    await vi.advanceTimersByTimeAsync(1000)
    expect(network.requests[1]?.headers['Last-Event-ID']).toBe('e-11')
  })

  it('gives up a connection on which nothing comes any more, not even a heartbeat', async () => {
    const network = createNetwork()
    const { states, connection } = connect(network)
    await vi.advanceTimersByTimeAsync(0)
    network.stream().write(READY)
    for (let second = 0; second < 5; second++) {
      await vi.advanceTimersByTimeAsync(1000)
      network.stream().write(':\n')
    }
    expect(states.at(-1)?.state).toBe('live')
    expect(connection.vitals().lastHeartbeatAt).toBeGreaterThan(0)
    await vi.advanceTimersByTimeAsync(4000)
    expect(states.find(({ state }) => state === 'waiting')).toMatchObject({ reason: 'Nothing came any more.' })
  })

  it('waits as long as the server says, then longer and longer, and at once when asked to try', async () => {
    const network = createNetwork()
    const busy = (): Response =>
      Response.json(
        { error: { code: 'too_many_clients', message: 'Full.' } },
        { status: 503, headers: { 'Retry-After': '7' } },
      )
    network.answers.push(
      busy,
      () => {
        throw new TypeError('fetch failed')
      },
      busy,
    )
    const { states, connection } = connect(network)
    await vi.advanceTimersByTimeAsync(6900)
    expect(network.requests.length).toBe(1)
    expect(states.at(-1)).toMatchObject({ state: 'waiting', reason: 'Full.' })
    await vi.advanceTimersByTimeAsync(200)
    expect(network.requests.length).toBe(2)
    connection.retry()
    await vi.advanceTimersByTimeAsync(0)
    expect(network.requests.length).toBe(3)
  })

  it('stops at a refusal that another try does not change, and goes on when asked', async () => {
    const network = createNetwork()
    const refuse = (status: number, code: string) => (): Response =>
      Response.json({ error: { code, message: 'No.' } }, { status })
    network.answers.push(refuse(400, 'invalid_query'), refuse(401, 'unauthorized'))
    const { states, connection } = connect(network)
    await vi.advanceTimersByTimeAsync(60_000)
    expect(states.at(-1)).toEqual({ state: 'refused', code: 'invalid_query', reason: 'No.' })
    connection.retry()
    await vi.advanceTimersByTimeAsync(60_000)
    expect(states.at(-1)).toEqual({ state: 'signed-out', reason: 'No.' })
    connection.retry()
    await vi.advanceTimersByTimeAsync(0)
    network.stream().write(READY)
    await vi.advanceTimersByTimeAsync(0)
    expect(states.at(-1)?.state).toBe('live')
  })

  it('notices that something holds the stream back while the server answers', async () => {
    const network = createNetwork()
    const { connection } = connect(network)
    await vi.advanceTimersByTimeAsync(4000)
    expect(connection.vitals().held).toBe('no')
    network.answers.push(() => Response.json({ status: 'ok' }))
    await vi.advanceTimersByTimeAsync(2000)
    expect(network.requests.at(-1)?.url).toBe('/monitor/health')
    expect(connection.vitals().held).toBe('start')
    network.stream().write(READY)
    await vi.advanceTimersByTimeAsync(0)
    expect(connection.vitals().held).toBe('no')
  })
})
