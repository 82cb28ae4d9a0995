/**
 * Entries over time, stacked by level, live. Dragging selects a range, a click goes to the bar's first error. By keyboard: arrows
 * move over the bars, with Shift they select, Enter goes there.
 */
import { effect, useSignal } from '@preact/signals'
import type { JSX } from 'preact'
import { useEffect, useRef } from 'preact/hooks'
import uPlot from 'uplot'
import { goToTime, setRange } from '../model/actions.ts'
import type { Bars } from '../model/buckets.ts'
import { levelName } from '../model/entry.ts'
import { settings } from '../model/settings.ts'
import { around, levels, now, paused, range, revision, shelf, vitals } from '../model/state.ts'
import { formatClock, formatCount, formatSpan, plural } from '../model/time.ts'

/** Least time between two drawings, in milliseconds. */
const DRAW_MS = 250

/** Least stretch that is shown, in seconds: a single entry is no wall. */
const LEAST_SPAN = 60

/** Pixels for a bar at the least. */
const BAR_PX = 7

/** The gravest at the bottom, so that errors stand on the ground and can be compared. */
const STACK = [5, 4, 3, 2, 1, 0]

const dark = matchMedia('(prefers-color-scheme: dark)')

/** The picture. */
export function Histogram(): JSX.Element {
  const frame = useRef<HTMLDivElement>(null)
  const plotted = useRef<Bars>({ width: 1, times: [], levels: [] })
  const hovered = useSignal<number | undefined>(undefined)
  const summary = useSignal('')
  const scheme = useSignal(dark.matches)

  useEffect(() => {
    const changed = (): void => {
      scheme.value = dark.matches
    }
    dark.addEventListener('change', changed)
    return () => dark.removeEventListener('change', changed)
  }, [])

  useEffect(() => {
    const element = frame.current as HTMLDivElement
    let plot: uPlot | undefined
    let timer: ReturnType<typeof setTimeout> | undefined
    let drawnAt = 0

    const draw = (): void => {
      timer = undefined
      drawnAt = performance.now()
      plotted.current = currentBars(element.clientWidth)
      summary.value = summarize(plotted.current)
      plot?.setData(stacked(plotted.current))
    }
    const make = (): void => {
      plot?.destroy()
      plot = createPlot(element, plotted, (bar) => {
        hovered.value = bar
      })
      draw()
    }
    // Made anew when its colours or its clock change: both are fixed in its axes.
    const stopMaking = effect(() => {
      void settings.value.theme
      void settings.value.time
      void scheme.value
      make()
    })
    const stopDrawing = effect(() => {
      void revision.value
      void range.value
      void levels.value
      if (!paused.value) void now.value
      timer ??= setTimeout(draw, Math.max(0, DRAW_MS - (performance.now() - drawnAt)))
    })
    const resize = new ResizeObserver(() => {
      plot?.setSize({ width: element.clientWidth, height: element.clientHeight })
      draw()
    })
    resize.observe(element)
    return () => {
      stopMaking()
      stopDrawing()
      resize.disconnect()
      clearTimeout(timer)
      plot?.destroy()
    }
  }, [])

  function onKeyDown(event: KeyboardEvent): void {
    const { times, width } = plotted.current
    const last = times.length - 1
    if (last < 0) return
    if (event.key === 'ArrowLeft' || event.key === 'ArrowRight') {
      const from = hovered.value ?? last + (event.key === 'ArrowLeft' ? 1 : 0)
      const bar = Math.min(last, Math.max(0, from + (event.key === 'ArrowLeft' ? -1 : 1)))
      hovered.value = bar
      const time = times[bar] as number
      if (event.shiftKey && around.peek() === undefined)
        setRange(widen(range.peek(), time * 1000, (time + width) * 1000 - 1))
      event.preventDefault()
    } else if (event.key === 'Enter' && hovered.value !== undefined) {
      const time = times[hovered.value] as number
      goToTime(time * 1000, (time + width) * 1000)
      event.preventDefault()
      event.stopPropagation()
    }
  }

  const bar = hovered.value
  const words = bar === undefined ? '' : describe(plotted.current, bar)
  return (
    <div class="histogram">
      <div
        class="plot"
        ref={frame}
        role="slider"
        tabIndex={0}
        aria-label="Entries over time"
        aria-valuemin={0}
        aria-valuemax={Math.max(0, plotted.current.times.length - 1)}
        aria-valuenow={bar ?? Math.max(0, plotted.current.times.length - 1)}
        aria-valuetext={words || summary.value}
        onKeyDown={onKeyDown}
        onBlur={() => {
          hovered.value = undefined
        }}
      />
      <div class="plot-note" aria-hidden="true">
        {words || summary.value}
      </div>
    </div>
  )
}

function widen(current: readonly [number, number] | undefined, from: number, to: number): readonly [number, number] {
  return current === undefined ? [from, to] : [Math.min(current[0], from), Math.max(current[1], to)]
}

/** Bars from the first entry to now, by the server's clock. */
function currentBars(width: number): Bars {
  const { buckets } = shelf.peek()
  const clock = (Date.now() - (vitals.peek()?.skewMs ?? 0)) / 1000
  const [first, last] = buckets.span() ?? [clock - LEAST_SPAN, clock]
  const to = paused.peek() ? last + 1 : Math.max(last, clock)
  return buckets.bars(Math.min(first, to - LEAST_SPAN), to, Math.max(20, Math.floor(width / BAR_PX)))
}

/** Sums from the gravest level up; the highest sum is drawn first and the others over it. */
function stacked({ times, levels: counts }: Bars): uPlot.AlignedData {
  const chosen = levels.peek()
  const sums: number[][] = []
  let below = new Array<number>(times.length).fill(0)
  for (const level of STACK) {
    const isShown = chosen === 0 || (chosen & (1 << level)) !== 0
    below = below.map((sum, bar) => sum + (isShown ? (counts[level]?.[bar] ?? 0) : 0))
    sums.push(below)
  }
  return [times, ...sums.reverse()]
}

function createPlot(element: HTMLElement, bars: { current: Bars }, onHover: (bar: number | undefined) => void): uPlot {
  const style = getComputedStyle(document.documentElement)
  const color = (name: string): string => style.getPropertyValue(name).trim()
  const isUtc = settings.peek().time === 'utc'
  const font = `10px ${color('--ui-font')}`
  let isDrag = false
  const paths = (uPlot.paths.bars as uPlot.Series.BarsPathBuilderFactory)({ size: [0.86, 40], align: 1 })
  const axis: uPlot.Axis = {
    font,
    stroke: color('--faint'),
    grid: { stroke: color('--line'), width: 1 },
    ticks: { show: false },
  }
  return new uPlot(
    {
      width: element.clientWidth,
      height: element.clientHeight,
      padding: [10, 10, 0, 0],
      legend: { show: false },
      cursor: {
        y: false,
        points: { show: false },
        drag: { x: true, y: false, setScale: false, dist: 4 },
      },
      scales: {
        x: { time: true, range: () => extent(bars.current) },
        y: { range: (_plot, _min, max) => [0, Math.max(4, max * 1.08)] },
      },
      ...(isUtc && { tzDate: (seconds: number) => uPlot.tzDate(new Date(seconds * 1000), 'Etc/UTC') }),
      axes: [
        { ...axis, size: 18, gap: 3, space: 70, grid: { show: false }, values: (_plot, ticks) => labels(ticks) },
        {
          ...axis,
          size: 40,
          gap: 4,
          space: 15,
          incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1e3, 2e3, 5e3, 1e4, 2e4, 5e4, 1e5],
        },
      ],
      series: [
        {},
        ...STACK.toReversed().map(
          (level): uPlot.Series => ({
            paths,
            fill: color(`--bar${level}`),
            width: 0,
            points: { show: false },
          }),
        ),
      ],
      hooks: {
        setCursor: [
          (plot) =>
            onHover(plot.cursor.left !== undefined && plot.cursor.left >= 0 ? barAt(plot, bars.current) : undefined),
        ],
        setSelect: [
          (plot) => {
            const { left, width } = plot.select
            if (width < 4) return
            isDrag = true
            if (around.peek() === undefined)
              setRange([
                Math.floor(plot.posToVal(left, 'x') * 1000),
                Math.ceil(plot.posToVal(left + width, 'x') * 1000),
              ])
            plot.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false)
          },
        ],
        ready: [
          (plot) => {
            plot.over.addEventListener('pointerdown', () => {
              isDrag = false
            })
            plot.over.addEventListener('click', () => {
              const bar = barAt(plot, bars.current)
              const { times, width } = bars.current
              if (!isDrag && bar !== undefined)
                goToTime((times[bar] as number) * 1000, ((times[bar] as number) + width) * 1000)
            })
          },
        ],
        draw: [(plot) => shadeOutside(plot, color('--shade'), color('--accent'))],
      },
    },
    stacked(bars.current),
    element,
  )
}

function extent({ times, width }: Bars): [number, number] {
  const first = times[0] ?? 0
  return [first, (times.at(-1) ?? first) + width]
}

function barAt(plot: uPlot, { times, width }: Bars): number | undefined {
  const time = plot.posToVal(plot.cursor.left ?? 0, 'x')
  const bar = Math.floor((time - (times[0] ?? 0)) / width)
  return bar >= 0 && bar < times.length ? bar : undefined
}

/** What is not in the range steps back. */
function shadeOutside({ ctx, bbox, valToPos }: uPlot, shade: string, edge: string): void {
  const chosen = range.peek()
  if (chosen === undefined) return
  const clamp = (x: number): number => Math.min(bbox.left + bbox.width, Math.max(bbox.left, x))
  const from = clamp(valToPos(chosen[0] / 1000, 'x', true))
  const to = clamp(valToPos(chosen[1] / 1000, 'x', true))
  ctx.save()
  ctx.fillStyle = shade
  ctx.fillRect(bbox.left, bbox.top, from - bbox.left, bbox.height)
  ctx.fillRect(to, bbox.top, bbox.left + bbox.width - to, bbox.height)
  ctx.fillStyle = edge
  ctx.fillRect(from, bbox.top, 1.5 * devicePixelRatio, bbox.height)
  ctx.fillRect(to - 1.5 * devicePixelRatio, bbox.top, 1.5 * devicePixelRatio, bbox.height)
  ctx.restore()
}

/** Minutes alone where the stretch is long, with seconds where it is short. */
function labels(ticks: number[]): string[] {
  const { time } = settings.peek()
  const step = ((ticks[1] ?? 0) - (ticks[0] ?? 0)) * 1000
  return ticks.map((tick) => {
    const clock = formatClock(tick * 1000, time === 'utc' ? 'utc' : 'local', 0)
    return step > 0 && step < 60_000 ? clock.slice(0, 8) : clock.slice(0, 5)
  })
}

function describe({ times, width, levels: counts }: Bars, bar: number): string {
  const style = settings.peek().time === 'utc' ? 'utc' : 'local'
  const from = (times[bar] ?? 0) * 1000
  const parts = STACK.map((level) => ({ level, count: counts[level]?.[bar] ?? 0 }))
    .filter(({ count }) => count > 0)
    .map(({ level, count }) => `${formatCount(count)} ${levelName(level)}`)
  const clock = formatClock(from, style, 0).slice(0, 8)
  return `${clock}, ${formatSpan(width * 1000)}: ${parts.length > 0 ? parts.join(', ') : 'nothing'}`
}

function summarize({ times, width, levels: counts }: Bars): string {
  if (times.length === 0) return ''
  const sum = (level: number): number => (counts[level] ?? []).reduce((total, count) => total + count, 0)
  const all = counts.reduce((total, _column, level) => total + sum(level), 0)
  const errors = sum(4) + sum(5)
  return `${plural(all, 'entry', 'entries')} in ${formatSpan(times.length * width * 1000)}${errors > 0 ? `, ${plural(errors, 'error')}` : ''}`
}
