/** docs/input.md says what is read. */
import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { FORMATS, readLine } from '../../src/ingest/formats.ts'

const PAGE = readFileSync(new URL('../../docs/input.md', import.meta.url), 'utf8')
const [, block = ''] = /```text\n([\s\S]*?)\n```/.exec(PAGE) ?? []

it('the rules of the page are those of the table, in their order', () => {
  const listed = FORMATS.map(({ name, examples }) => [name, ...examples])
  const shown = block
    .split('\n\n')
    .map((rule) => rule.split('\n').map((line, index) => line.slice(index === 0 ? 2 : 7)))
  expect(shown).toEqual(listed)
})

it.each(block.split('\n').filter((line) => line !== '' && !line.startsWith('#')))('%s', (line) => {
  expect(readLine(line.slice(7)).level).toBe(line.slice(0, 7).trim())
})
