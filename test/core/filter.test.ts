import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { compileFilter, type FilterQuery, MAX_QUERY_LENGTH } from '../../src/filter.ts'
import { type JsonObject, LEVELS, type Level, type LogEntry } from '../../src/log.ts'

function entry(message: string, context: JsonObject = {}, level: Level = 'info'): LogEntry {
  return { ts: '2024-05-06T07:08:09.123Z', level, message, context }
}

function passes(query: FilterQuery, ...args: Parameters<typeof entry>): boolean {
  return compileFilter(query).matches(entry(...args))
}

describe('a filter', () => {
  it('lets the level and what is graver through', () => {
    LEVELS.forEach((minimum, rank) => {
      const passed = LEVELS.filter((level) => passes({ level: minimum }, 'm', {}, level))
      expect(passed).toEqual(LEVELS.slice(rank))
    })
  })

  it('wants every word, in the message or in the context, in any case', () => {
    const context = { User: 'Zoë', order: { id: 'A-17' } }
    expect(passes({ q: 'PAYMENT zoë a-17' }, 'payment failed', context)).toBe(true)
    expect(passes({ q: 'payment  \t order' }, 'payment failed', context)).toBe(true)
    expect(passes({ q: 'payment missing' }, 'payment failed', context)).toBe(false)
    expect(passes({ q: 'mentfai' }, 'payment failed', context)).toBe(false)
  })

  it('wants level and words both', () => {
    expect(passes({ level: 'error', q: 'disk' }, 'disk full', {}, 'fatal')).toBe(true)
    expect(passes({ level: 'error', q: 'disk' }, 'disk full', {}, 'warn')).toBe(false)
    expect(passes({ level: 'error', q: 'disk' }, 'net down', {}, 'fatal')).toBe(false)
  })

  it('takes words in double quotes as one phrase, also when the quote is not closed', () => {
    expect(passes({ q: '"disk full"' }, 'the disk full of logs')).toBe(true)
    expect(passes({ q: '"disk full"' }, 'the disk is full')).toBe(false)
    expect(passes({ q: '"disk full' }, 'the disk is full')).toBe(false)
    expect(passes({ q: '"a b" c' }, 'c a b')).toBe(true)
  })

  it('finds text with a backslash or a line break in the context, where JSON escapes it', () => {
    const context = { path: 'C:\\temp\\app.log', text: 'one\ntwo' }
    expect(passes({ q: 'c:\\TEMP' }, 'm', context)).toBe(true)
    expect(passes({ q: '"one\ntwo"' }, 'm', context)).toBe(true)
    expect(passes({ q: 'c:\\temp' }, 'C:\\temp')).toBe(true)
  })

  it('finds every word of what it looks for, wherever that stands', () => {
    const word = fc.string({ unit: 'binary', minLength: 1 }).filter((text) => !/[\s"]/.test(text))
    fc.assert(
      fc.property(fc.array(word, { minLength: 1, maxLength: 5 }), (words) => {
        const text = words.join(' ')
        expect(passes({ q: text }, text)).toBe(true)
        expect(passes({ q: `"${text}"` }, '', { text })).toBe(true)
        expect(passes({ q: text }, '', { list: words })).toBe(true)
      }),
    )
  })

  it.each([
    {},
    { q: '' },
    { q: ' \t' },
    { q: '""' },
    { level: 'trace' as const },
  ])('%j lets everything through', (q) => {
    expect(compileFilter(q).key).toBe('')
    expect(passes(q, '', {}, 'trace')).toBe(true)
  })
})

describe('the key of a filter', () => {
  const key = (query: FilterQuery): string => compileFilter(query).key

  it('is equal for filters that let the same entries through', () => {
    expect(key({ q: 'B a' })).toBe(key({ q: ' a "b" A' }))
    expect(key({ level: 'trace', q: 'a' })).toBe(key({ q: 'a' }))
  })

  it('differs for filters that do not', () => {
    const queries = [
      {},
      { level: 'info' as const },
      { q: 'a b' },
      { q: '"a b"' },
      { q: 'a,b' },
      { level: 'info', q: 'a' },
    ]
    expect(new Set(queries.map((query) => key(query as FilterQuery))).size).toBe(queries.length)
  })
})

describe('a filter that cannot be used', () => {
  it.each(['verbose', 'INFO', '', 'constructor'])('names the level %j', (level) => {
    expect(() => compileFilter({ level: level as Level })).toThrow(
      expect.objectContaining({ code: 'invalid_query', message: expect.stringContaining('level is one of trace') }),
    )
  })

  it('names a q that is too long', () => {
    expect(compileFilter({ q: 'x'.repeat(MAX_QUERY_LENGTH) }).key).not.toBe('')
    expect(() => compileFilter({ q: 'x'.repeat(MAX_QUERY_LENGTH + 1) })).toThrow(
      expect.objectContaining({ code: 'invalid_query', message: expect.stringMatching(/^q .*1024/) }),
    )
  })
})
