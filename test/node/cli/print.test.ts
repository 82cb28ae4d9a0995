import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { describeGap, jsonPrinter, textPrinter } from '../../../src/cli/print.ts'
import { isColourWanted } from '../../../src/cli/reading.ts'
import type { StoredEntry } from '../../../src/source.ts'
import { createRandom } from '../../support/random.ts'

const ESC = '\u001b'

function entry(change: Partial<StoredEntry> = {}): StoredEntry {
  return { id: 'a-1', ts: '2026-01-02T03:04:05.678Z', level: 'info', message: 'hello', context: {}, ...change }
}

/** The lines of an entry, without the date before it. */
function print(change: Partial<StoredEntry>, colour = false): string[] {
  const text = textPrinter(colour).entries([entry(change)])
  expect(text.endsWith('\n')).toBe(true)
  return text.slice(0, -1).split('\n').slice(1)
}

let zone: string | undefined
beforeAll(() => {
  zone = process.env.TZ
  process.env.TZ = 'Asia/Kolkata'
})
afterAll(() => {
  if (zone === undefined) delete process.env.TZ
  else process.env.TZ = zone
})

describe('textPrinter', () => {
  it('prints the local time with milliseconds, and the date whenever the day changes', () => {
    const times = ['2026-01-02T03:04:05.678Z', '2026-01-02T18:29:59.999Z', '2026-01-02T18:30:00.000Z']
    const printer = textPrinter(false)
    expect(times.map((ts) => printer.entries([entry({ ts })])).join('')).toBe(
      '── 2026-01-02 UTC+05:30 ──\n08:34:05.678 INFO  hello\n23:59:59.999 INFO  hello\n' +
        '── 2026-01-03 UTC+05:30 ──\n00:00:00.000 INFO  hello\n',
    )
  })

  it('gives each level its colour and its name', () => {
    const levels = ['trace', 'debug', 'info', 'warn', 'error', 'fatal'] as const
    const seen = levels.map((level) => print({ level, message: '' }, true)[0]?.split(' ').slice(1).join(' '))
    expect(new Set(seen).size).toBe(6)
    expect(seen[4]).toBe(`${ESC}[31mERROR${ESC}[0m`)
  })

  it('prints the context dimmed behind the message, quoted where it must be', () => {
    const context = { id: 7, path: '/pay', name: 'two words', user: { a: [1] }, none: null, 'odd key': true, empty: '' }
    const fields = 'id=7 path=/pay name="two words" user={"a":[1]} none=null "odd key"=true empty=""'
    expect(print({ context })).toEqual([`08:34:05.678 INFO  hello ${fields}`])
    expect(print({ context }, true)[0]).toContain(`hello ${ESC}[2m${fields}${ESC}[0m`)
  })

  it('indents further lines of a message, and puts the context below them', () => {
    expect(print({ message: 'one\r\ntwo\n\tthree\n', context: { a: 1 } })).toEqual([
      '08:34:05.678 INFO  one',
      '    two',
      '    \tthree',
      '    a=1',
    ])
  })

  it('prints stacks as they are, with what else the error has and its cause', () => {
    const err = {
      type: 'TypeError',
      message: 'boom',
      code: 'E_X',
      stack: 'TypeError: boom\n    at a (x.js:1:2)\n    at b',
      cause: { message: 'not in the stack', stack: 'Error: inner\n    at c' },
    }
    expect(print({ context: { err, n: 1, stack: 'Error: own\n    at d' } })).toEqual([
      '08:34:05.678 INFO  hello n=1',
      '    err: TypeError: boom',
      '        at a (x.js:1:2)',
      '        at b',
      '        code=E_X',
      '        cause: Error: inner',
      '            at c',
      '            message="not in the stack"',
      '    stack: Error: own',
      '        at d',
    ])
  })

  it('shows what would steer a terminal instead of doing it', () => {
    const hostile = {
      'clipboard, OSC 52': [`${ESC}]52;c;aGk=\u0007`, '␛]52;c;aGk=␇'],
      'link, OSC 8': [`${ESC}]8;;http://evil${ESC}\\x`, '␛]8;;http://evil␛\\x'],
      title: [`${ESC}]0;root\u0007`, '␛]0;root␇'],
      'cursor and erase': [`${ESC}[2A${ESC}[2K${ESC}[H${ESC}[?1049h`, '␛[2A␛[2K␛[H␛[?1049h'],
      'DCS, APC, PM': [`${ESC}P$q${ESC}\\${ESC}_x${ESC}^y`, '␛P$q␛\\␛_x␛^y'],
      'reset and charset': [`${ESC}c${ESC}(0`, '␛c␛(0'],
      'eight bits': ['\u009b2J\u009d0;x\u009c\u0090q', '\\u009b2J\\u009d0;x\\u009c\\u0090q'],
      overwriting: ['pass\rfail\b\b', 'pass␍fail␈␈'],
      'reading direction': ['a\u202eb\u2066c\u200fd', 'a\\u202eb\\u2066c\\u200fd'],
      'others that break lines': ['a\vb\fc\u2028d\u0085e\u007f\u0000', 'a␋b␌c\\u2028d\\u0085e␡␀'],
      'colours that hide': [`${ESC}[8mx${ESC}[5my${ESC}[1;38;5;8;8mz`, '␛[8mx␛[5my␛[1;38;5;8;8mz'],
    }
    for (const [name, [text = '', shown]] of Object.entries(hostile)) {
      for (const colour of [false, true]) expect(print({ message: text }, colour)[0], name).toContain(shown)
      expect(print({ context: { [text]: text, err: { stack: text } } }).join('\n'), name).not.toMatch(/(?!\n)\p{Cc}/u)
    }
  })

  it('keeps colours of a message only for a terminal, and ends them with the line', () => {
    const message = `${ESC}[1;31mred${ESC}[38;5;8m grey\n${ESC}[48;2;1;2;5mrgb`
    expect(print({ message })).toEqual(['08:34:05.678 INFO  red grey', '    rgb'])
    const [first, second] = print({ message }, true)
    expect(first?.endsWith(`${ESC}[1;31mred${ESC}[38;5;8m grey${ESC}[0m`)).toBe(true)
    expect(second).toBe(`    ${ESC}[48;2;1;2;5mrgb${ESC}[0m`)
  })

  it('lets no control through whatever comes, 2,000 times', () => {
    const random = createRandom(7)
    const pieces = [
      ESC,
      `${ESC}[`,
      `${ESC}[31m`,
      ';',
      '5',
      '38',
      'm',
      ']',
      '\u009b',
      '\r',
      '\n',
      '\t',
      '\u202e',
      'x',
      '\\',
    ]
    const text = (): string => Array.from({ length: random.int(0, 12) }, () => random.pick(pieces)).join('')
    const control = /(?![\n\t])[\p{Cc}\p{Bidi_Control}]/u
    const colours = new RegExp(`${ESC}\\[[\\d;:]*m`, 'g')
    const isReset = (line: string): boolean => (line.match(colours)?.at(-1) ?? `${ESC}[0m`) === `${ESC}[0m`
    for (let round = 0; round < 2000; round++) {
      const hostile = entry({
        message: text(),
        context: { [text()]: text(), err: { stack: text(), [text()]: text() } },
      })
      const coloured = textPrinter(true).entries([hostile])
      const json = jsonPrinter().entries([hostile])
      const broken = [
        control.test(textPrinter(false).entries([hostile])) && 'text',
        control.test(coloured.replace(colours, '')) && 'coloured text',
        !coloured.split('\n').every(isReset) && 'a colour that goes on',
        control.test(json) && 'JSON',
        JSON.stringify(JSON.parse(json)) !== JSON.stringify(hostile) && 'other JSON',
      ].filter(Boolean)
      if (broken.length > 0) expect.fail(`${broken.join(', ')} of ${JSON.stringify(hostile)}`)
    }
  })

  it('survives a server that sends what is no entry', () => {
    const odd = { ts: `${ESC}c`, level: `${ESC}[2J`, message: { a: 1 }, context: 5 } as unknown as Partial<StoredEntry>
    expect(textPrinter(false).entries([entry(odd)])).toBe('␛c ␛[2J  [object Object] context=5\n')
  })
})

describe('jsonPrinter', () => {
  it('prints an object a line, with its id', () => {
    const entries = [entry(), entry({ id: 'a-2', message: 'x\ny\u009b' })]
    const text = jsonPrinter().entries(entries)
    expect(
      text
        .split('\n')
        .slice(0, -1)
        .map((line) => JSON.parse(line)),
    ).toEqual(entries)
    expect(text).toContain('"id":"a-2"')
  })
})

describe('gaps', () => {
  it('tells how many are missing and why', () => {
    expect(textPrinter(false).gap({ reason: 'slow', dropped: 12_345 })).toBe(
      '── 12,345 entries are missing here: they came faster than they were read ──\n',
    )
    expect(describeGap({ reason: 'evicted', dropped: 1 })).toBe(
      '1 entry is missing here: the server no longer kept them',
    )
    expect(describeGap({ reason: 'restarted', dropped: null })).toMatch(
      /^Entries are missing here, nobody knows how many/,
    )
    expect(describeGap({ reason: `${ESC}c` as 'slow', dropped: 1 })).toContain('␛c')
    expect(jsonPrinter().gap({ reason: 'slow', dropped: 1 })).toBe('')
  })
})

describe('isColourWanted', () => {
  it.each([
    [{}, true, true],
    [{}, false, false],
    [{ TERM: 'dumb' }, true, false],
    [{ NO_COLOR: '1' }, true, false],
    [{ NO_COLOR: '' }, true, true],
    [{ FORCE_COLOR: '1' }, false, true],
    [{ FORCE_COLOR: '1', NO_COLOR: '1' }, false, true],
    [{ FORCE_COLOR: '0' }, true, false],
  ])('%j on a terminal: %s gives %s', (env, isTerminal, wanted) => {
    expect(isColourWanted(env, isTerminal)).toBe(wanted)
  })
})
