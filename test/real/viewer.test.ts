/** The viewer in Chromium, on both runtimes. */
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import type { AxeResults } from 'axe-core'
import type { Browser, BrowserContextOptions, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { LEVELS } from '../../src/log.ts'
import { launchBrowser, NO_BROWSER } from '../support/browser.ts'
import { startFaultProxy } from '../support/fault-proxy.ts'
import { TOO_LONG } from '../support/long.ts'
import { type RealService, RUNTIMES } from '../support/services.ts'
import { startSwitchProxy } from '../support/switch-proxy.ts'
import { openViewer, type ViewerPage } from '../support/viewer-page.ts'

const TOKEN = 'viewer-token'
const RETAIN = 400

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

/** Waits for a value; long enough for a machine that does other things too. */
function eventually<Value>(read: () => Value, timeout = 15_000): ReturnType<typeof expect.poll<Value>> {
  return expect.poll(read, { timeout })
}

/** Would run, or end an element, wherever it were taken for HTML, for a URL, or for a style. */
const HOSTILE = [
  '<img src=x onerror="document.title=\'broken\'">',
  '</script><script>document.title="broken"</script>',
  '"><svg onload=document.title="broken">',
  'javascript:document.title="broken"',
  '</style><style>*{display:none}</style>',
  '{{constructor.constructor("document.title=\'broken\'")()}}',
]

if (NO_BROWSER) console.warn(NO_BROWSER)

describe.skipIf(NO_BROWSER).each(Object.entries(RUNTIMES))('the viewer of %s', (_name, start) => {
  let service: RealService
  let browser: Browser
  let url: string
  beforeAll(async () => {
    service = await start({
      EDGETAIL_TOKEN: TOKEN,
      EDGETAIL_TOKENS: '[{"token":"pay-token","rights":["read"],"streams":["pay-*"]}]',
      EDGETAIL_HEARTBEAT_MS: '500',
      EDGETAIL_MAX_STREAMS: '6',
      EDGETAIL_RETAIN: String(RETAIN),
    })
    url = `${service.origin}/monitor`
    browser = await launchBrowser()
  })
  afterAll(async () => {
    await browser?.close()
    await service?.close()
  })

  async function send(...entries: (string | object)[]): Promise<void> {
    const response = await fetch(`${url}/logs`, {
      method: 'POST',
      headers: { Authorization: `Bearer ${TOKEN}`, 'Content-Type': 'application/json' },
      body: JSON.stringify(entries.map((entry) => (typeof entry === 'string' ? { message: entry } : entry))),
    })
    expect(response.status).toBe(202)
  }

  async function open(
    address: string,
    options: BrowserContextOptions & { beside?: ViewerPage } = {},
  ): Promise<ViewerPage> {
    const viewer = await openViewer(browser, address, options)
    onTestFinished(() => viewer.context.close())
    return viewer
  }

  async function openLive(fragment = '', options: BrowserContextOptions = {}): Promise<ViewerPage> {
    const viewer = await open(`${url}#${fragment === '' ? '' : `${fragment}&`}token=${TOKEN}`, options)
    await viewer.live()
    return viewer
  }

  /** Tries until the page is there: it may be cut off on its way, as for anybody, who would then load it again. */
  async function openThrough(address: string, beside: ViewerPage): Promise<ViewerPage> {
    for (let tries = 0; tries < 20; tries++) {
      const viewer = await open(address, { beside }).catch(() => undefined)
      if (await viewer?.page.evaluate(() => document.querySelector('#app > *') !== null)) return viewer as ViewerPage
      await viewer?.page.close()
    }
    throw new Error('The page did not come through.')
  }

  it('signs in by the link, shows an entry within a second, keeps the session, and signs out', async () => {
    await send('before the visit')
    const { page, problems } = await open(`${url}#token=${TOKEN}`)
    await page.getByText('before the visit').last().waitFor()
    expect(page.url()).toBe(url)
    await page.locator('#state', { hasText: 'live' }).waitFor()
    await send('right now')
    await page.getByText('right now').waitFor({ timeout: 1000 })
    await page.reload()
    await page.getByText('right now').waitFor()
    expect(
      await page.evaluate(() => JSON.stringify([{ ...localStorage }, { ...sessionStorage }, document.cookie])),
    ).not.toContain(TOKEN)
    await page.getByRole('button', { name: 'Sign out' }).click()
    await page.getByRole('textbox', { name: 'Token' }).waitFor()
    expect(await page.content()).not.toContain('right now')
    await page.reload()
    await page.getByRole('textbox', { name: 'Token' }).waitFor()
    expect(problems).toEqual([])
  })

  it('signs in with a typed token, and says when it is wrong', async () => {
    const { page, problems, live } = await open(`${url}/`)
    await page.getByRole('textbox', { name: 'Token' }).fill('wrong')
    await page.keyboard.press('Enter')
    await page.getByText('The token is not known here').waitFor()
    await page.getByRole('textbox', { name: 'Token' }).fill(TOKEN)
    await page.keyboard.press('Enter')
    await live()
    expect(problems).toEqual([])
  })

  it('filters on the server, the past as well as what comes, and takes the filter into the address', async () => {
    await send('pear one', 'plum one', { level: 'error', message: 'pear two' })
    const { page, messages, live, problems } = await openLive()
    await page.getByLabel('Filter', { exact: true }).fill('pear')
    await eventually(messages).toEqual(['pear one', 'pear two'])
    await live()
    await send('plum two', 'pear three')
    await eventually(messages).toEqual(['pear one', 'pear two', 'pear three'])
    expect(await page.locator('.row mark').allTextContents()).toEqual(['pear', 'pear', 'pear'])
    expect(new URL(page.url()).hash).toBe('#q=pear')

    // A colleague opens the link.
    const other = await open(`${page.url()}&token=${TOKEN}`)
    await eventually(other.messages).toEqual(['pear one', 'pear two', 'pear three'])
    expect(new URL(other.page.url()).hash).toBe('#q=pear')

    await page.getByRole('button', { name: /^error/ }).click()
    await eventually(messages).toEqual(['pear two'])
    await page.keyboard.press('0')
    await eventually(messages).toContain('plum two')
    expect([...problems, ...other.problems]).toEqual([])
  })

  it('filters by a value of the open entry, or leaves out what has it', async () => {
    await send(
      { message: 'quince one', context: { buyer: { name: 'Ann "A" B' } } },
      { message: 'quince two', context: { buyer: { name: 'Bob' } } },
      { message: 'medlar one', context: { buyer: { name: 'Bob' } } },
    )
    const { page, messages, live, problems } = await openLive(`q=${encodeURIComponent('/quin.e/ OR medlar')}`)
    await eventually(messages).toEqual(['quince one', 'quince two', 'medlar one'])
    await live()
    expect(await page.locator('.row mark').allTextContents()).toEqual(['quince', 'quince', 'medlar'])
    await page.locator('.row', { hasText: 'quince one' }).click()
    await page.getByRole('button', { name: /^Leave out entries with buyer\.name/ }).click()
    await eventually(messages).toEqual(['quince two', 'medlar one'])
    const box = page.getByLabel('Filter', { exact: true })
    expect(await box.inputValue()).toBe('(/quin.e/ OR medlar) -buyer.name:"Ann ""A"" B"')

    await box.fill('/quin.e/ OR medlar')
    await eventually(messages).toEqual(['quince one', 'quince two', 'medlar one'])
    await page.locator('.row', { hasText: 'quince one' }).click()
    await page.getByRole('button', { name: /^Only entries with buyer\.name/ }).click()
    await eventually(messages).toEqual(['quince one'])
    expect(problems).toEqual([])
  })

  it('says what is wrong with a filter, and goes on with the one before', async () => {
    const { page, messages, problems } = await openLive()
    await send('still here')
    await page.getByText('still here').waitFor()
    await page.getByLabel('Filter', { exact: true }).fill('x'.repeat(1100))
    await page.getByRole('alert').filter({ hasText: '1024' }).waitFor()
    await page.getByLabel('Filter', { exact: true }).fill(' 🍐 OR level:loud')
    await page.getByRole('alert').filter({ hasText: 'level is one of' }).waitFor()
    expect(await page.getByRole('alert').locator('code').textContent()).toBe('🍐 OR level:▸loud')
    await send('and goes on')
    await page.getByText('and goes on').waitFor()
    await page.getByLabel('Filter', { exact: true }).fill('goes')
    await eventually(messages).toEqual(['and goes on'])
    // What is selected stays so in another list, where it has another place.
    await page.locator('.row').click()
    await page.getByLabel('Filter', { exact: true }).fill('still')
    await page.getByText('and goes on').first().waitFor({ state: 'detached' })
    expect(await page.getByRole('complementary', { name: 'Entry' }).count()).toBe(0)
    await page.getByLabel('Filter', { exact: true }).fill('')
    await page.getByText('and goes on').waitFor()
    await page.locator('.row', { hasText: 'and goes on' }).click()
    await page.getByLabel('Filter', { exact: true }).fill('goes')
    await eventually(messages).toEqual(['and goes on'])
    await eventually(() => page.locator('.row.selected').count()).toBe(1)
    expect(await page.getByRole('alert').count()).toBe(0)
    expect(problems).toEqual([])
  })

  it('stands still while paused and then has everything', async () => {
    const { page, messages, problems } = await openLive()
    await send('last before the pause')
    await page.getByText('last before the pause').waitFor()
    await page.getByRole('button', { name: 'Pause' }).click()
    const before = await messages()
    await send('during one', { level: 'error', message: 'during two' }, 'during three')
    await page.getByText('3 new, 1 error').waitFor()
    expect(await messages()).toEqual(before)
    await page.locator('#list').focus()
    await page.keyboard.press('Space')
    await page.getByText('during three').waitFor()
    expect((await messages()).slice(-4)).toEqual(['last before the pause', 'during one', 'during two', 'during three'])
    expect(problems).toEqual([])
  })

  it('follows the tail until one scrolls up, and leads back', async () => {
    await send(...Array.from({ length: 120 }, (_, number) => `line ${number}`))
    const { page, messages, problems } = await openLive()
    await eventually(async () => (await messages()).at(-1)).toBe('line 119')
    await page.locator('#list').hover()
    await page.mouse.wheel(0, -1200)
    await page.getByRole('button', { name: 'Go to the live end' }).waitFor()
    const [first] = await page.locator('.row').first().allTextContents()
    await send('unseen one', { level: 'error', message: 'unseen two' })
    const pill = page.getByRole('button', { name: '2 new, 1 error' })
    await pill.waitFor()
    expect(await page.locator('.row').first().allTextContents()).toEqual([first])
    await pill.click()
    await page.getByText('unseen two').waitFor()
    await send('followed again')
    await page.getByText('followed again').waitFor()
    expect(problems).toEqual([])
  })

  it('opens an entry, shows what was around it, and finds it again by its link', async () => {
    await send(
      ...Array.from({ length: 30 }, (_, number) => `noise ${number}`),
      { level: 'error', message: 'needle\n    at haystack.js:1', context: { order: { id: 7, tags: ['a', 'b'] } } },
      ...Array.from({ length: 30 }, (_, number) => `later noise ${number}`),
    )
    const { page, messages, problems } = await openLive('q=needle')
    await page.locator('.row', { hasText: 'needle' }).last().click()
    const entry = page.getByRole('complementary', { name: 'Entry' })
    expect(await entry.locator('.message').textContent()).toBe('needle\n    at haystack.js:1')
    expect(await entry.locator('.leaf', { hasText: 'id' }).locator('.value').first().textContent()).toBe('7')
    await entry.getByRole('button', { name: /^order/ }).click()
    expect(await entry.locator('.leaf').count()).toBe(0)
    const link = page.url()
    expect(link).toContain('q=needle&at=')
    await entry.getByRole('button', { name: 'Show around it' }).click()
    await eventually(messages).toContain('noise 29')
    expect(await messages()).toContain('later noise 0')
    expect(new URL(page.url()).hash).toContain('around=')
    await page.getByRole('button', { name: 'Back to the list' }).click()
    await eventually(async () => [...new Set(await messages())]).toEqual(['needle'])

    const other = await open(`${link}&token=${TOKEN}`)
    await other.page.getByRole('complementary', { name: 'Entry' }).getByText('haystack.js:1').waitFor()
    expect(await other.page.locator('.row.selected').count()).toBe(1)
    expect([...problems, ...other.problems]).toEqual([])
  })

  it('shows hostile text as text, in every field', async () => {
    await send(
      ...HOSTILE.map((text) => ({
        message: `${text} \u001b[31m${text}\u001b[0m\n${text}`,
        context: { [text]: text, stack: text, err: { stack: text, [text]: [text, { [text]: text }] } },
      })),
    )
    const { page, problems } = await openLive(`q=${encodeURIComponent('broken')}`)
    await page.locator('.row', { hasText: 'onerror' }).last().waitFor()
    const rows = await page.locator('.row').count()
    for (let row = 0; row < Math.min(rows, HOSTILE.length); row++) {
      await page.locator('.row').nth(row).click()
      await page.keyboard.press('ArrowRight')
      for (const branch of await page.locator('.branch[aria-expanded=false]').all()) await branch.click()
    }
    await page.getByLabel('Filter', { exact: true }).fill(HOSTILE[0] as string)
    await page.waitForTimeout(600)
    await page.locator('.row').first().click()
    expect(await page.locator('.message').textContent()).toContain(HOSTILE[0])
    expect(await page.title()).not.toContain('broken')
    expect(await page.locator('#app img, #app script, #app style, #app svg[onload], #app a').count()).toBe(0)
    expect(problems).toEqual([])
  })

  it('has a policy that forbids what it does not need', async () => {
    const { page, problems } = await openLive()
    await page.evaluate(() => {
      const script = document.createElement('script')
      script.textContent = 'document.title = "broken"'
      document.body.append(script)
      document.body.insertAdjacentHTML('beforeend', '<p style="color: red">inline</p>')
    })
    // What is put in from outside is refused; that the tests see it shows that they would see a fault of the page too.
    await eventually(() => problems.join('\n')).toMatch(/policy: script-src/)
    await eventually(() => problems.join('\n')).toMatch(/policy: style-src/)
    expect(await page.title()).not.toBe('broken')
  })

  it('does everything by the keyboard', async () => {
    await send(
      'key one',
      { level: 'error', message: 'key two' },
      'key three',
      { level: 'error', message: 'key four' },
      'key five',
    )
    const { page, messages, live, problems } = await open(url)
    await page.locator('input:focus').waitFor()
    await page.keyboard.type(TOKEN)
    await page.keyboard.press('Enter')
    await live()
    await page.keyboard.press('/')
    await page.keyboard.type('key')
    await page.keyboard.press('Enter')
    await eventually(async () => (await messages()).slice(-5)).toEqual([
      'key one',
      'key two',
      'key three',
      'key four',
      'key five',
    ])
    await eventually(() => new URL(page.url()).hash).toBe('#q=key')
    await page.keyboard.press('Escape')
    const selected = (): Promise<string | null> => page.locator('.row.selected .text').textContent({ timeout: 2000 })
    await page.keyboard.press('E')
    await eventually(selected).toBe('key four')
    await page.keyboard.press('E')
    await eventually(selected).toBe('key two')
    await page.keyboard.press('e')
    await eventually(selected).toBe('key four')
    await page.keyboard.press('ArrowUp')
    await eventually(selected).toBe('key three')
    expect(await page.locator('#list').getAttribute('aria-activedescendant')).toBe(
      await page.locator('.row.selected').getAttribute('id'),
    )
    await page.keyboard.press('Enter')
    await page.getByRole('complementary', { name: 'Entry' }).getByText('key three').waitFor()
    await page.keyboard.press('Escape')
    await page.getByRole('complementary', { name: 'Entry' }).waitFor({ state: 'detached' })
    await page.keyboard.press('?')
    await page.getByRole('dialog', { name: 'Keys' }).waitFor()
    // At once after another: a key that follows Esc is not lost, however late the browser tells that the dialog closed.
    await Promise.all([page.keyboard.press('Escape'), page.keyboard.press('Space')])
    await page.getByRole('dialog').waitFor({ state: 'detached' })
    await page.getByText('Paused.').waitFor()
    await Promise.all(['?', 'Escape', 's'].map((key) => page.keyboard.press(key)))
    await page.getByRole('dialog', { name: 'Settings' }).waitFor()
    await page.waitForTimeout(100)
    await page.getByRole('dialog', { name: 'Settings' }).waitFor()
    await page.keyboard.press('Escape')
    await page.keyboard.press('End')
    await page.getByText('Paused.').waitFor({ state: 'detached' })
    await page.keyboard.press('5')
    await eventually(async () => [...new Set(await messages())]).toEqual(['key two', 'key four'])
    await page.keyboard.press('5')
    // The picture: to a bar, and to its first error.
    await page.locator('.plot').focus()
    const words = (): Promise<string | null> => page.locator('.plot').getAttribute('aria-valuetext')
    for (let bars = 0; bars < 60 && !/\d\d:\d\d:\d\d.* error/.test((await words()) ?? ''); bars++) {
      await page.keyboard.press('ArrowLeft')
    }
    await page.keyboard.press('Enter')
    await eventually(selected).toBe('key two')
    // And out again, by Tab and Enter.
    for (let tabs = 0; tabs < 40; tabs++) {
      await page.keyboard.press('Shift+Tab')
      if (await page.getByRole('button', { name: 'Sign out' }).evaluate((button) => button === document.activeElement))
        break
    }
    await page.keyboard.press('Enter')
    await page.getByRole('textbox', { name: 'Token' }).waitFor()
    expect(problems).toEqual([])
  })

  it('shows a named stream alone, says which it is, and goes to the others', async () => {
    const sendTo = async (name: string, message: string): Promise<void> => {
      const headers = { Authorization: `Bearer ${TOKEN}`, 'Content-Type': 'application/json' }
      const body = JSON.stringify({ message })
      expect((await fetch(`${url}/s/${name}/logs`, { method: 'POST', headers, body })).status).toBe(202)
    }
    await send('of the base')
    // Before its first entry, with a slash at its end as people type it.
    const viewer = await open(`${url}/s/shop/#token=${TOKEN}`)
    const { page, messages, problems } = viewer
    await viewer.live()
    await eventually(() => page.title()).toBe('shop · edgetail')
    expect(new URL(page.url()).pathname).toBe('/monitor/s/shop')
    await sendTo('shop', 'of the shop')
    await eventually(messages).toEqual(['of the shop'])
    await sendTo('a-name-as-long-as-names-can-be-'.padEnd(64, 'x'), 'long')
    const { page: base, live, messages: baseMessages } = await open(url, { beside: viewer })
    await live()
    const menu = base.getByLabel('Stream')
    await menu.waitFor()
    expect(await menu.inputValue()).toBe('default')
    expect(await menu.locator('option').allTextContents()).toEqual(expect.arrayContaining(['default', 'shop']))
    await eventually(baseMessages).toContain('of the base')
    expect(await baseMessages()).not.toContain('of the shop')
    await base.getByLabel('Filter', { exact: true }).fill('-"of the till"')
    await eventually(() => new URL(base.url()).hash).not.toBe('')
    const { hash } = new URL(base.url())

    await menu.focus()
    await base.keyboard.press('End')
    await menu.selectOption('shop')
    await base.waitForURL(`${url}/s/shop${hash}`)
    await eventually(baseMessages).toEqual(['of the shop'])
    await eventually(() => base.getByLabel('Stream').inputValue()).toBe('shop')
    expect(await seriousFaults(base)).toEqual([])
    await base.getByLabel('Stream').selectOption('default')
    await base.waitForURL(`${url}${hash}`)
    await live()

    // One session for all: signing out in the one ends the other.
    await base.getByRole('button', { name: 'Sign out' }).click()
    await page.getByText('Live logs of shop.').waitFor()
    expect(await page.content()).not.toContain('of the shop.')
    expect(problems).toEqual([])
  })

  it('says to whom it is closed that it is, and for what the token is', async () => {
    const { page, problems } = await open(`${url}/s/shop#token=pay-token`)
    await page.getByText('This credential is for other streams only: /s/pay-*').waitFor()
    await page.goto(`${url}/s/pay-in#token=pay-token`)
    await page.locator('#state', { hasText: 'live' }).waitFor()
    await eventually(() => page.title()).toBe('pay-in · edgetail')
    // It may read no other, so there is nothing to choose from.
    expect(await page.getByLabel('Stream').count()).toBe(0)
    expect(problems).toEqual([])
  })

  it('leads from a stream for which there is no place to those that there are', async () => {
    const headers = { Authorization: `Bearer ${TOKEN}`, 'Content-Type': 'application/json' }
    const write = (name: string): Promise<Response> =>
      fetch(`${url}/s/${name}/logs`, { method: 'POST', headers, body: '{"message":"here"}' })
    let taken = 0
    while ((await write(`full-${taken}`)).ok) taken++
    expect(taken).toBeGreaterThan(0)
    const { page, live } = await open(`${url}/s/one-more#token=${TOKEN}`)
    await page.getByText('all places are taken').waitFor()
    await page.getByLabel('Stream').selectOption('full-0')
    await page.waitForURL(`${url}/s/full-0`)
    await live()
  })

  it('fits a phone without moving sideways', async () => {
    await send(
      ...Array.from({ length: 40 }, (_, number) => ({
        message: `${number} ${'wide '.repeat(80)}`,
        context: { wide: 'x'.repeat(300) },
      })),
    )
    const { page, problems } = await openLive('', {
      viewport: { width: 360, height: 720 },
      isMobile: true,
      hasTouch: true,
    })
    const fits = async (): Promise<void> => {
      const beyond = await page.evaluate(() =>
        [...document.querySelectorAll<HTMLElement>('.top *, .foot *, .banner *, .detail > *, .row')]
          .filter((element) => element.getClientRects().length > 0 && !element.closest('.levels, .offscreen, h1'))
          .filter((element) => element.getBoundingClientRect().right > innerWidth + 0.5)
          .map((element) => `${element.className} ${element.getBoundingClientRect().right}`),
      )
      expect(beyond).toEqual([])
      expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(360)
    }
    await page.locator('.row').first().waitFor()
    await fits()
    await page.getByRole('button', { name: 'Pause' }).tap()
    await fits()
    await page.locator('.row').nth(4).tap()
    await page.getByRole('complementary', { name: 'Entry' }).waitFor()
    await fits()
    expect(problems).toEqual([])
  })

  it('has no serious fault of accessibility, in any state', async () => {
    await send(
      'plain',
      { level: 'trace', message: 't' },
      { level: 'debug', message: 'd' },
      { level: 'warn', message: 'w' },
      {
        level: 'error',
        message: 'e \u001b[32mgreen\u001b[0m',
        context: { n: 1, s: 'x', b: true, z: null, o: { a: [1] } },
      },
      { level: 'fatal', message: 'f\nmore' },
    )
    const signIn = await open(url)
    await signIn.page.getByRole('textbox', { name: 'Token' }).waitFor()
    expect(await seriousFaults(signIn.page)).toEqual([])
    for (const colorScheme of ['light', 'dark'] as const) {
      const { page } = await openLive('', { colorScheme })
      await page.getByText('plain', { exact: true }).last().waitFor()
      expect(await seriousFaults(page)).toEqual([])
      await page.locator('.row.l4').last().click()
      await page.getByRole('complementary', { name: 'Entry' }).waitFor()
      await page.keyboard.press('Space')
      expect(await seriousFaults(page)).toEqual([])
      await page.keyboard.press('s')
      expect(await seriousFaults(page)).toEqual([])
      await page.keyboard.press('Escape')
      await page.keyboard.press('?')
      await page.getByRole('dialog', { name: 'Keys' }).waitFor()
      expect(await seriousFaults(page)).toEqual([])
    }
    const { page } = await openLive('q=nothing-has-this')
    await page.getByText('No entry matches').waitFor()
    expect(await seriousFaults(page)).toEqual([])
  }, 240_000)

  it.skipIf(TOO_LONG)(
    'comes back after cuts with everything, once, in order',
    async () => {
      const proxy = await startFaultProxy({ target: service.origin, seed: 41, cuts: 6, spareHeaders: true })
      onTestFinished(() => proxy.close())
      // Cookies know no ports: the sign-in need not go through the proxy.
      const direct = await openLive()
      const { page, saved } = await openThrough(`${proxy.origin}/monitor#q=cut`, direct)
      const sent: string[] = []
      for (let number = 0; number < 200; number++) {
        const message = `cut ${number}`
        sent.push(message)
        await send(message, 'something else')
        await new Promise((resolve) => setTimeout(resolve, 30))
      }
      await eventually(async () => (await page.locator('.row .text').allTextContents()).at(-1), 60_000).toBe(
        sent.at(-1),
      )
      const received = (await saved()).map(({ message }) => message)
      expect(received).toEqual(sent)
      expect(proxy.cuts.length).toBeGreaterThan(2)
    },
    180_000,
  )

  it('tells how the connection does, and of what is missing', async () => {
    const proxy = await startSwitchProxy(service.origin)
    onTestFinished(() => proxy.close())
    const { page, live, problems } = await open(`${proxy.origin}/monitor#token=${TOKEN}`)
    await live()
    await send('seen')
    await page.getByText('seen', { exact: true }).last().waitFor()
    proxy.shut()
    await page.locator('#state', { hasText: /^reconnecting in \d+ s$/ }).waitFor()
    await page.getByText(/Not live since \d\d:\d\d:\d\d/).waitFor()
    const missed = 150
    await send(...Array.from({ length: RETAIN + missed }, (_, number) => `away ${number}`))
    proxy.open()
    await page.getByRole('button', { name: 'Try now', exact: true }).click()
    await live()
    await page.getByText(`away ${RETAIN + missed - 1}`).waitFor()
    await page.keyboard.press('1')
    // Gaps stay in sight whatever is filtered by level.
    await eventually(() => page.locator('.row.gap').allTextContents()).toEqual([
      `${missed} entries are missing here: the server no longer had them on return.`,
    ])
    expect(problems).toEqual([])
  })

  it('shares one connection between tabs, and each has its own filter', async () => {
    const first = await openLive()
    const clients = async (): Promise<number> =>
      ((await (await fetch(`${url}/health`)).json()) as { clients: number }).clients
    // On Workers those of the pages before are noticed to have left only by a heartbeat or two.
    await eventually(clients).toBe(1)
    const second = await open(url, { beside: first })
    await second.live()
    const third = await open(url, { beside: first })
    await third.live()
    expect(await clients()).toBe(1)
    await send('for all tabs')
    for (const { page } of [first, second, third]) await page.getByText('for all tabs').last().waitFor()
    await third.page.getByLabel('Filter', { exact: true }).fill('apple')
    await third.live()
    await eventually(clients).toBe(2)
    await send('an apple', 'a nut')
    await eventually(third.messages).toEqual(['an apple'])
    await second.page.getByText('a nut').waitFor()
    await third.page.close()
    await second.page.close()
    await eventually(clients).toBe(1)
    await send('for the one that is left')
    await first.page.getByText('for the one that is left').waitFor()
    expect([...first.problems, ...second.problems, ...third.problems]).toEqual([])
  })

  it('shows every row in the colour of its level, also while rows take turns with the elements', async () => {
    const { page, problems } = await openLive()
    await send(...Array.from({ length: 120 }, (_, number) => ({ level: LEVELS[number % 5], message: `${number}` })))
    await page.getByText('119', { exact: true }).waitFor()
    await page.evaluate(() => {
      const seen = new Set<string>()
      Object.assign(globalThis, { seen })
      const expected = [...document.querySelectorAll('.chip .level')].map((level) => getComputedStyle(level).color)
      const look = (): void => {
        for (const row of document.querySelectorAll('.row')) {
          const level = row.querySelector('.level')
          const rank = Number(/\bl(\d)/.exec(row.className)?.[1])
          if (level !== null && getComputedStyle(level).color !== expected[rank])
            seen.add(`${row.className} ${level.textContent}`)
        }
        requestAnimationFrame(look)
      }
      look()
    })
    await page.locator('#list').hover()
    for (let round = 0; round < 60; round++) {
      await send({ level: LEVELS[(round * 7) % 5], message: `round ${round}` })
      if (round % 20 === 19) {
        await page.mouse.wheel(0, -500)
        await page.keyboard.press('E')
        await page.keyboard.press('End')
      }
      await page.waitForTimeout(20)
    }
    const wrong = await page.evaluate(() => [...(globalThis as unknown as { seen: Set<string> }).seen])
    expect(wrong).toEqual([])
    expect(problems).toEqual([])
  })

  it('chooses a stretch of time by dragging over the picture, and goes to a spike by a click', async () => {
    const now = Date.now()
    const at = (seconds: number): string => new Date(now - seconds * 1000).toISOString()
    await send(
      ...Array.from({ length: RETAIN - 4 }, (_, number) => ({ ts: at(600 - number * 1.5), message: `time ${number}` })),
      ...[1, 2, 3, 4].map((number) => ({ ts: at(300), level: 'error', message: `spike ${number}` })),
    )
    const { page, saved, problems } = await openLive()
    await page.getByText('spike 4').waitFor()
    await page.waitForTimeout(600)
    const box = (await page.locator('.u-over').boundingBox()) as { x: number; y: number; width: number; height: number }
    const middle = box.y + box.height / 2
    await page.mouse.move(box.x + box.width * 0.2, middle)
    await page.mouse.down()
    await page.mouse.move(box.x + box.width * 0.3, middle, { steps: 4 })
    await page.mouse.up()
    await page.getByTitle('Show all time again').waitFor()
    const chosen = await saved()
    expect(chosen.length).toBeGreaterThan(10)
    expect(chosen.length).toBeLessThan(RETAIN / 4)
    const [from, to] = ['from', 'to'].map(
      (name) => new URLSearchParams(new URL(page.url()).hash.slice(1)).get(name) as string,
    )
    for (const { ts } of chosen) expect((from as string) <= ts && ts <= (to as string)).toBe(true)

    const other = await open(`${page.url()}&token=${TOKEN}`)
    await other.live()
    await other.page.getByText(chosen[0]?.message as string).waitFor()
    expect((await other.saved()).map(({ id }) => id)).toEqual(chosen.map(({ id }) => id))

    await page.getByTitle('Show all time again').click()
    await page.mouse.click(box.x + box.width * 0.5, middle)
    await eventually(() => page.locator('.row.selected .text').textContent()).toMatch(/^(spike|time)/)
    for (let step = 0; step < 8 && !(await page.locator('.row.selected.l4').count()); step++) {
      await page.mouse.click(box.x + box.width * (0.48 + step * 0.005), middle)
      await page.waitForTimeout(100)
    }
    expect(await page.locator('.row.selected .text').textContent()).toBe('spike 1')
    expect([...problems, ...other.problems]).toEqual([])
  })

  it('says in title and icon what came while nobody looked', async () => {
    const { page } = await openLive()
    await page.evaluate(() => {
      Object.defineProperty(document, 'hidden', { configurable: true, get: () => true })
      document.dispatchEvent(new Event('visibilitychange'))
    })
    await send({ level: 'error', message: 'unnoticed' }, { level: 'fatal', message: 'unnoticed too' }, 'harmless')
    await eventually(() => page.title()).toBe('(2!) edgetail')
    expect(await page.locator('link[rel=icon]').getAttribute('href')).toContain('circle')
    await page.evaluate(() => {
      Object.defineProperty(document, 'hidden', { configurable: true, get: () => false })
      document.dispatchEvent(new Event('visibilitychange'))
    })
    await eventually(() => page.title()).toBe('edgetail')
  })
})

async function seriousFaults(page: Page): Promise<string[]> {
  // By the debugger, which the page's policy does not bind.
  await page.evaluate(AXE)
  const { violations } = (await page.evaluate('axe.run()')) as AxeResults
  return violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .map(
      ({ id, nodes }) => `${id}: ${nodes.map(({ html, failureSummary }) => `${html} ${failureSummary}`).join(' | ')}`,
    )
}
