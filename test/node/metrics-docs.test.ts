/** docs/metrics.md and the dashboard name what there is. */
import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { ERROR_CODES } from '../../src/errors.ts'
import { createMonitor } from '../../src/monitor.ts'
import { memorySource } from '../../src/sources/memory.ts'
import { type Exposition, readExposition } from '../support/exposition.ts'

const read = (path: string): string => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8')
const PAGE = read('docs/metrics.md')
const DASHBOARD = read('examples/grafana-dashboard.json')

async function scrape(): Promise<Exposition> {
  const monitor = createMonitor({ source: memorySource(), token: 'secret' })
  const response = await monitor.routes.request('/metrics', { headers: { Authorization: 'Bearer secret' } })
  return readExposition(await response.text(), 'text')
}

/** The values of each label in the samples of a family, the bounds of buckets left out. */
function labelsOf(samples: Iterable<string>): Map<string, Set<string>> {
  const labels = new Map<string, Set<string>>()
  for (const sample of samples) {
    for (const [, name = '', value = ''] of sample.matchAll(/(\w+)="([^"]*)"/g)) {
      if (name !== 'le') labels.set(name, (labels.get(name) ?? new Set()).add(value))
    }
  }
  return labels
}

const words = (cell: string): string[] => [...cell.matchAll(/`(\w+)`/g)].map(([, word]) => word as string)

it('the page lists every metric with its type, labels and meaning', async () => {
  const rows = PAGE.match(/^\| `edgetail_.*$/gm) ?? []
  const listed = rows.map((row) => {
    const [name = '', type, labels = '', help] = row
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim())
    return { name: words(name)[0], type, labels: words(labels).sort(), help }
  })
  const given = [...(await scrape()).families].map(([name, { type, help, samples }]) => {
    return { name, type, labels: [...labelsOf(samples.keys()).keys()].sort(), help }
  })
  expect(listed).toEqual(given)
})

it('the page lists the values of every label', async () => {
  const given = new Map<string, Set<string>>()
  for (const { samples } of (await scrape()).families.values()) {
    for (const [name, values] of labelsOf(samples.keys())) {
      given.set(name, new Set([...(given.get(name) ?? []), ...values]))
    }
  }
  const [, table = ''] = /\| label \| values \|\n\|---\|---\|\n((?:\|.*\n)+)/.exec(PAGE) ?? []
  const listed = table
    .trimEnd()
    .split('\n')
    .map((row) => words(row))
  expect(listed.map(([name]) => name).sort()).toEqual([...given.keys()].sort())
  for (const [name = '', ...values] of listed) {
    // There are many codes; the page gives examples.
    if (name === 'code') expect(values.slice(1).every((code) => given.get(name)?.has(code))).toBe(true)
    else expect(new Set(values)).toEqual(given.get(name))
  }
  expect(given.get('code')).toEqual(new Set(ERROR_CODES))
})

it('the dashboard and the rest of the page name no metric or label that there is not', async () => {
  const { families } = await scrape()
  const names = new Set<string>()
  for (const [name, { type }] of families) {
    const suffixes = type === 'histogram' ? ['', '_bucket', '_sum', '_count'] : ['']
    for (const suffix of suffixes) names.add(name + suffix)
  }
  const labels = new Set(['job', 'instance', 'le'])
  for (const { samples } of families.values()) for (const name of labelsOf(samples.keys()).keys()) labels.add(name)
  for (const text of [PAGE, DASHBOARD]) {
    const named = text.match(/\bedgetail_\w+/g) ?? []
    expect(named.length).toBeGreaterThan(10)
    for (const name of named) expect(names).toContain(name)
  }
  const { panels } = JSON.parse(DASHBOARD) as { panels: { targets: { expr: string; legendFormat: string }[] }[] }
  const targets = panels.flatMap((panel) => panel.targets)
  for (const { expr, legendFormat } of targets) {
    for (const [, by] of expr.matchAll(/by \((\w+)\)/g)) expect(labels).toContain(by)
    for (const [, label] of legendFormat.matchAll(/\{\{(\w+)\}\}/g)) expect(labels).toContain(label)
  }
  // Nothing that is counted is left out of sight.
  const shown = targets.map(({ expr }) => expr).join(' ')
  for (const name of families.keys()) expect(shown).toContain(name)
})
