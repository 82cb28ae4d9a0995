/** What a stream does as time passes, with the clock in the test's hand. */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { Identity } from '../../src/http/auth.ts'
import { createMonitor, type Monitor } from '../../src/monitor.ts'
import { memorySource } from '../../src/sources/memory.ts'

const HOUR = 60 * 60 * 1000

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'Date', 'performance'] })
})
afterEach(() => {
  vi.useRealTimers()
})

function open(): Monitor {
  return createMonitor({ source: memorySource(), token: 'secret', onError: () => {} })
}

/** The stream's text as it comes; `ended` when the server has closed it. */
async function follow(
  monitor: Monitor,
  headers: Record<string, string>,
): Promise<{ text: () => string; ended: () => boolean }> {
  const response = await monitor.routes.request('/stream?tail=0', { headers })
  const body = response.body?.pipeThrough(new TextDecoderStream()) as ReadableStream<string>
  let text = ''
  let ended = false
  void (async () => {
    for await (const piece of body) text += piece
    ended = true
  })()
  await vi.advanceTimersByTimeAsync(0)
  return { text: () => text, ended: () => ended }
}

async function clients(monitor: Monitor): Promise<number> {
  return ((await (await monitor.routes.request('/health')).json()) as { clients: number }).clients
}

const bearer = { Authorization: 'Bearer secret' }

describe('a stream', () => {
  it('sends a comment after 20 s of silence, and none while entries flow', async () => {
    const monitor = open()
    const { text } = await follow(monitor, bearer)
    for (let second = 0; second < 40; second++) {
      monitor.log('info', 'busy')
      await vi.advanceTimersByTimeAsync(1000)
    }
    expect(text()).not.toMatch(/^:/m)
    await vi.advanceTimersByTimeAsync(60_000)
    const beats = text().match(/^:$/gm)?.length
    expect(beats).toBeGreaterThanOrEqual(2)
    expect(beats).toBeLessThanOrEqual(3)
  })

  it('has one timer for all', async () => {
    const monitor = open()
    await follow(monitor, bearer)
    const timers = vi.getTimerCount()
    for (let client = 0; client < 20; client++) await follow(monitor, bearer)
    expect(vi.getTimerCount()).toBe(timers)
  })

  it('is ended within the hour, with a retry', async () => {
    const monitor = open()
    const { text, ended } = await follow(monitor, bearer)
    await vi.advanceTimersByTimeAsync(0.89 * HOUR)
    expect(ended()).toBe(false)
    await vi.advanceTimersByTimeAsync(0.12 * HOUR)
    expect(ended()).toBe(true)
    expect(text()).toMatch(/\nretry: \d{4}\n\n$/)
    expect(await clients(monitor)).toBe(0)
  })

  it('ends before the session that opened it does', async () => {
    const monitor = open()
    const opened = await monitor.routes.request('/session', { method: 'POST', headers: bearer })
    const cookie = { Cookie: opened.headers.get('Set-Cookie')?.split(';')[0] ?? '' }
    await vi.advanceTimersByTimeAsync(11.9 * HOUR)
    const { ended } = await follow(monitor, cookie)
    expect(ended()).toBe(false)
    await vi.advanceTimersByTimeAsync(0.11 * HOUR)
    expect(ended()).toBe(true)
    expect((await monitor.routes.request('/logs', { headers: cookie })).status).toBe(401)
  })

  it('ends before a credential that is short, however long the heartbeat', async () => {
    const authenticate = (): Identity => ({ name: 'me', rights: ['read'], expires: Date.now() + 3000 })
    const monitor = createMonitor({ source: memorySource(), heartbeatMs: 86_400_000, authenticate, onError: () => {} })
    const { text, ended } = await follow(monitor, {})
    await vi.advanceTimersByTimeAsync(2600)
    expect(ended()).toBe(false)
    await vi.advanceTimersByTimeAsync(300)
    expect(ended()).toBe(true)
    expect(text()).toMatch(/\nretry: \d{4}\n\n$/)
  })

  it('is closed when its client has taken nothing for 30 s', async () => {
    const monitor = open()
    const destroy = vi.fn()
    await monitor.routes.request('/stream?tail=0', { headers: bearer }, { outgoing: { destroy } })
    for (let round = 0; round < 5; round++) monitor.log('info', 'x'.repeat(30_000))
    await vi.advanceTimersByTimeAsync(29_000)
    expect(await clients(monitor)).toBe(1)
    expect(destroy).not.toHaveBeenCalled()
    await vi.advanceTimersByTimeAsync(10_000)
    expect(await clients(monitor)).toBe(0)
    expect(destroy).toHaveBeenCalledOnce()
    const metrics = await (await monitor.routes.request('/metrics', { headers: bearer })).text()
    expect(metrics).toContain('\nedgetail_slow_closes_total 1\n')
    // What it never took was not delivered.
    expect(metrics).toContain('\nedgetail_deliveries_total 0\n')
  })
})
