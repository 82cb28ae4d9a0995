import fc from 'fast-check'
import { expect, it } from 'vitest'
import { createLineSplitter } from '../../../src/ingest/lines.ts'

function split(pieces: readonly string[]): { lines: string[]; rest: string } {
  const splitter = createLineSplitter()
  const lines = pieces.flatMap((piece) => splitter.push(piece))
  return { lines, rest: splitter.end() }
}

it('gives a line as soon as it is complete and keeps the rest', () => {
  const splitter = createLineSplitter()
  expect(splitter.push('a')).toEqual([])
  expect(splitter.push('b\nc\n\nd')).toEqual(['ab', 'c', ''])
  expect(splitter.push('')).toEqual([])
  expect(splitter.push('\n')).toEqual(['d'])
  expect(splitter.end()).toBe('')
})

it('leaves a carriage return with its line and splits at nothing else', () => {
  expect(split(['a\r\nb\rc\u2028d\u0085e\f'])).toEqual({ lines: ['a\r'], rest: 'b\rc\u2028d\u0085e\f' })
})

it('begins anew after its end', () => {
  const splitter = createLineSplitter()
  splitter.push('half')
  expect(splitter.end()).toBe('half')
  expect(splitter.end()).toBe('')
  expect(splitter.push('x\n')).toEqual(['x'])
})

it('gives the same lines however the text is cut into pieces', () => {
  const unit = fc.constantFrom('\n', '\r', 'a', 'é', '\ud83d', '\ude00')
  fc.assert(
    fc.property(fc.array(fc.string({ unit })), (pieces) => {
      const lines = pieces.join('').split('\n')
      const rest = lines.pop()
      expect(split(pieces)).toEqual({ lines, rest })
    }),
  )
})

it('keeps only the start of a line that is too long, however it comes, and goes on with the next', () => {
  fc.assert(
    fc.property(fc.array(fc.nat({ max: 7 }), { maxLength: 40 }), (sizes) => {
      const text = `${'a'.repeat(50)}\n${'b'.repeat(10)}\n${'c'.repeat(11)}`
      const splitter = createLineSplitter(10)
      const lines: string[] = []
      let at = 0
      for (const size of [...sizes, text.length]) {
        lines.push(...splitter.push(text.slice(at, at + size)))
        at += size
      }
      expect([...lines, splitter.end()]).toEqual(['a'.repeat(10), 'b'.repeat(10), 'c'.repeat(10)])
    }),
  )
})
