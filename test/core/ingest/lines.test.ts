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
