import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { MAX_JOINED_LENGTH, MAX_JOINED_LINES } from '../../../src/ingest/joiner.ts'
import { MAX_LINE_LENGTH } from '../../../src/ingest/lines.ts'
import { createPrintedReader } from '../../../src/ingest/printed.ts'
import type { LogEntry } from '../../../src/log.ts'
import { createRandom } from '../../support/random.ts'

const NOW = Date.parse('2025-03-01T12:00:00.000Z')
const utf8 = new TextEncoder()

function entries(text: string | readonly Uint8Array[], file?: string): LogEntry[] {
  const reader = createPrintedReader({ file })
  const pieces = typeof text === 'string' ? [utf8.encode(text)] : text
  const records = [...pieces.flatMap((piece) => reader.push(piece, NOW)), ...reader.end(NOW)]
  return records.map(({ entry }) => entry)
}

const messages = (text: string): string[] => entries(text).map(({ message }) => message)

/** What programs print when they fail, each as one entry between two others. */
const TRACES: Record<string, string> = {
  'JavaScript, printed': `Error: no card
    at pay (/app/cart.js:3:9)
    at async /app/cart.js:9:3 {
  code: 'E_CARD',
  [cause]: TypeError: x is undefined
      at f (/app/cart.js:1:1)
}`,
  'JavaScript, below a message': `2026-11-23T10:00:00Z ERROR payment failed
TypeError: x is undefined
    at f (/app/cart.js:1:1)`,
  'Node, uncaught': `/app/cart.js:3
  throw new Error('no card')
  ^

Error: no card
    at pay (/app/cart.js:3:9)
    at node:internal/main/run_main_module:36:49

Node.js v24.1.0`,
  'Node, uncaught at the start of a line': `file:///app/cart.mjs:1
throw new RangeError('no card')
^

RangeError [E_CARD]: no card
    at file:///app/cart.mjs:1:7 {
  code: 'E_CARD'
}

Node.js v24.1.0`,
  Python: `Traceback (most recent call last):
  File "/app/cart.py", line 3, in pay
    card = cards[7]
           ~~~~~^^^
KeyError: 7

During handling of the above exception, another exception occurred:

Traceback (most recent call last):
  File "/app/cart.py", line 5, in <module>
    pay()
ValueError: no card`,
  'Python, below a message': `ERROR:root:payment failed
Traceback (most recent call last):
  File "/app/cart.py", line 3, in pay
ValueError: no card`,
  Java: `Exception in thread "main" java.lang.IllegalStateException: no card
\tat shop.Cart.pay(Cart.java:3)
\tSuppressed: java.io.IOException: closed
\t\tat shop.Card.close(Card.java:9)
Caused by: java.lang.NullPointerException
\tat shop.Card.read(Card.java:7)
\t... 12 more`,
  'Java, below a message': `10:00:00.123 [main] ERROR shop.Cart - payment failed
java.lang.IllegalStateException: no card
\tat shop.Cart.pay(Cart.java:3)
Caused by: java.lang.NullPointerException: null
\t... 1 more`,
  Go: `panic: runtime error: invalid memory address or nil pointer dereference
[signal SIGSEGV: segmentation violation code=0x1 addr=0x0 pc=0x4a]

goroutine 1 [running]:
main.(*Cart).Pay(0xc000012345, {0x4a, 0x5})
\t/app/cart.go:7 +0x1d
main.main()
\t/app/main.go:3 +0x25

goroutine 18 [chan receive]:
created by main.start in goroutine 1
\t/app/main.go:9 +0x30
exit status 2`,
  Rust: `thread 'main' panicked at src/main.rs:2:5:
index out of bounds: the len is 3 but the index is 7
stack backtrace:
   0: rust_begin_unwind
             at /rustc/1/library/std/src/panicking.rs:5:5
note: run with \`RUST_BACKTRACE=full\``,
  Ruby: `cart.rb:3:in 'Cart#pay': no card (RuntimeError)
\tfrom cart.rb:7:in '<main>'`,
  '.NET': `Unhandled exception. System.InvalidOperationException: no card
   at Shop.Cart.Pay() in /app/Cart.cs:line 3
--- End of stack trace from previous location ---
   at Shop.Program.Main()`,
}

describe('the lines of a trace are one entry', () => {
  it.each(Object.entries(TRACES))('%s', (_, trace) => {
    expect(messages(`before\n${trace}\nafter\n`)).toEqual(['before', trace, 'after'])
    expect(messages(`before\r\n${trace.replaceAll('\n', '\r\n')}\r\nafter`)).toEqual(['before', trace, 'after'])
    const [, entry] = entries(`before\n${trace}\nafter\n`)
    expect(entry?.level).toMatch(/error|fatal/)
  })

  it('in colours too, which stay', () => {
    const trace = '\u001b[31mError: no card\u001b[39m\n\u001b[90m    at pay (/app/cart.js:3:9)\u001b[39m'
    expect(entries(`${trace}\nafter`)).toMatchObject([
      { message: trace, level: 'error' },
      { message: 'after', level: 'info' },
    ])
  })

  it('and a message above it that says no level counts as an error, but not console.trace', () => {
    expect(entries('could not save\n    at f (a.js:1:1)')).toMatchObject([{ level: 'error' }])
    expect(entries('WARN could not save\n    at f (a.js:1:1)')).toMatchObject([{ level: 'warn' }])
    expect(entries('Trace\n    at f (a.js:1:1)')).toMatchObject([{ level: 'info' }])
    expect(entries('table\n  a  b\n  1  2')).toMatchObject([{ level: 'info' }])
  })
})

describe('nothing else is joined', () => {
  it('lines that are not indented', () => {
    expect(messages('a\nb\nc')).toEqual(['a', 'b', 'c'])
    expect(messages('Error: a\nError: b\n}')).toEqual(['Error: a', 'Error: b', '}'])
    expect(messages('INFO fine\nTraceback (most recent call last):\n  File "a"\nKeyError: 7\nnext')).toEqual([
      'INFO fine',
      'Traceback (most recent call last):\n  File "a"\nKeyError: 7',
      'next',
    ])
  })

  it('what stands behind a blank line', () => {
    expect(messages('a\n\n  b\n \t\r\n\n  c\n\nd')).toEqual(['a', '  b', '  c', 'd'])
    expect(messages('panic: a\n\nb')).toEqual(['panic: a', 'b'])
  })

  it('JSON, but for frames below it', () => {
    const json = '{"level":30,"msg":"a"}'
    expect(messages(`${json}\n  indented\n${json}\n    at f (a.js:1:1)\n${json}\nx\n  ${json}`)).toEqual([
      ...['a', '  indented', 'a\n    at f (a.js:1:1)', 'a', 'x', 'a'],
    ])
    expect(messages(`x\n${json}\nTraceback (most recent call last):\n${json}`)).toEqual([
      ...['x', 'a', 'Traceback (most recent call last):', 'a'],
    ])
  })
})

describe('an object that is printed over several lines', () => {
  it('is one entry', () => {
    const printed = '{\n  id: 7,\n  card: [\n    1\n  ]\n}'
    expect(messages(`${printed}\nnext`)).toEqual([printed, 'next'])
  })
})

describe('what is held', () => {
  it('is only the last entry, and no line of JSON', () => {
    const reader = createPrintedReader()
    const push = (text: string): string[] => reader.push(utf8.encode(text), NOW).map(({ entry }) => entry.message)
    expect(push('a\nb\nc')).toEqual(['a'])
    expect(reader.heldSince()).toBe(NOW)
    expect(reader.flush().map(({ entry }) => entry.message)).toEqual(['b'])
    expect(reader.heldSince()).toBeUndefined()
    // The unfinished line stays.
    expect(push('d\n{"msg":"e"}\n')).toEqual(['cd', 'e'])
    expect(reader.heldSince()).toBeUndefined()
    expect(reader.flush()).toEqual([])
  })

  it('has the time at which its first line came', () => {
    const reader = createPrintedReader()
    reader.push(utf8.encode('Error: a\n'), NOW)
    reader.push(utf8.encode('    at f (a.js:1:1)\n'), NOW + 30)
    expect(reader.heldSince()).toBe(NOW)
    expect(reader.end(NOW + 60)[0]?.entry.ts).toBe('2025-03-01T12:00:00.000Z')
  })
})

describe('bounds', () => {
  it('lines of an entry', () => {
    const lines = ['head', ...Array.from({ length: 2 * MAX_JOINED_LINES }, (_, n) => ` ${n}`)]
    const joined = messages(lines.join('\n'))
    expect(joined.join('\n')).toBe(lines.join('\n'))
    expect(joined.map((message) => message.split('\n').length)).toEqual([MAX_JOINED_LINES, MAX_JOINED_LINES, 1])
  })

  it('size of an entry, so that nothing of it is cut', () => {
    const lines = ['head', ...Array.from({ length: 100 }, (_, n) => `  ${n} ${'x'.repeat(1000)}`)]
    const joined = entries(lines.join('\n'))
    expect(joined.map(({ message }) => message).join('\n')).toBe(lines.join('\n'))
    expect(joined.length).toBe(4)
    for (const { message, context } of joined) {
      expect(message.length).toBeLessThanOrEqual(MAX_JOINED_LENGTH)
      expect(context).toEqual({})
    }
  })

  it('a line that is too long is cut, and its own size told', () => {
    const long = 'é'.repeat(MAX_LINE_LENGTH + 5)
    const [entry, next] = entries(`ERROR ${long}\nnext`)
    expect(entry?.level).toBe('error')
    expect(entry?.message).toBe(`ERROR ${'é'.repeat((32 * 1024 - 6) / 2)}`)
    expect(entry?.context).toEqual({ truncated: { message: 2 * long.length + 6 } })
    expect(next).toMatchObject({ message: 'next', context: {} })
  })

  it('a line of a MiB that is JSON is still read', () => {
    const line = JSON.stringify({ level: 'warn', msg: 'big', data: 'x'.repeat(MAX_LINE_LENGTH - 100) })
    expect(entries(line)).toMatchObject([{ level: 'warn', message: 'big', context: { truncated: {} } }])
    const over = JSON.stringify({ level: 'warn', msg: 'big', data: 'x'.repeat(MAX_LINE_LENGTH) })
    expect(entries(over)).toMatchObject([{ level: 'info', context: { truncated: { message: over.length } } }])
  })
})

describe('bytes', () => {
  it('may be cut anywhere, also inside a character', () => {
    const text = `${Object.values(TRACES).join('\n')}\n{"msg":"ü😀"}\nlast ü😀`
    const whole = entries(text)
    const bytes = utf8.encode(text)
    fc.assert(
      fc.property(fc.array(fc.nat(bytes.length), { maxLength: 8 }), (cuts) => {
        const places = [0, ...cuts.sort((a, b) => a - b), bytes.length]
        const pieces = places.slice(1).map((end, index) => bytes.slice(places[index], end))
        const reader = createPrintedReader()
        const got = [...pieces.flatMap((piece) => reader.push(piece, NOW)), ...reader.end(NOW)]
        expect(got.map(({ entry }) => entry)).toEqual(whole)
      }),
      { numRuns: 50 },
    )
  })

  it('may come one by one', () => {
    const bytes = [...utf8.encode('ü😀\n{"msg":"é"}\n')].map((byte) => Uint8Array.of(byte))
    expect(entries(bytes).map(({ message }) => message)).toEqual(['ü😀', 'é'])
  })

  it('that are no UTF-8 are replaced', () => {
    const [first, second] = entries([Uint8Array.of(0x61, 0xff, 0x0a), Uint8Array.of(0xe2, 0x82)])
    expect([first?.message, second?.message]).toEqual(['a\ufffd', '\ufffd'])
  })

  it('begin anew after the end', () => {
    const reader = createPrintedReader()
    reader.push(Uint8Array.of(0x61, 0xe2, 0x82), NOW)
    expect(reader.end(NOW).map(({ entry }) => entry.message)).toEqual(['a\ufffd'])
    expect(reader.push(Uint8Array.of(0xac, 0x62, 0x0a), NOW)).toEqual([])
    expect(reader.end(NOW).map(({ entry }) => entry.message)).toEqual(['\ufffdb'])
  })
})

it('the name of the file goes into the context, unless an entry has a file of its own', () => {
  const text = 'plain\n{"msg":"a","n":1}\n{"msg":"b","file":"main.go"}\n{"msg":"c","context":{"file":"x"}}\na=1 msg=x'
  expect(entries(text, 'app.log').map(({ context }) => context)).toEqual([
    { file: 'app.log' },
    { n: 1, file: 'app.log' },
    { file: 'main.go' },
    { file: 'x' },
    { a: 1, file: 'app.log' },
  ])
})

it('5,000 bad lines: none fails, none is lost, all stay in order', () => {
  const random = createRandom(5)
  const parts = [
    ...['{"level":30,"msg":"a"}', '{', '}', '"', '\\', '\u001b[31m', '\u001b]8;;', '\u0000', '\ufeff', '\u2028', '\r'],
    ...[
      '  ',
      '\t',
      'ERROR',
      '[',
      ']',
      '<34>1 ',
      'level=',
      'at f (a.js:1:1)',
      'Caused by: ',
      'Traceback (most recent call',
    ],
    ...[
      'panic: ',
      'goroutine 1 [running]:',
      "thread 'x' panicked at a:",
      '/a.js:1',
      '^',
      '😀',
      'é',
      '[[[[',
      '{"a":'.repeat(80),
    ],
    ...Object.values(TRACES),
  ]
  const lines = Array.from({ length: 5000 }, (_, number) => {
    if (random.chance(0.1)) return utf8.encode(`${JSON.stringify({ level: random.next(), msg: `#${number};` })}\n`)
    const bad = Array.from({ length: random.int(0, 5) }, () => random.pick(parts)).join(random.pick(['', ' ']))
    const noise = random.bytes(random.int(0, 3)).map((byte) => byte | 0x80)
    return Uint8Array.of(...utf8.encode(bad), ...noise, ...utf8.encode(` #${number};\n`))
  })
  const got = entries(lines)
  const numbers = got.flatMap(({ message }) => [...message.matchAll(/#(\d+);/g)].map(([, number]) => Number(number)))
  expect(numbers).toEqual(lines.map((_, number) => number))
})
