/**
 * Takes pictures of the viewer, each in a state that matters. `node scripts/screenshots.ts <folder>`; without a folder it makes
 * the two of the documentation.
 */
import { mkdirSync } from 'node:fs'
import type { Browser, BrowserContextOptions, Page } from 'playwright-core'
import sharp from 'sharp'
import { startServer } from '../src/node/server.ts'
import { readSettings } from '../src/settings.ts'
import { launchBrowser } from '../test/support/browser.ts'
import { createDemo, type DemoEntry } from './demo.ts'

const TOKEN = 'screenshot-token'
const WIDE = { width: 1360, height: 800 }
const PHONE = { width: 390, height: 844 }

const [folder] = process.argv.slice(2)
const docs = new URL('../docs/', import.meta.url).pathname
const only = folder === undefined ? ['viewer', 'viewer-dark'] : undefined
if (folder !== undefined) mkdirSync(folder, { recursive: true })

const demo = createDemo(7)
let server = await serve()
const browser = await launchBrowser()
let live: NodeJS.Timeout | undefined

/** Each picture: how the page is opened, and what is done before it is taken. */
const PICTURES: Record<string, (take: (page: Page) => Promise<void>) => Promise<void>> = {
  async viewer(take) {
    await withPage({ viewport: WIDE, colorScheme: 'light' }, '', async (page) => {
      await openError(page)
      await take(page)
    })
  },
  async 'viewer-dark'(take) {
    await withPage({ viewport: WIDE, colorScheme: 'dark' }, '', async (page) => {
      await openError(page)
      await take(page)
    })
  },
  async light(take) {
    await withPage({ viewport: WIDE, colorScheme: 'light' }, '', take)
  },
  async dark(take) {
    await withPage({ viewport: WIDE, colorScheme: 'dark' }, '', take)
  },
  async 'error-burst'(take) {
    await withPage({ viewport: WIDE, colorScheme: 'dark' }, '', async (page) => {
      await openError(page)
      await page.keyboard.press('Escape')
      await page.keyboard.press('ArrowRight')
      await take(page)
    })
  },
  async filter(take) {
    await withPage({ viewport: WIDE, colorScheme: 'light' }, '#q=payment+failed', take)
  },
  async paused(take) {
    await withPage({ viewport: WIDE, colorScheme: 'light' }, '', async (page) => {
      await page.keyboard.press('Space')
      for (let count = 0; count < 30; count++) await send([demo.next(Date.now(), true)])
      await page.waitForTimeout(800)
      await take(page)
    })
  },
  async scrolled(take) {
    await withPage({ viewport: WIDE, colorScheme: 'dark' }, '', async (page) => {
      await page.locator('#list').hover()
      await page.mouse.wheel(0, -6000)
      for (let count = 0; count < 40; count++) await send([demo.next(Date.now(), count % 9 === 0)])
      await page.waitForTimeout(800)
      await take(page)
    })
  },
  async around(take) {
    await withPage({ viewport: WIDE, colorScheme: 'light' }, '#q=payment', async (page) => {
      await openError(page)
      await page.keyboard.press('a')
      await page.waitForTimeout(500)
      await take(page)
    })
  },
  async help(take) {
    await withPage({ viewport: WIDE, colorScheme: 'light' }, '', async (page) => {
      await page.keyboard.press('?')
      await page.waitForTimeout(200)
      await take(page)
    })
  },
  async settings(take) {
    await withPage({ viewport: WIDE, colorScheme: 'dark' }, '', async (page) => {
      await page.keyboard.press('s')
      await page.waitForTimeout(200)
      await take(page)
    })
  },
  async phone(take) {
    await withPage({ viewport: PHONE, colorScheme: 'light', isMobile: true, hasTouch: true }, '', take)
  },
  async 'phone-entry'(take) {
    await withPage({ viewport: PHONE, colorScheme: 'dark', isMobile: true, hasTouch: true }, '', async (page) => {
      await openError(page)
      await take(page)
    })
  },
  async 'sign-in'(take) {
    const context = await browser.newContext({ viewport: WIDE, deviceScaleFactor: 2 })
    const page = await context.newPage()
    await page.goto(`${server.origin}/monitor`)
    await page.getByRole('textbox', { name: 'Token' }).waitFor()
    await take(page)
    await context.close()
  },
  async empty(take) {
    const busy = server
    clearInterval(live)
    server = await serve()
    await withPage({ viewport: WIDE, colorScheme: 'light' }, '', take, false)
    await server.close()
    server = busy
    live = startTraffic()
  },
  async disconnected(take) {
    await withPage({ viewport: WIDE, colorScheme: 'light' }, '', async (page) => {
      clearInterval(live)
      await server.close(200)
      await page.waitForTimeout(9000)
      await take(page)
    })
  },
}

try {
  await send(demo.history(Date.now(), 26))
  live = startTraffic()
  for (const [name, make] of Object.entries(PICTURES)) {
    if (
      only !== undefined ? !only.includes(name) : process.argv[3] !== undefined && !process.argv.slice(3).includes(name)
    )
      continue
    await make(async (page) => {
      // In 256 colours, which these pictures do not exceed by much, at a third of the size.
      const image = sharp(await page.screenshot()).png({ palette: true, quality: 85, effort: 10 })
      await image.toFile(`${folder ?? docs}/${name}.png`)
    })
    console.error(name)
  }
} finally {
  clearInterval(live)
  await browser.close()
  await server.close(200)
}

/** An entry now and then. */
function startTraffic(): NodeJS.Timeout {
  return setInterval(() => void send([demo.next(Date.now())]).catch(() => {}), 330)
}

async function openError(page: Page): Promise<void> {
  // The one with a stack: the first of these going back from the end.
  await page.locator('.row', { hasText: 'failing over' }).or(page.locator('.plot')).first().waitFor()
  await page.keyboard.press('6')
  await page.keyboard.press('E')
  await page.keyboard.press('6')
  for (let count = 0; count < 30; count++) {
    await page.keyboard.press('E')
    if (await page.locator('.row.selected', { hasText: 'payment failed' }).count()) break
  }
  await page.keyboard.press('Enter')
  await page.waitForTimeout(300)
}

async function withPage(
  options: BrowserContextOptions,
  fragment: string,
  use: (page: Page) => Promise<void>,
  waitForRows = true,
): Promise<void> {
  const context = await (browser as Browser).newContext({ deviceScaleFactor: 2, ...options })
  const page = await context.newPage()
  // This machine's own interface font may be any.
  await page.addInitScript(() => {
    addEventListener(
      'readystatechange',
      () => document.documentElement.style.setProperty('--ui-font', "Inter, 'Liberation Sans', sans-serif"),
      { capture: true },
    )
  })
  page.on('pageerror', (error) => console.error(error))
  page.on('console', (message) => {
    if (message.type() === 'error') console.error(message.text())
  })
  await page.goto(`${server.origin}/monitor${fragment === '' ? '#' : `${fragment}&`}token=${TOKEN}`)
  if (waitForRows) await page.locator('.row').first().waitFor()
  await page.waitForTimeout(2500)
  await use(page)
  await context.close()
}

async function serve(): ReturnType<typeof startServer> {
  return await startServer(readSettings({ EDGETAIL_TOKEN: TOKEN, PORT: '0' }))
}

async function send(entries: readonly DemoEntry[]): Promise<void> {
  await fetch(`${server.origin}/monitor/logs`, {
    method: 'POST',
    headers: { Authorization: `Bearer ${TOKEN}`, 'Content-Type': 'application/json' },
    body: JSON.stringify(entries),
  })
}
