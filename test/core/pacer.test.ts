/** When to flush, on a clock that only the flushes of the test move. */
import { afterAll, beforeAll, expect, it, vi } from 'vitest'

let createPacer: typeof import('../../src/pacer.ts').createPacer

beforeAll(async () => {
  vi.useFakeTimers()
  // It takes its clock when it is loaded.
  vi.resetModules()
  createPacer = (await import('../../src/pacer.ts')).createPacer
})
afterAll(() => {
  vi.useRealTimers()
})

/** What a flush costs in milliseconds, and how much it gives. */
interface Step {
  readonly costMs: number
  readonly entries: number
  readonly bytes: number
}

/** The windows after flushes, each of which is asked for when the window before is over. */
function windowsAfter(steps: readonly Step[]): number[] {
  let due: Step
  const pacer = createPacer(() => {
    vi.advanceTimersByTime(due.costMs)
    return due
  })
  return steps.map((step) => {
    due = step
    pacer.request()
    vi.advanceTimersByTime(1000)
    return Math.round(pacer.windowMs)
  })
}

const lone = (costMs: number): Step => ({ costMs, entries: 1, bytes: 230 })
const few = (costMs: number): Step => ({ costMs, entries: 40, bytes: 9200 })
const bulk = (costMs: number): Step => ({ costMs, entries: 1000, bytes: 230_000 })

it.each<[string, Step[], number[]]>([
  ['as long as a lone entry has cost', [lone(10), lone(10), lone(10)], [10, 10, 10]],
  ['four times what the shorter of the last two has cost', [few(5), few(10), few(10), few(5)], [5, 20, 40, 20]],
  ['65 ms at the most while flushes are shorter', [few(30), few(30)], [30, 65]],
  ['no longer for one pause', [few(1), few(40), few(1)], [1, 40, 4]],
  ['as long as a bulk has cost', [bulk(10), bulk(10)], [10, 10]],
  ['as long as a long flush, and 200 ms at the most', [few(100), few(100), few(500)], [100, 100, 200]],
])('gathers %s', (_, steps, windows) => {
  expect(windowsAfter(steps)).toEqual(windows)
})
