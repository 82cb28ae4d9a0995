import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type ParsedBatch, parseJson, parseNdjson } from '../../../src/ingest/batch.ts'
import { readBody } from '../../../src/ingest/body.ts'

const NOW = Date.parse('2025-03-01T12:00:00.000Z')

async function* pieces(...texts: string[]): AsyncGenerator<string> {
  yield* texts
}

const messages = ({ records }: ParsedBatch): string[] => records.map(({ entry }) => entry.message)
const lines = ({ rejected }: ParsedBatch): number[] => rejected.map(({ line }) => line)

describe('NDJSON', () => {
  it('is one entry a line, with or without a break at its end', async () => {
    for (const end of ['', '\n', '\r\n', '\n\n']) {
      const batch = await parseNdjson(pieces(`{"message":"a"}\n{"message":"b"}${end}`), NOW)
      expect(messages(batch)).toEqual(['a', 'b'])
      expect(batch.rejected).toEqual([])
    }
  })

  it('keeps good lines and names bad ones by their number, blank lines included', async () => {
    const body = '\n{"msg":"a"}\r\n \t\r\n{bad\r\n[{"msg":"b"}]\n"text"\n{"msg":"c"}{"msg":"d"}\nnull\n{"msg":"e"}'
    const batch = await parseNdjson(pieces(body), NOW)
    expect(messages(batch)).toEqual(['a', 'e'])
    expect(batch.rejected).toEqual([
      { line: 4, error: 'The line is not valid JSON.' },
      { line: 5, error: 'An entry is a JSON object.' },
      { line: 6, error: 'An entry is a JSON object.' },
      { line: 7, error: 'The line is not valid JSON.' },
      { line: 8, error: 'An entry is a JSON object.' },
    ])
  })

  it('gives others their turn during a body of refusals, takes what is good in it, and counts the rest', async () => {
    for (const bad of ['{x\n', 'x\n', '5\n']) {
      let turns = 0
      const others = setInterval(() => turns++, 0)
      const body = `{"msg":"first"}\n${bad.repeat(300_000)}{"msg":"last"}\n`
      const batch = await parseNdjson(pieces(body), NOW)
      clearInterval(others)
      expect(messages(batch)).toEqual(['first', 'last'])
      expect(batch.refused).toBe(300_000)
      expect(batch.rejected.length).toBe(1001)
      expect(turns).toBeGreaterThan(0)
    }
  })

  it('names a line nested too deep and goes on', async () => {
    const deep = `{"a":${'['.repeat(100_000)}${']'.repeat(100_000)}}`
    const batch = await parseNdjson(pieces(`{}\n${deep}\n{}`), NOW)
    expect(batch.records.length).toBe(2)
    expect(batch.rejected).toEqual([{ line: 2, error: expect.stringContaining('nested deeper than 64') }])
  })

  it('takes nothing from an empty or a blank body', async () => {
    for (const body of ['', '\n', ' \r\n\r\n']) {
      expect(await parseNdjson(pieces(body), NOW)).toEqual({ records: [], rejected: [], refused: 0 })
    }
  })

  it('names a thousand bad lines and says that there are more', async () => {
    const batch = await parseNdjson(pieces('x\n'.repeat(5000), '{}'), NOW)
    expect(batch.records.length).toBe(1)
    expect(lines(batch)).toEqual(Array.from({ length: 1001 }, (_, index) => index + 1))
    expect(batch.refused).toBe(5000)
    expect(batch.rejected[1000]?.error).toContain('Further lines are not named.')
    expect(batch.rejected[999]?.error).not.toContain('Further')
  })

  it('gives the same batch at whatever byte the body is cut', async () => {
    const line = fc.oneof(
      fc.record({ message: fc.string({ unit: 'binary' }), a: fc.jsonValue() }).map((entry) => JSON.stringify(entry)),
      fc.constantFrom('', ' ', '{bad', 'é😀', '[]', '{"__proto__":{"a":1}}'),
    )
    const body = fc.array(line, { maxLength: 6 }).map((all) => new TextEncoder().encode(all.join('\r\n')))
    await fc.assert(
      fc.asyncProperty(body, fc.array(fc.nat(), { maxLength: 4 }), async (bytes, cuts) => {
        const read = (parts: Uint8Array[]): Promise<ParsedBatch> =>
          parseNdjson(readBody(streamed(parts), { maxBody: 1_000_000, maxGzipRatio: 100, bodyTimeoutMs: 30_000 }), NOW)
        const places = [0, ...cuts.map((cut) => cut % (bytes.length + 1)), bytes.length].sort((a, b) => a - b)
        const parts = places.slice(1).map((end, index) => bytes.slice(places[index], end))
        expect(JSON.stringify(await read(parts))).toBe(JSON.stringify(await read([bytes])))
      }),
      { numRuns: 50 },
    )
  })
})

describe('JSON', () => {
  it('is one object or an array of them, on as many lines as it likes', async () => {
    expect(messages(await parseJson(pieces('{"message":"a"}'), NOW))).toEqual(['a'])
    expect(messages(await parseJson(pieces(' [\n{"message":"a"},', '\r\n {"message":"b"}]\n'), NOW))).toEqual([
      'a',
      'b',
    ])
  })

  it('names what is bad by its place in the array', async () => {
    const batch = await parseJson(pieces('[{"msg":"a"},\n\n5,[{}],{"msg":"b"},null]'), NOW)
    expect(messages(batch)).toEqual(['a', 'b'])
    expect(lines(batch)).toEqual([2, 3, 5])
  })

  it.each(['5', '"text"', 'null', 'true'])('%s is no entry', async (body) => {
    const expected = { records: [], rejected: [{ line: 1, error: 'An entry is a JSON object.' }], refused: 1 }
    expect(await parseJson(pieces(body), NOW)).toEqual(expected)
  })

  it('holds nothing when the body or the array is empty', async () => {
    for (const body of ['', ' \n', '[]']) {
      expect(await parseJson(pieces(body), NOW)).toEqual({ records: [], rejected: [], refused: 0 })
    }
  })

  it.each(['{"a":1', '{"a":1}\n{"a":2}', 'text', '[{"a":1},]'])('%j is refused whole', async (body) => {
    await expect(parseJson(pieces(body), NOW)).rejects.toMatchObject({ code: 'invalid_body' })
  })

  it('survives half a million nested arrays', async () => {
    const deep = '['.repeat(500_000) + ']'.repeat(500_000)
    expect(lines(await parseJson(pieces(deep), NOW))).toEqual([1])
    expect(lines(await parseJson(pieces(`[{"a":${deep}},{}]`), NOW))).toEqual([1])
  })
})

function streamed(parts: readonly Uint8Array[]): Request {
  const body = new ReadableStream<Uint8Array>({
    start(controller) {
      for (const part of parts) if (part.length > 0) controller.enqueue(part)
      controller.close()
    },
  })
  return new Request('http://x/', { method: 'POST', body, duplex: 'half' } as RequestInit)
}
