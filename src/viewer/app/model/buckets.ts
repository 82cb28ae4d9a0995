/** Entries per second and level, counted as they come and go, and added up to the bars of the histogram. */
import { GAP } from '../wire/protocol.ts'

/** Levels that are counted. */
const LEVEL_COUNT = 6

/** Widths of a bar, in seconds: those in which people think. */
const WIDTHS = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14_400, 43_200, 86_400, 604_800]

/** The bars of a stretch of time. */
export interface Bars {
  /** Of a bar, in seconds. */
  readonly width: number
  /** Beginning of each bar, in seconds since the epoch. */
  readonly times: number[]
  /** By level: entries in each bar. */
  readonly levels: number[][]
}

/** A count that is kept up. */
export interface Buckets {
  /** @param time - in milliseconds since the epoch */
  add(time: number, level: number): void
  remove(time: number, level: number): void
  clear(): void
  /** By level: entries counted in all. */
  readonly totals: readonly number[]
  /** First and last second with an entry; undefined when there is none. */
  span(): readonly [number, number] | undefined
  /** Bars for the stretch, at most so many. From and to in seconds since the epoch. */
  bars(from: number, to: number, most: number): Bars
}

/** Starts at nothing. */
export function createBuckets(): Buckets {
  const seconds = new Map<number, Uint32Array>()
  const totals = new Array<number>(LEVEL_COUNT).fill(0)

  function change(time: number, level: number, by: number): void {
    if (level === GAP) return
    const second = Math.floor(time / 1000)
    let counts = seconds.get(second)
    if (counts === undefined) {
      counts = new Uint32Array(LEVEL_COUNT + 1)
      seconds.set(second, counts)
    }
    counts[level] = (counts[level] ?? 0) + by
    // The last place holds the sum, so that an empty second is seen at once.
    counts[LEVEL_COUNT] = (counts[LEVEL_COUNT] ?? 0) + by
    if (counts[LEVEL_COUNT] === 0) seconds.delete(second)
    totals[level] = (totals[level] ?? 0) + by
  }

  return {
    totals,
    add: (time, level) => change(time, level, 1),
    remove: (time, level) => change(time, level, -1),
    clear() {
      seconds.clear()
      totals.fill(0)
    },
    span() {
      let first = Number.POSITIVE_INFINITY
      let last = Number.NEGATIVE_INFINITY
      for (const second of seconds.keys()) {
        if (second < first) first = second
        if (second > last) last = second
      }
      return first <= last ? [first, last] : undefined
    },
    bars(from, to, most) {
      const width = WIDTHS.find((seconds) => (to - from) / seconds <= most) ?? Math.ceil((to - from) / most)
      const first = Math.floor(from / width)
      const count = Math.max(1, Math.floor(to / width) - first + 1)
      const times = Array.from({ length: count }, (_, bar) => (first + bar) * width)
      const levels = Array.from({ length: LEVEL_COUNT }, () => new Array<number>(count).fill(0))
      for (const [second, counts] of seconds) {
        const bar = Math.floor(second / width) - first
        if (bar < 0 || bar >= count) continue
        for (let level = 0; level < LEVEL_COUNT; level++) {
          const column = levels[level] as number[]
          column[bar] = (column[bar] ?? 0) + (counts[level] ?? 0)
        }
      }
      return { width, times, levels }
    },
  }
}
