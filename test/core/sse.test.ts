import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { MonitorError } from '../../src/errors.ts'
import type { LogRecord } from '../../src/log.ts'
import { normalizeEntry } from '../../src/normalize.ts'
import type { LogBatch, StoredEntry } from '../../src/source.ts'
import {
  batchFromBytes,
  createBatch,
  encodeCheckpoint,
  encodeError,
  encodeGap,
  encodeLog,
  encodeReady,
  encodeRetry,
  formatId,
  HEARTBEAT,
  lastIdOf,
  newEpoch,
  parseId,
} from '../../src/sse.ts'

const text = (bytes: Uint8Array): string => new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)

/** Records as they come out of the normaliser, with every kind of line break in them. */
const record: fc.Arbitrary<LogRecord> = fc
  .record({
    message: fc
      .array(
        fc.oneof(fc.constantFrom('\n', '\r', '\r\n', '\u2028', '\nid: 1-1', '\ufeff'), fc.string({ unit: 'binary' })),
      )
      .map((parts) => parts.join('')),
    context: fc.jsonValue(),
  })
  .map((input) => normalizeEntry(input, 0))

describe('the bytes of', () => {
  it('an entry', () => {
    const { json } = normalizeEntry({ message: 'a\r\nb\u2028é', level: 'warn', context: { id: 'x' } }, 0)
    expect(encodeLog(json, 'e1-42')).toBe(
      'event: log\ndata: {"ts":"1970-01-01T00:00:00.000Z","level":"warn","message":"a\\r\\nb\u2028é","context":{"id":"x"}}\nid: e1-42\n\n',
    )
  })

  it('ready, with and without a position', () => {
    expect(text(encodeReady({ resumed: true }, 2500, 'e1-0'))).toBe(
      'retry: 2500\nevent: ready\ndata: {"resumed":true}\nid: e1-0\n\n',
    )
    expect(text(encodeReady({ resumed: false }, 1000, undefined))).toBe(
      'retry: 1000\nevent: ready\ndata: {"resumed":false}\n\n',
    )
  })

  it('gap, with a number and with null', () => {
    expect(text(encodeGap({ type: 'gap', reason: 'slow', dropped: 7, id: 'e1-9' }))).toBe(
      'event: gap\ndata: {"reason":"slow","dropped":7}\nid: e1-9\n\n',
    )
    expect(text(encodeGap({ type: 'gap', reason: 'restarted', dropped: null, id: 'e2-0' }))).toBe(
      'event: gap\ndata: {"reason":"restarted","dropped":null}\nid: e2-0\n\n',
    )
  })

  it('checkpoint', () => {
    expect(text(encodeCheckpoint({ type: 'checkpoint', id: 'e1-3' }))).toBe('event: checkpoint\ndata: {}\nid: e1-3\n\n')
  })

  it('error, without the cause', () => {
    const error = new MonitorError('source_unavailable', 'Come\nback.', { cause: 'secret' })
    expect(text(encodeError(error))).toBe(
      'event: error\ndata: {"code":"source_unavailable","message":"Come\\nback.","retryable":true}\n\n',
    )
  })

  it('retry, and of a heartbeat, which ends no event', () => {
    expect(text(encodeRetry(1234))).toBe('retry: 1234\n\n')
    expect(text(HEARTBEAT)).toBe(':\n')
  })
})

describe('an id', () => {
  it('comes back as it went', () => {
    const epoch = fc.stringMatching(/^[0-9A-Za-z]{1,40}$/)
    fc.assert(
      fc.property(epoch, fc.maxSafeNat(), (name, sequence) => {
        expect(parseId(formatId(name, sequence))).toEqual({ epoch: name, sequence })
      }),
    )
  })

  it.each([
    '',
    'e1',
    '-1',
    'e1-',
    'e1--1',
    'e-1-1',
    'e1-01',
    'e1-+1',
    'e1-1.0',
    'e1-1e3',
    'e1-9007199254740992',
    'e1-99999999999999999',
    `${'e'.repeat(41)}-1`,
    ' e1-1',
    'e1-1\n',
    'e1-1\0',
    'é-1',
    'e1-١',
  ])('%j is not one of ours', (id) => {
    expect(parseId(id)).toBeUndefined()
  })

  it('has an epoch that is new each time, sorts by time and can stand in it', () => {
    const epochs = Array.from({ length: 100 }, () => newEpoch())
    expect(new Set(epochs).size).toBe(100)
    for (const epoch of epochs) expect(parseId(formatId(epoch, 1))).toEqual({ epoch, sequence: 1 })
    expect(new Set(epochs.map((epoch) => epoch.length)).size).toBe(1)
  })
})

describe('a batch', () => {
  function batchOf(records: readonly LogRecord[]): { batch: LogBatch; stored: StoredEntry[] } {
    const events = records.map(({ json }, index) => encodeLog(json, `e1-${index + 1}`)).join('')
    const stored = records.map(({ entry }, index) => ({ id: `e1-${index + 1}`, ...entry }))
    return { batch: createBatch(events, `e1-${records.length}`), stored }
  }

  it('gives its entries back, from the text and from the bytes', () => {
    fc.assert(
      fc.property(fc.array(record, { minLength: 1, maxLength: 8 }), (records) => {
        const { batch, stored } = batchOf(records)
        // Compared as text, since -0 and an own `__proto__` are equal there.
        expect(JSON.stringify(batch.entries())).toBe(JSON.stringify(stored))
        expect(JSON.stringify(batchFromBytes(batch.bytes, batch.id).entries())).toBe(JSON.stringify(stored))
        expect(lastIdOf(batch.bytes)).toBe(batch.id)
        expect(batch.count).toBe(records.length)
      }),
    )
  })

  it('has each entry as three fields and a blank line, the id last', () => {
    fc.assert(
      fc.property(fc.array(record, { minLength: 1, maxLength: 8 }), (records) => {
        const lines = text(batchOf(records).batch.bytes).split(/\r\n|\n|\r/)
        expect(lines.length).toBe(records.length * 4 + 1)
        records.forEach(({ json }, index) => {
          const event = lines.slice(index * 4, index * 4 + 4)
          expect(event).toEqual(['event: log', `data: ${json}`, `id: e1-${index + 1}`, ''])
        })
      }),
    )
  })

  it('knows the last id when it is the longest possible and the text before it is cut inside a character', () => {
    const id = formatId('z'.repeat(40), Number.MAX_SAFE_INTEGER)
    for (let shift = 0; shift < 4; shift++) {
      const { json } = normalizeEntry({ message: `${'😀'.repeat(30)}${'x'.repeat(shift)}\nid: no` }, 0)
      expect(lastIdOf(createBatch(encodeLog(json, id), id).bytes)).toBe(id)
    }
  })
})
