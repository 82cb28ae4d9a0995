import fc from 'fast-check'
import { expect, it } from 'vitest'
import { createLineSplitter } from '../../../src/ingest/lines.ts'

interface Split {
  readonly lines: string[]
  /** Sizes of the lines of which only the start is given. */
  readonly sizes: (number | undefined)[]
}

function split(pieces: readonly string[], maxLength?: number): Split {
  const lines: string[] = []
  const sizes: (number | undefined)[] = []
  const splitter = createLineSplitter((line, bytes) => {
    lines.push(line)
    sizes.push(bytes)
  }, maxLength)
  for (const piece of pieces) splitter.push(piece)
  splitter.end()
  return { lines, sizes }
}

it('gives a line as soon as it is complete and keeps the rest', () => {
  const lines: string[] = []
  const splitter = createLineSplitter((line) => lines.push(line))
  splitter.push('a')
  expect(lines).toEqual([])
  splitter.push('b\nc\n\nd')
  expect(lines.splice(0)).toEqual(['ab', 'c', ''])
  splitter.push('')
  expect(lines).toEqual([])
  splitter.push('\n')
  expect(lines.splice(0)).toEqual(['d'])
  splitter.end()
  expect(lines).toEqual([])
})

it('leaves a carriage return with its line and splits at nothing else', () => {
  expect(split(['a\r\nb\rc\u2028d\u0085e\f']).lines).toEqual(['a\r', 'b\rc\u2028d\u0085e\f'])
})

it('begins anew after its end', () => {
  const lines: string[] = []
  const splitter = createLineSplitter((line) => lines.push(line))
  splitter.push('half')
  splitter.end()
  splitter.end()
  splitter.push('x\n')
  expect(lines).toEqual(['half', 'x'])
})

it('gives the same lines however the text is cut into pieces', () => {
  const unit = fc.constantFrom('\n', '\r', 'a', 'é', '\ud83d', '\ude00')
  fc.assert(
    fc.property(fc.array(fc.string({ unit })), (pieces) => {
      const lines = pieces.join('').split('\n')
      if (lines.at(-1) === '') lines.pop()
      expect(split(pieces).lines).toEqual(lines)
    }),
  )
})

it('keeps only the start of a line that is too long, however it comes, tells its size, and goes on with the next', () => {
  fc.assert(
    fc.property(fc.array(fc.nat({ max: 7 }), { maxLength: 40 }), (cuts) => {
      const text = `${'a'.repeat(50)}\n${'b'.repeat(10)}\n${'é'.repeat(11)}\n${'c'.repeat(10)}`
      const pieces: string[] = []
      let at = 0
      for (const size of [...cuts, text.length]) {
        pieces.push(text.slice(at, at + size))
        at += size
      }
      const { lines, sizes } = split(pieces, 10)
      expect(lines).toEqual(['a'.repeat(10), 'b'.repeat(10), 'é'.repeat(10), 'c'.repeat(10)])
      expect(sizes).toEqual([50, undefined, 22, undefined])
    }),
  )
})
