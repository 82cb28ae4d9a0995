import fc from 'fast-check'
import { expect, it } from 'vitest'
import { parseText } from '../../../src/ingest/text.ts'
import type { LogEntry } from '../../../src/log.ts'

const NOW = Date.parse('2025-03-01T12:00:00.000Z')

const read = (line: string): LogEntry | undefined => parseText(line, NOW)?.entry
const plain = (message: string): LogEntry => ({
  ts: '2025-03-01T12:00:00.000Z',
  level: 'info',
  message,
  context: {},
})

it.each(['', ' ', '\t\r', '\r'])('the blank line %j is no entry', (line) => {
  expect(read(line)).toBeUndefined()
})

it('a JSON object is read as an entry, also when it is indented or ends with CR', () => {
  const entry = { ts: '2024-05-06T07:08:09.123Z', level: 'error', message: 'boom', context: { pid: 1 } }
  const line = '{"level":50,"time":1714979289123,"pid":1,"msg":"boom"}'
  expect(read(line)).toEqual(entry)
  expect(read(`  ${line}\r`)).toEqual(entry)
})

it.each([
  'Listening on 8080',
  '  at f (a.js:1:1)',
  '\u001b[31mred\u001b[0m',
  '[1,2]',
  '"text"',
  '42',
  'null',
  '{not json}',
  '{"cut":',
  '{} trailing',
  `${'{"a":'.repeat(100)}1${'}'.repeat(100)}`,
])('%j is kept as text', (line) => {
  expect(read(line)).toEqual(plain(line))
  expect(read(`${line}\r`)).toEqual(plain(line))
})

it('never fails, and loses no text', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      const line = `x${text.replaceAll('\n', '')}|`
      expect(read(line)?.message).toBe(line)
      expect(() => parseText(`{${text}`, NOW)).not.toThrow()
    }),
  )
})

it('colours stay in the message, and are looked through for the level', () => {
  const line = '\u001b[90m2026-11-23T10:00:00Z\u001b[39m \u001b[1m\u001b[31mERROR\u001b[0m x'
  expect(read(line)).toEqual({ ts: '2026-11-23T10:00:00.000Z', level: 'error', message: line, context: {} })
})
