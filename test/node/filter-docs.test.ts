import { readFile } from 'node:fs/promises'
import { describe, expect, it } from 'vitest'
import { compileFilter } from '../../src/filter/filter.ts'
import type { LogEntry } from '../../src/log.ts'

const page = await readFile(new URL('../../docs/filters.md', import.meta.url), 'utf8')

const [, block = ''] = /```json\n(.*?)```/s.exec(page) ?? []
const entries = block
  .trim()
  .split('\n')
  .map((line) => JSON.parse(line) as LogEntry)

/** The rows of the tables with these two first columns, without what makes them a table. */
function rows(first: string, second: string): [string, string][] {
  const tables = page.split('\n\n').filter((part) => part.includes(`| ${first} | ${second} |`))
  return tables.flatMap((table) =>
    table
      .slice(table.indexOf('|'))
      .trim()
      .split('\n')
      .slice(2)
      .map((row): [string, string] => {
        const [, query = '', result = ''] = row.split(/(?<!\\)\|/).map((cell) => cell.trim().replaceAll('\\|', '|'))
        return [query.replace(/^`(.*)`$/, '$1'), result]
      }),
  )
}

describe('docs/filters.md', () => {
  it('has its examples', () => {
    expect(entries).toHaveLength(6)
    expect(rows('`q`', 'passes').length).toBeGreaterThan(50)
    expect(rows('`q`', 'message').length).toBeGreaterThan(5)
  })

  it.each(rows('`q`', 'passes'))('is right about %s', (q, passes) => {
    const { matches } = compileFilter({ q })
    const passed = entries.flatMap((entry, index) => (matches(entry) ? [index + 1] : []))
    expect(passed.join(', ') || 'none').toBe(passes)
  })

  it.each(rows('`q`', 'message'))('is right about what %s is answered with', (q, message) => {
    expect(() => compileFilter({ q })).toThrow(expect.objectContaining({ code: 'invalid_query', message }))
  })
})
