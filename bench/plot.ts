/** The plot of the scale workload: cost against clients, both axes logarithmic, readable on light and dark pages. */
import type { Row } from './report.ts'

const WIDTH = 720
const HEIGHT = 400
const LEFT = 70
const RIGHT = 150
const TOP = 44
const BOTTOM = 52

/** Told apart by people who see no red or green too; the dashes tell them apart in print. */
const LINES: Readonly<Record<string, { readonly colour: string; readonly dash: string }>> = {
  edgetail: { colour: '#0b7fd6', dash: '' },
  control: { colour: '#8a8f98', dash: '6 4' },
  nchan: { colour: '#c98a00', dash: '2 3' },
  'better-sse': { colour: '#b0479b', dash: '8 3 2 3' },
  'hono-stream-sse': { colour: '#d1495b', dash: '10 4' },
}

/** The plot as SVG; undefined when there is nothing to plot. */
export function plotScale(rows: readonly Row[]): string | undefined {
  const points = rows
    .filter(({ workload, cpuUs }) => workload.startsWith('scale ') && cpuUs > 0)
    .map(({ workload, server, cpuUs }) => ({ server, clients: Number(workload.slice(6)), cpuUs }))
  if (points.length === 0) return undefined
  const clients = [...new Set(points.map((point) => point.clients))].sort((a, b) => a - b)
  const costs = points.map(({ cpuUs }) => cpuUs)
  const x = logScale(Math.min(...clients), Math.max(...clients), LEFT, WIDTH - RIGHT)
  const lowest = 10 ** Math.floor(Math.log10(Math.min(...costs)))
  const highest = 10 ** Math.ceil(Math.log10(Math.max(...costs)))
  const y = logScale(lowest, highest, HEIGHT - BOTTOM, TOP)

  const parts: string[] = []
  for (let cost = lowest; cost <= highest * 1.001; cost *= 10) {
    parts.push(`<path class="grid" d="M${LEFT} ${y(cost)}H${WIDTH - RIGHT}"/>`)
    parts.push(`<text x="${LEFT - 8}" y="${y(cost) + 4}" text-anchor="end">${Number(cost.toPrecision(1))}</text>`)
  }
  for (const count of clients) {
    parts.push(
      `<text x="${x(count)}" y="${HEIGHT - BOTTOM + 20}" text-anchor="middle">${count.toLocaleString('en')}</text>`,
    )
  }
  const ends = spread(
    [...new Set(points.map(({ server }) => server))].map((server) => {
      const own = points.filter((point) => point.server === server).sort((a, b) => a.clients - b.clients)
      const { colour, dash } = LINES[server] ?? { colour: '#888', dash: '' }
      const path = own.map((point, index) => `${index === 0 ? 'M' : 'L'}${x(point.clients)} ${y(point.cpuUs)}`).join('')
      parts.push(`<path class="line" stroke="${colour}" stroke-dasharray="${dash}" d="${path}"/>`)
      for (const point of own)
        parts.push(`<circle cx="${x(point.clients)}" cy="${y(point.cpuUs)}" r="3" fill="${colour}"/>`)
      return { server, colour, at: y(own.at(-1)?.cpuUs ?? 1) }
    }),
  )
  for (const { server, colour, at } of ends) {
    parts.push(`<text x="${WIDTH - RIGHT + 10}" y="${at + 4}" style="fill:${colour}">${server}</text>`)
  }
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-labelledby="title">
<title id="title">CPU of the server per delivery against the number of clients</title>
<style>
text { font: 12px system-ui, sans-serif; fill: #333 }
.grid { stroke: #8884; fill: none }
.line { fill: none; stroke-width: 2 }
@media (prefers-color-scheme: dark) { text { fill: #ddd } }
</style>
<text x="${LEFT}" y="22">CPU of the server per delivery, in microseconds (lower is better)</text>
${parts.join('\n')}
<text x="${(LEFT + WIDTH - RIGHT) / 2}" y="${HEIGHT - 10}" text-anchor="middle">clients, each of which gets every entry</text>
</svg>
`
}

function logScale(from: number, to: number, start: number, end: number): (value: number) => number {
  const span = Math.log(to / from) || 1
  return (value) => Math.round((start + (Math.log(value / from) / span) * (end - start)) * 10) / 10
}

/** Moves labels apart that would stand on each other. */
function spread<Label extends { readonly at: number }>(labels: readonly Label[]): Label[] {
  let last = Number.NEGATIVE_INFINITY
  return labels
    .toSorted((a, b) => a.at - b.at)
    .map((label) => {
      last = Math.max(label.at, last + 16)
      return { ...label, at: last }
    })
}
