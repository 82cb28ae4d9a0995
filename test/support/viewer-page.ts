/** The viewer in a browser, as a user has it. What a page must never do (errors, policy violations) is written down. */
import { readFile } from 'node:fs/promises'
import type { Browser, BrowserContext, BrowserContextOptions, Page } from 'playwright-core'

/** An entry as it is saved. */
interface SavedEntry {
  readonly id: string
  readonly ts: string
  readonly level: string
  readonly message: string
  readonly context: Record<string, unknown>
}

/** A tab with the viewer. */
export interface ViewerPage {
  readonly page: Page
  readonly context: BrowserContext
  /** Errors and policy violations so far. */
  readonly problems: string[]
  /** Waits until the stream is live. */
  live(): Promise<void>
  /** The messages on the rows in sight and just beyond, from top to bottom. */
  messages(): Promise<string[]>
  /** Everything that the list shows, in order, as the download has it. */
  saved(): Promise<SavedEntry[]>
}

/** Opens an address in a browser profile of its own, or as a further tab of another's. */
export async function openViewer(
  browser: Browser,
  address: string,
  options: BrowserContextOptions & { readonly beside?: ViewerPage } = {},
): Promise<ViewerPage> {
  const { beside, ...rest } = options
  const context = beside?.context ?? (await browser.newContext(rest))
  const page = await context.newPage()
  const problems: string[] = []
  page.on('pageerror', (error) => problems.push(error.message))
  page.on('console', (message) => {
    // What the network refuses is part of many tests; the page says so by itself.
    if (message.type() === 'error' && !/^Failed to load resource/.test(message.text())) problems.push(message.text())
  })
  await page.addInitScript(() => {
    document.addEventListener('securitypolicyviolation', ({ violatedDirective, blockedURI, sample }) =>
      console.error(`policy: ${violatedDirective} ${blockedURI} ${sample}`),
    )
  })
  await page.goto(address)
  return {
    page,
    context,
    problems,
    live: () => page.locator('#state', { hasText: /^live$/ }).waitFor(),
    messages: () => page.locator('.row .text, .row .lines, .row .gap-text').allTextContents(),
    async saved() {
      const [download] = await Promise.all([
        page.waitForEvent('download'),
        (async () => {
          await page.getByLabel('Download', { exact: true }).click()
          await page.getByRole('button', { name: 'Download NDJSON' }).click()
        })(),
      ])
      const text = await readFile(await download.path(), 'utf8')
      return text
        .split('\n')
        .filter(Boolean)
        .map((line) => JSON.parse(line) as SavedEntry)
    },
  }
}
