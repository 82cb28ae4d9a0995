/** Clients that people use, against both runtimes: a browser, the `eventsource` package, curl. */
import { spawn } from 'node:child_process'
import { EventSource } from 'eventsource'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { launchBrowser, NO_BROWSER } from '../support/browser.ts'
import { type RealService, RUNTIMES } from '../support/services.ts'

const TOKEN = 'client-token'
const AUTHORIZATION = { Authorization: `Bearer ${TOKEN}` }
const TOTAL = 2000

if (NO_BROWSER) console.warn(NO_BROWSER)

describe.each(Object.entries(RUNTIMES))('clients of %s', (_name, start) => {
  let service: RealService
  let url: string
  beforeAll(async () => {
    service = await start({ EDGETAIL_TOKEN: TOKEN, EDGETAIL_HEARTBEAT_MS: '500' })
    url = `${service.origin}/monitor`
  })
  afterAll(() => service?.close())

  async function send(messages: readonly string[]): Promise<void> {
    const response = await fetch(`${url}/logs`, {
      method: 'POST',
      headers: { ...AUTHORIZATION, 'Content-Type': 'application/json' },
      body: JSON.stringify(messages.map((message) => ({ message }))),
    })
    expect(response.status).toBe(202)
  }

  /** Sends many entries in posts of growing size and returns their messages. */
  async function sendMany(label: string): Promise<string[]> {
    const messages = Array.from({ length: TOTAL }, (_, number) => `${label} ${number}`)
    for (let from = 0, size = 1; from < TOTAL; from += size, size = Math.min(size * 2, 300)) {
      await send(messages.slice(from, from + size))
    }
    return messages
  }

  it('gives curl every entry, in order, once', async () => {
    const curl = spawn('curl', ['-sN', '-H', `Authorization: Bearer ${TOKEN}`, `${url}/stream?tail=0`])
    onTestFinished(() => void curl.kill())
    let output = ''
    curl.stdout.setEncoding('utf8').on('data', (chunk) => {
      output += chunk
    })
    await expect.poll(() => output).toContain('event: ready')
    const sent = await sendMany('curl')
    const received = (): string[] =>
      [...output.matchAll(/"message":"(curl \d+)"/g)].map(([, message]) => message as string)
    await expect.poll(() => received().length, { timeout: 15_000 }).toBe(TOTAL)
    expect(received()).toEqual(sent)
  })

  it('gives the eventsource package every entry, in order, once', async () => {
    const source = new EventSource(`${url}/stream?tail=0`, {
      fetch: (input, init) => fetch(input, { ...init, headers: { ...init.headers, ...AUTHORIZATION } }),
    })
    onTestFinished(() => source.close())
    const received: string[] = []
    source.addEventListener('log', ({ data }) => received.push(JSON.parse(data).message))
    await new Promise((resolve) => source.addEventListener('ready', resolve))
    const sent = await sendMany('package')
    await expect.poll(() => received.length, { timeout: 15_000 }).toBe(TOTAL)
    expect(received).toEqual(sent)
  })

  describe.skipIf(NO_BROWSER)('Chromium', () => {
    let browser: Browser
    beforeAll(async () => {
      browser = await launchBrowser()
    })
    afterAll(() => browser?.close())

    async function open(address: string): Promise<{ page: Page; problems: string[] }> {
      const context = await browser.newContext()
      onTestFinished(() => context.close())
      const page = await context.newPage()
      const problems: string[] = []
      page.on('pageerror', (error) => problems.push(error.message))
      page.on('console', (message) => {
        if (message.type() === 'error') problems.push(message.text())
      })
      await page.goto(address)
      return { page, problems }
    }

    it('gives native EventSource every entry, in order, once', async () => {
      const { page, problems } = await open(`${url}#token=${TOKEN}`)
      await page.getByText('live', { exact: true }).waitFor()
      await page.evaluate(async (address) => {
        const target = globalThis as unknown as { received: string[] }
        target.received = []
        const source = new globalThis.EventSource(`${address}/stream?tail=0`)
        source.addEventListener('log', (event) => target.received.push(JSON.parse(event.data).message))
        await new Promise((resolve) => source.addEventListener('ready', resolve))
      }, url)
      const sent = await sendMany('native')
      const received = (): Promise<string[]> =>
        page.evaluate(() => (globalThis as unknown as { received: string[] }).received)
      await expect.poll(async () => (await received()).length, { timeout: 15_000 }).toBe(TOTAL)
      expect(await received()).toEqual(sent)
      expect(problems).toEqual([])
    })
  })
})
