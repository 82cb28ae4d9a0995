/** Many senders of one entry each on workerd, half of whom leave in the middle of a write. */
import { request } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, it, onTestFinished } from 'vitest'
import { startMonitorWorkerd } from '../support/monitor-workerd.ts'
import { createRandom, seedFrom } from '../support/random.ts'

const TOKEN = 'writes-token'
const SENDERS = 50
const headers = { Authorization: `Bearer ${TOKEN}`, 'Content-Type': 'application/json' }

it('neither loses nor doubles what others sent when a client leaves in the middle of a write', async () => {
  const seed = seedFrom('WRITES_SEED')
  console.info(`WRITES_SEED=${seed}`)
  const random = createRandom(seed)
  const settings = { EDGETAIL_TOKEN: TOKEN, EDGETAIL_RETAIN: '1000000', EDGETAIL_MAX_CLIENTS: '100' }
  const worker = await startMonitorWorkerd(settings, 'test/workers/counted/counted.toml')
  onTestFinished(() => worker.stop())
  const url = `${worker.origins.main}/monitor/logs`
  const acknowledged = new Set<string>()
  const failures: string[] = []
  const sent = new Set<string>()
  let left = 0
  let slowest = 0

  /** Sends an entry; one that leaves does so at any moment until it has its answer. */
  async function send(message: string, leaveAfterMs: number | undefined): Promise<void> {
    const body = JSON.stringify({ message })
    const post = request(url, { method: 'POST', headers: { ...headers, 'Content-Length': body.length }, agent: false })
    const began = performance.now()
    post.end(body)
    sent.add(message)
    // What becomes of those who leave is nobody's concern here.
    post.on('error', (error) => leaveAfterMs ?? failures.push(`${message}: ${error}`))
    post.on('response', (response) => {
      response.resume()
      if (leaveAfterMs !== undefined) return
      if (response.statusCode === 202) acknowledged.add(message)
      else failures.push(`${message}: ${response.statusCode}`)
    })
    const closed = new Promise((resolve) => post.on('close', resolve))
    if (leaveAfterMs !== undefined) {
      await sleep(leaveAfterMs)
      post.destroy()
      left++
    }
    await closed
    if (leaveAfterMs === undefined) slowest = Math.max(slowest, performance.now() - began)
  }

  const until = performance.now() + 6000
  await Promise.all(
    Array.from({ length: SENDERS }, async (_, sender) => {
      for (let number = 0; performance.now() < until; number++) {
        await send(`${sender}-${number}`, random.int(0, 1) === 0 ? random.int(0, 25) : undefined)
      }
    }),
  )

  const counts = new Map<string, number>()
  const order = new Map<number, number>()
  for (let before = ''; ; ) {
    const page = await fetch(`${url}?tail=1000${before}`, { headers })
    const { entries, before: next } = (await page.json()) as { entries: { message: string }[]; before: string | null }
    for (const { message } of entries.reverse()) {
      counts.set(message, (counts.get(message) ?? 0) + 1)
      const [sender, number] = message.split('-').map(Number) as [number, number]
      // Each sends the next when the last is stored or given up.
      if (acknowledged.has(message)) {
        expect(order.get(sender) ?? Number.POSITIVE_INFINITY).toBeGreaterThan(number)
        order.set(sender, number)
      }
    }
    if (next === null) break
    before = `&before=${next}`
  }
  const requests = (await (await fetch(`${worker.origins.main}/requests`)).json()) as { worker: number; room: number }
  console.info(
    `${acknowledged.size} acknowledged, ${left} left, ${counts.size} of ${sent.size} stored, slowest ${slowest.toFixed(0)} ms, ${JSON.stringify(requests)}`,
  )
  expect(failures).toEqual([])
  expect([...acknowledged].filter((message) => !counts.has(message))).toEqual([])
  expect([...counts].filter(([, count]) => count > 1)).toEqual([])
  expect(acknowledged.size).toBeGreaterThan(100)
  expect(left).toBeGreaterThan(100)
  // Nobody waited for one who had left.
  expect(slowest).toBeLessThan(3000)
  expect(requests.room).toBeLessThan(sent.size / 2)
  expect(worker.output()).toBe('')
})
