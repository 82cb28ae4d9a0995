import { describe, expect, it } from 'vitest'
import { createRegistry, type ExpositionFormat } from '../../src/exposition.ts'
import { readExposition } from '../support/exposition.ts'

describe('a registry', () => {
  it('writes down what was counted, and every series from the start', () => {
    const registry = createRegistry()
    const counter = registry.counter('x_total', 'Events.', { way: ['a', 'b'], level: ['low', 'high'] })
    counter.add({ way: 'a', level: 'high' })
    counter.add({ level: 'high', way: 'a' }, 2.5)
    expect(registry.render('text', [])).toBe(
      '# HELP x_total Events.\n# TYPE x_total counter\n' +
        'x_total{way="a",level="low"} 0\nx_total{way="a",level="high"} 3.5\n' +
        'x_total{way="b",level="low"} 0\nx_total{way="b",level="high"} 0\n',
    )
    expect(registry.render('openmetrics', [])).toMatch(/^# HELP x Events\.\n# TYPE x counter\nx_total\{.*\n# EOF\n$/s)
  })

  it('has no series for a value that was not named', () => {
    const registry = createRegistry()
    registry.counter('x_total', 'Events.', { way: ['a'] }).add({ way: 'from a client' as 'a' })
    expect(registry.render('text', [])).not.toContain('client')
  })

  it('puts a value on a bound into the bucket that it ends', () => {
    const registry = createRegistry()
    const histogram = registry.histogram('delay', 'Delays.', [0.5, 1, 2])
    for (const value of [0, 0.5, 0.51, 1, 2, 2.01, 1e9]) histogram.observe(value)
    histogram.observe(1.5, 10)
    for (const format of ['text', 'openmetrics'] as ExpositionFormat[]) {
      const { value } = readExposition(registry.render(format, []), format)
      const one = format === 'text' ? '1' : '1.0'
      const two = format === 'text' ? '2' : '2.0'
      expect([
        value('delay_bucket{le="0.5"}'),
        value(`delay_bucket{le="${one}"}`),
        value(`delay_bucket{le="${two}"}`),
        value('delay_bucket{le="+Inf"}'),
        value('delay_count'),
      ]).toEqual([2, 4, 15, 17, 17])
      expect(value('delay_sum')).toBeCloseTo(0.5 + 0.51 + 1 + 2 + 2.01 + 1e9 + 15)
    }
  })

  it('leaves out what cannot be told just now', () => {
    const registry = createRegistry()
    const gauge = (name: string, value: number | undefined) => ({ name, help: 'H.', type: 'gauge', value }) as const
    const text = registry.render('text', [
      gauge('a', undefined),
      gauge('b', Number.NEGATIVE_INFINITY),
      gauge('c', 1e21),
    ])
    expect(text).toBe('# HELP b H.\n# TYPE b gauge\nb -Inf\n# HELP c H.\n# TYPE c gauge\nc 1e+21\n')
  })
})
