import { expect, it } from 'vitest'
import { consoleText } from '../../../src/ingest/console-text.ts'

const cyclic: Record<string, unknown> = { n: 1 }
cyclic.me = cyclic

it.each([
  ['', []],
  ['plain', ['plain']],
  ['a 1 true null undefined 10', ['a', 1, true, null, undefined, 10n]],
  ['payment failed {"orderId":7,"tags":["a"]}', ['payment failed', { orderId: 7, tags: ['a'] }]],
  ['{"a":1} b', [{ a: 1 }, 'b']],
  ['cycle {"n":1,"me":"[Circular]"}', ['cycle', cyclic]],
  ['a is 5 and 7 and 1.5', ['%s is %d and %i and %f', 'a', '5', '7.9', 1.5]],
  ['{"a":1} [2] x', ['%o %O %j', { a: 1 }, [2], 'x']],
  ['red plain', ['%cred%c plain', 'color: red', '']],
  ['100% of it', ['100%% of %s', 'it']],
  ['100% sure it', ['100% sure', 'it']],
  ['one and %s', ['%s and %s', 'one']],
  ['one two 3', ['%s', 'one', 'two', 3]],
  // Not a place in it: with no more arguments it is no format.
  ['100%', ['100%']],
  ['%s', ['%s']],
  ['%%', ['%%']],
  ['{}', ['%d', {}]],
  ['NaN', ['%d', 'seven']],
  ['Symbol(s)', ['%s', Symbol('s')]],
])('writes %j', (text, args) => {
  expect(consoleText(args)).toBe(text)
})

it('survives what cannot be read', () => {
  const hostile = {
    get secret() {
      throw new Error('no')
    },
  }
  expect(consoleText(['%s', hostile, hostile])).toBe('[unreadable] [unreadable]')
})
