import { describe, expect, it } from 'vitest'
import { readAddress, writeAddress } from '../../../src/viewer/app/model/address.ts'
import { parseAnsi, plainText } from '../../../src/viewer/app/model/ansi.ts'
import { foldedLines, gapSentence, previewContext } from '../../../src/viewer/app/model/entry.ts'
import { formatAgo, formatCount, formatSpan } from '../../../src/viewer/app/model/time.ts'
import { createBurstWatch } from '../../../src/viewer/app/wire/bursts.ts'

describe('ANSI', () => {
  it('shows the colours that a terminal would', () => {
    expect(parseAnsi('\u001b[31mred\u001b[1m bold\u001b[0m plain')).toEqual([
      { text: 'red', style: { color: 1 } },
      { text: ' bold', style: { color: 1, bold: true } },
      { text: ' plain', style: undefined },
    ])
    expect(parseAnsi('\u001b[38;5;196ma\u001b[48;2;1;2;300mb')).toEqual([
      { text: 'a', style: { color: 'rgb(255 0 0)' } },
      { text: 'b', style: { color: 'rgb(255 0 0)', background: 'rgb(1 2 255)' } },
    ])
    expect(parseAnsi('\u001b[92;7mx\u001b[mend').map(({ style }) => style)).toEqual([
      { color: 0, background: 10 },
      undefined,
    ])
  })

  it('takes every other sequence out and makes control characters visible', () => {
    expect(plainText('\u001b[2J\u001b[1;1H\u001b]0;title\u0007\u001b]8;;http://x\u001b\\link\u001b(B')).toBe('link')
    expect(plainText('bell\u0007 null\u0000 delete\u007f tab\t line\n')).toBe('bell␇ null␀ delete␡ tab\t line\n')
    expect(plainText('\u001b')).toBe('␛')
  })
})

describe('the address', () => {
  it('carries the view there and back, and a token only in', () => {
    const view = {
      q: 'level>=warn "a b"',
      levels: 0b110000,
      range: [Date.UTC(2026, 10, 23, 12), Date.UTC(2026, 10, 23, 13)] as const,
      at: 'lx3k9q2f7a-42',
      around: undefined,
    }
    expect(readAddress(writeAddress(view))).toEqual({ view, token: undefined })
    const { view: read, token } = readAddress(`${writeAddress(view)}&token=secret`)
    expect(token).toBe('secret')
    expect(writeAddress(read)).not.toContain('secret')
    expect(writeAddress(readAddress('').view)).toBe('')
  })

  it('passes over what cannot be read', () => {
    expect(readAddress('#from=x&to=y&levels=loud,error&at=<script>').view).toEqual({
      q: '',
      levels: 1 << 4,
      range: undefined,
      at: undefined,
      around: undefined,
    })
  })
})

describe('an entry', () => {
  it('unfolds to its lines and its stack', () => {
    const stack = 'Error: x\n    at y'
    expect(foldedLines({ ts: '', level: 'error', message: 'a\r\nb\n', context: {} })).toEqual(['a', 'b'])
    expect(foldedLines({ ts: '', level: 'error', message: 'failed', context: { err: { stack } } })).toEqual([
      'failed',
      'Error: x',
      '    at y',
    ])
    expect(foldedLines({ ts: '', level: 'error', message: stack, context: { stack } })).toHaveLength(2)
  })

  it('has its context on one line', () => {
    expect(previewContext({ a: 'x', b: 'x y', c: 1, d: { e: null } })).toBe('a=x  b="x y"  c=1  d={"e":null}')
    expect(previewContext({ a: 'x'.repeat(1000) }).length).toBe(300)
  })

  it('says what a gap means', () => {
    expect(gapSentence({ reason: 'evicted', dropped: 1 })).toMatch(/^1 entry is missing/)
    expect(gapSentence({ reason: 'slow', dropped: 1234 })).toMatch(/^1,234 entries are missing/)
    expect(gapSentence({ reason: 'restarted', dropped: null })).toMatch(/^Entries may be missing/)
  })
})

describe('times', () => {
  it('reads as people say it', () => {
    expect([450, 4200, 42_000, 240_000, 7_200_000, 400_000_000].map(formatSpan)).toEqual([
      '450 ms',
      '4.2 s',
      '42 s',
      '4 min',
      '2 h',
      '5 d',
    ])
    expect([formatAgo(4200), formatAgo(-5000)]).toEqual(['4.2 s ago', 'in 5.0 s'])
    expect(formatCount(1234567)).toBe('1,234,567')
  })
})

describe('arrivals', () => {
  /** Entries that happen steadily, and arrive when the line lets them. */
  function watch(happen: number, arriveEvery: number, late = 0): boolean {
    const bursts = createBurstWatch()
    for (let arrival = arriveEvery; arrival <= 60_000; arrival += arriveEvery) {
      const times = []
      for (let time = arrival - arriveEvery; time < arrival; time += happen) times.push(time - late)
      bursts.arrive(arrival, times)
    }
    return bursts.isHeld()
  }

  it('looks held back when seconds of entries come at once, again and again', () => {
    expect(watch(200, 5000)).toBe(true)
  })

  it('does not when they come as the server sends them, or are old as a whole', () => {
    expect(watch(200, 250)).toBe(false)
    expect(watch(200, 1000)).toBe(false)
    expect(watch(200, 5000, 3_600_000)).toBe(false)
  })

  it('does not for a single stall', () => {
    const bursts = createBurstWatch()
    for (let time = 0; time < 20_000; time += 250) bursts.arrive(time, [time])
    bursts.arrive(30_000, [20_000, 25_000, 29_900])
    for (let time = 30_250; time < 32_000; time += 250) bursts.arrive(time, [time])
    expect(bursts.isHeld()).toBe(false)
  })
})
