/** What we write down for Prometheus, beside what prom-client writes for the same events. */
import * as client from 'prom-client'
import { expect, it } from 'vitest'
import { createRegistry } from '../../src/exposition.ts'
import { readExposition } from '../support/exposition.ts'
import { createRandom } from '../support/random.ts'

const PIECES = ['a', 'Z', '0', ' ', '"', '\\', '\n', '\\n', '{', '}', ',', '=', '#', 'é', '日', '😀', '\t', "'"]

it.each(
  Array.from({ length: 30 }, (_, seed) => seed),
)('is the same, also with awkward texts: seed %i', async (seed) => {
  const random = createRandom(seed)
  const text = (): string => Array.from({ length: random.int(1, 8) }, () => random.pick(PIECES)).join('')
  const ways = [...new Set([text(), text(), text()])]
  const levels = [...new Set([text(), text()])]
  const help = `Help ${text()} end.`
  const bounds = [0.001, 0.25, 1, 2.5, 10]

  const ours = createRegistry()
  const theirs = new client.Registry<client.PrometheusContentType>()
  const counter = ours.counter('seen_total', help, { way: ways, level: levels })
  const theirCounter = new client.Counter({
    name: 'seen_total',
    help,
    labelNames: ['way', 'level'],
    registers: [theirs],
  })
  const histogram = ours.histogram('delay_seconds', help, bounds)
  const theirHistogram = new client.Histogram({ name: 'delay_seconds', help, buckets: bounds, registers: [theirs] })
  for (const way of ways) for (const level of levels) theirCounter.inc({ way, level }, 0)
  for (let round = 0; round < 50; round++) {
    const labels = { way: random.pick(ways), level: random.pick(levels) }
    const by = random.int(0, 1000)
    counter.add(labels, by)
    theirCounter.inc(labels, by)
    const value = random.pick([...bounds, random.int(0, 20_000) / 1000])
    histogram.observe(value)
    theirHistogram.observe(value)
  }
  const gauge = { name: 'size', help, type: 'gauge', value: random.int(0, 1e9) / 7 } as const
  new client.Gauge({ name: 'size', help, registers: [theirs] }).set(gauge.value)

  const read = readExposition(ours.render('text', [gauge]), 'text')
  expect(read.families).toEqual(readExposition(await metricsOf(theirs), 'text').families)
  // Our second writing says the same but for the names of counters and the bounds of buckets.
  const open = readExposition(ours.render('openmetrics', [gauge]), 'openmetrics')
  const values = ({ families }: typeof read): number[] =>
    [...families.values()].flatMap(({ samples }) => [...samples.values()])
  expect(values(open)).toEqual(values(read))
  expect(open.families.get('seen')?.help).toBe(help)
})

/** Families apart by one line break, where prom-client has two. */
async function metricsOf(registry: client.Registry<client.PrometheusContentType>): Promise<string> {
  return (await registry.metrics()).replace(/\n+/g, '\n')
}
