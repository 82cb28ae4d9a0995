/** Thousands of bad requests against both runtimes, while somebody watches. HOSTILE_SEED repeats a run, HOSTILE_ONLY a case. */
import { mkdtemp, rm } from 'node:fs/promises'
import { get } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { hostileCase, type Target } from '../support/hostile.ts'
import { type Accepted, faultsOfOrder, judge, type Runtime } from '../support/hostile-oracle.ts'
import { type NodeProcess, processesOf, residentMiB, startNodeProcess } from '../support/node-process.ts'
import { createRandom, seedFrom } from '../support/random.ts'
import { exchange } from '../support/raw-http.ts'
import { createStrictSse } from '../support/strict-sse.ts'
import { startWranglerDev } from '../support/wrangler-dev.ts'

const SEED = seedFrom('HOSTILE_SEED')
const ANSWER_MS = 10_000
const TOKENS = { EDGETAIL_TOKEN: 'Hostile-Token-2f9c', EDGETAIL_READ_TOKEN: 'Reading-Token-8a1b' }
const SETTINGS = {
  ...TOKENS,
  EDGETAIL_RETAIN: '500',
  EDGETAIL_MAX_BODY: '100000',
  EDGETAIL_MAX_CLIENTS: '200',
  EDGETAIL_HEARTBEAT_MS: '1000',
}
/** Far above what 500 entries of the largest size and 16 requests at once take: it is for what grows without bound. */
const MAX_GROWTH_MIB = 400

/** What no server may say. A Host that is none fails wrangler's own proxy, and CONNECT the runtime: neither is the Worker's fault. */
const COMPLAINTS =
  /unhandled|uncaught (?!exception: workerd.*(?:Invalid URL string|connect\(\) function))|edgetail: |^\s+at (?!.*miniflare)/i

/** A server as the suite sees it. */
interface Attacked {
  readonly origin: string
  complaints(): string
  residentMiB(): number
}

interface Watch {
  readonly messages: string[]
  readonly faults: string[]
  stop(): void
}

/** Follows the stream as `curl` would, and strictly. */
function watch(origin: string): Promise<Watch> {
  const messages: string[] = []
  const faults: string[] = []
  const headers = { Authorization: `Bearer ${TOKENS.EDGETAIL_READ_TOKEN}` }
  return new Promise((resolve, reject) => {
    const request = get(`${origin}/monitor/stream?tail=0`, { headers, agent: false }, (response) => {
      let stopped = false
      const stop = (): void => {
        stopped = true
        request.destroy()
      }
      let sequence: number | undefined
      const feed = createStrictSse({
        onEvent({ event, id, data }) {
          const next = Number(id?.split('-')[1])
          if (event === 'ready') resolve({ messages, faults, stop })
          else if (event !== 'log') faults.push(`the watcher was told ${event} ${JSON.stringify(data)}`)
          else {
            // The server's own requests, where it logs them, are between what was sent.
            if (!Object.hasOwn(data.context as object, 'durationMs')) messages.push(String(data.message))
            if (sequence !== undefined && next !== sequence + 1) faults.push(`${next} after ${sequence}`)
          }
          sequence = next
        },
        onViolation: (what) => faults.push(what),
      })
      response.on('data', feed)
      response.on('error', () => {})
      response.on('close', () => stopped || faults.push('the watched stream ended'))
    })
    request.on('error', reject)
  })
}

async function attack(server: Attacked, runtime: Runtime, count: number, lanes: number): Promise<void> {
  const { host, port } = new URL(server.origin)
  const headers = { Authorization: `Bearer ${TOKENS.EDGETAIL_TOKEN}`, 'Content-Type': 'application/json' }
  const session = await fetch(`${server.origin}/monitor/session`, { method: 'POST', headers })
  const cookie = session.headers.get('Set-Cookie')?.split(';')[0] as string
  const target: Target = { host, token: TOKENS.EDGETAIL_TOKEN, cookie, maxBody: Number(SETTINGS.EDGETAIL_MAX_BODY) }
  const watcher = await watch(server.origin)
  onTestFinished(watcher.stop)

  const writes = new Map<number, Accepted>()
  const faults: string[] = []
  const statuses: Record<string, number> = {}
  const before = server.residentMiB()
  const began = performance.now()
  let peak = before
  let next = 0
  let requests = 0
  const only = process.env.HOSTILE_ONLY

  async function lane(): Promise<void> {
    while (next < count && faults.length < 20) {
      const number = next++
      if (only !== undefined && number !== Number(only)) continue
      // Its own chance, so that a case can be repeated without those before it.
      const made = hostileCase(createRandom(SEED + number), target, number)
      const sentAt = performance.now()
      const result = await exchange(Number(port), made, ANSWER_MS)
      const { faults: found, accepted } = judge(made, result, Object.values(TOKENS), runtime)
      faults.push(...found.map((fault) => `${made.name} ${number}: ${fault}\n    ${describeSent(made.pieces)}`))
      if (accepted > 0) writes.set(number, { number, accepted, sentAt, answeredAt: performance.now() })
      requests += made.methods.length
      for (const { status } of result.answers) statuses[status] = (statuses[status] ?? 0) + 1
      if (result.answers.length === 0) statuses[result.ending] = (statuses[result.ending] ?? 0) + 1
      if (number % 50 === 0) peak = Math.max(peak, server.residentMiB())
    }
  }
  await Promise.all(Array.from({ length: lanes }, lane))
  const seconds = (performance.now() - began) / 1000

  // What it has after the last is all that it will get: entries come in order.
  const last = await fetch(`${server.origin}/monitor/logs`, { method: 'POST', headers, body: '{"message":"the last"}' })
  expect(last.status).toBe(202)
  await expect.poll(() => watcher.messages.at(-1), { timeout: ANSWER_MS }).toBe('the last')
  const total = [...writes.values()].reduce((sum, { accepted }) => sum + accepted, 1)
  console.info(
    `${runtime}: seed ${SEED}, ${requests} requests in ${count} exchanges, ${seconds.toFixed(1)} s, ${total} entries, ` +
      `RSS ${before.toFixed()} MiB, at most ${peak.toFixed()}, then ${server.residentMiB().toFixed()}; ${JSON.stringify(statuses)}`,
  )
  const again = `repeat with HOSTILE_SEED=${SEED}`
  expect([...faults, ...watcher.faults, ...faultsOfOrder(watcher.messages, writes)], again).toEqual([])
  expect(watcher.messages.length, again).toBe(total)
  expect(peak - before, again).toBeLessThan(MAX_GROWTH_MIB)
  expect(
    server
      .complaints()
      .split('\n')
      .filter((line) => COMPLAINTS.test(line)),
    again,
  ).toEqual([])
  watcher.stop()
  const clients = async (): Promise<number> =>
    ((await (await fetch(`${server.origin}/monitor/health`)).json()) as { clients: number }).clients
  await expect.poll(clients, { timeout: 15_000 }).toBe(0)
}

function describeSent(pieces: readonly (Uint8Array | number)[]): string {
  const bytes = Buffer.concat(pieces.filter((piece) => typeof piece !== 'number'))
  return JSON.stringify(bytes.toString('latin1', 0, 500))
}

describe('bad requests', () => {
  async function startNode(logRequests: boolean): Promise<NodeProcess & Attacked> {
    const server = await startNodeProcess(SETTINGS, logRequests)
    onTestFinished(async () => void (await server.stop()))
    return { ...server, residentMiB: () => residentMiB(server.pid) }
  }

  it.each([
    ['a Node server', false, 5400],
    ['a Node server that logs its requests', true, 1200],
  ])('do not harm %s', async (_name, logRequests, count) => {
    const server = await startNode(logRequests)
    await attack(server, 'node', count, 16)
    expect(server.complaints()).toBe('')
    expect(server.isAlive()).toBe(true)
    expect(await server.stop()).toBe(0)
  })

  it('are refused so that the refusal arrives, also when the body is not read and the connection is to close', async () => {
    const { origin } = await startNode(false)
    const { host, port } = new URL(origin)
    const body = Buffer.alloc(5_000_000, ' ')
    const statuses: unknown[] = []
    for (const token of ['wrong', TOKENS.EDGETAIL_TOKEN]) {
      const head = [
        'POST /monitor/logs HTTP/1.1',
        `Host: ${host}`,
        'Connection: close',
        `Authorization: Bearer ${token}`,
        'Content-Type: application/json',
        `Content-Length: ${body.length}`,
      ]
      const pieces = [Buffer.from(`${head.join('\r\n')}\r\n\r\n`), body]
      for (let round = 0; round < 25; round++) {
        const { answers, ending } = await exchange(
          Number(port),
          { pieces, leave: 'stay', methods: ['POST'] },
          ANSWER_MS,
        )
        statuses.push(answers[0]?.status ?? ending)
      }
    }
    expect(statuses).toEqual([...Array(25).fill(401), ...Array(25).fill(413)])
  })

  it('do not harm real workerd', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'edgetail-'))
    const worker = await startWranglerDev(SETTINGS, folder)
    onTestFinished(async () => {
      await worker.stop()
      await rm(folder, { recursive: true })
    })
    const resident = (): number => processesOf(worker.pid).reduce((sum, pid) => sum + residentMiB(pid), 0)
    await attack({ origin: worker.origin, complaints: worker.output, residentMiB: resident }, 'workerd', 800, 8)
  })
})
