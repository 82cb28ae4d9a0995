/**
 * Measures the viewer in Chromium: how smooth it stays while entries come fast, and what it takes.
 * `node scripts/measure-viewer.ts [entries] [a second] [minutes]`; prints one JSON object. With minutes it goes on at the rate and tells the heap.
 */
import type { CDPSession, Page } from 'playwright-core'
import { startServer } from '../src/node/server.ts'
import { readSettings } from '../src/settings.ts'
import { launchBrowser } from '../test/support/browser.ts'
import { createDemo } from './demo.ts'

const TOKEN = 'measure-token'
/** Time between two posts, in milliseconds. */
const POST_MS = 50

const [total = 100_000, perSecond = 2000, minutes = 0] = process.argv.slice(2).map(Number)

const server = await startServer(readSettings({ EDGETAIL_TOKEN: TOKEN, PORT: '0' }))
const browser = await launchBrowser()
const context = await browser.newContext({ viewport: { width: 1360, height: 800 } })
const page = await context.newPage()
const cdp = await context.newCDPSession(page)
await page.addInitScript(() => {
  const measured = { longest: 0, long: 0, gaps: [] as number[] }
  Object.assign(globalThis, { measured })
  new PerformanceObserver((list) => {
    for (const { duration } of list.getEntries()) {
      measured.longest = Math.max(measured.longest, duration)
      measured.long++
    }
  }).observe({ type: 'longtask' })
  let last = performance.now()
  const frame = (now: number): void => {
    measured.gaps.push(now - last)
    last = now
    requestAnimationFrame(frame)
  }
  requestAnimationFrame(frame)
})
await page.goto(`${server.origin}/monitor#token=${TOKEN}`)
await page.locator('#state', { hasText: /^live$/ }).waitFor()

const demo = createDemo(1)
const levels: number[] = []
if (minutes > 0) {
  // A long while at a steady rate: the heap, each half minute.
  for (let half = 0; half < minutes * 2; half++) {
    await feed(perSecond * 30)
    levels.push(await heapMiB(cdp))
  }
  print({ perSecond, minutes, heapMiB: levels, held: await held(page) })
} else {
  await reset(page)
  const started = performance.now()
  await feed(total)
  const seconds = (performance.now() - started) / 1000
  await page.waitForTimeout(1500)
  const streaming = await read(page)
  const heap = await heapMiB(cdp)
  const nodes = await page.evaluate(() => document.querySelectorAll('*').length)

  const idle = await frames(page, () => page.waitForTimeout(3000))
  const scrolling = await frames(page, async () => {
    await page.locator('#list').hover()
    for (let step = 0; step < 120; step++) await page.mouse.wheel(0, step < 60 ? -240 : 240)
  })
  const rush = feed(perSecond * 4)
  const scrollingLive = await frames(page, async () => {
    for (let step = 0; step < 120; step++) await page.mouse.wheel(0, step < 60 ? -240 : 240)
  })
  await rush
  await page.keyboard.press('End')
  print({
    entries: total,
    perSecond: Math.round(total / seconds),
    held: await held(page),
    longestBlockMs: Math.round(streaming.longest),
    longTasks: streaming.long,
    slowestFrameMs: Math.round(Math.max(...streaming.gaps)),
    mainThread: await mainThread(),
    heapMiB: heap,
    elements: nodes,
    framesPerSecond: { idle, scrolling, scrollingWhileEntriesCome: scrollingLive },
  })
}
await browser.close()
await server.close(200)

/** Logs at the rate, from inside the server: how entries get there is not what is measured. */
async function feed(count: number): Promise<void> {
  const began = performance.now()
  for (let sent = 0; sent < count; ) {
    const due = Math.min(count, Math.floor(((performance.now() - began) / 1000) * perSecond))
    for (; sent < due; sent++) {
      const { level, message, context } = demo.next(Date.now())
      server.monitor.log(level as 'info', message, context)
    }
    await new Promise((resolve) => setTimeout(resolve, POST_MS))
  }
}

async function frames(page: Page, use: () => Promise<void>): Promise<Record<string, number>> {
  await reset(page)
  await use()
  const { gaps, longest } = await read(page)
  const sorted = gaps.toSorted((a, b) => a - b)
  const sum = gaps.reduce((total, gap) => total + gap, 0)
  return {
    mean: Math.round((gaps.length / sum) * 1000),
    p95FrameMs: Math.round(sorted[Math.floor(sorted.length * 0.95)] ?? 0),
    longestBlockMs: Math.round(longest),
  }
}

/** What tasks of the page's main thread take of a processor: unlike the time on the wall, the same on a machine that is busy. */
async function mainThread(): Promise<Record<string, number>> {
  const seconds = 8
  await browser.startTracing(page, { categories: ['toplevel'] })
  await feed(perSecond * seconds)
  const { traceEvents } = JSON.parse((await browser.stopTracing()).toString()) as { traceEvents: TraceEvent[] }
  const threads = traceEvents.filter(({ name, args }) => name === 'thread_name' && args?.name === 'CrRendererMain')
  const cpuMs = traceEvents
    .filter(({ name, ph, pid, tid }) => {
      return (
        ph === 'X' && name.endsWith('RunTask') && threads.some((thread) => thread.pid === pid && thread.tid === tid)
      )
    })
    .map(({ tdur = 0 }) => tdur / 1000)
  return {
    longestTaskCpuMs: Math.round(Math.max(...cpuMs)),
    busyPercent: Math.round(cpuMs.reduce((sum, ms) => sum + ms, 0) / (seconds * 10)),
  }
}

interface TraceEvent {
  readonly name: string
  readonly ph: string
  readonly pid: number
  readonly tid: number
  /** Processor time, in microseconds. */
  readonly tdur?: number
  readonly args?: { readonly name?: string }
}

interface Measured {
  readonly longest: number
  readonly long: number
  readonly gaps: number[]
}

function read(page: Page): Promise<Measured> {
  return page.evaluate(() => (globalThis as unknown as { measured: Measured }).measured)
}

async function reset(page: Page): Promise<void> {
  await page.evaluate(() =>
    Object.assign((globalThis as unknown as { measured: Measured }).measured, { longest: 0, long: 0, gaps: [] }),
  )
}

async function heapMiB(session: CDPSession): Promise<number> {
  await session.send('HeapProfiler.collectGarbage')
  const { usedSize } = await session.send('Runtime.getHeapUsage')
  return Math.round(usedSize / 104857.6) / 10
}

async function held(page: Page): Promise<string | null> {
  return await page.locator('.foot .held').textContent()
}

function print(result: object): void {
  console.log(JSON.stringify(result, null, 2))
}
