import { describe, expect, it, vi } from 'vitest'
import { MonitorError } from '../../../src/errors.ts'
import { LEVELS, type LogEntry, type LogRecord } from '../../../src/log.ts'
import { createMonitor, type Monitor, type MonitorOptions } from '../../../src/monitor.ts'
import { memorySource } from '../../../src/sources/memory.ts'
import { hostileOtlp } from '../../support/hostile-otlp.ts'
import { block, integer } from '../../support/protobuf.ts'
import { createRandom } from '../../support/random.ts'

const PROTOBUF = 'application/x-protobuf'
const ONE = Uint8Array.from(block(1, block(2, block(2, block(5, block(1, 'one'))))))

function open(options: Partial<MonitorOptions> = {}): { monitor: Monitor; onError: ReturnType<typeof vi.fn> } {
  const onError = vi.fn()
  return { monitor: createMonitor({ source: memorySource(), token: 'secret', onError, ...options }), onError }
}

async function post(monitor: Monitor, body: BodyInit, type: string): Promise<Response> {
  const headers = { Authorization: 'Bearer secret', 'Content-Type': type }
  return await monitor.routes.request('/v1/logs', { method: 'POST', headers, body })
}

/** A Status that says what it should, in the encoding. */
async function statusOf(response: Response): Promise<{ code: number; message: string }> {
  const bytes = new Uint8Array(await response.arrayBuffer())
  const text = new TextDecoder().decode(bytes)
  if (response.headers.get('Content-Type') !== PROTOBUF) {
    const status = JSON.parse(text)
    expect(Object.keys(status)).toEqual(['code', 'message'])
    return status
  }
  const code = bytes[1] as number
  // The message is no longer than what one or two bytes of a length can say.
  const message = text.slice(bytes[3] === bytes.length - 4 ? 4 : 5)
  expect([...bytes]).toEqual([...integer(1, code), ...block(2, message)])
  return { code, message }
}

describe('a failure that is not the fault of the sender', () => {
  it.each([
    ['source_unavailable', 503, 14],
    ['internal', 500, 13],
  ] as const)('is answered so that a sender knows what to do: %s', async (code, status, statusCode) => {
    const failure = code === 'internal' ? new Error('inside') : new MonitorError(code, 'The source is away.')
    const source = { ...memorySource(), append: () => Promise.reject(failure) }
    const { monitor, onError } = open({ source })
    const response = await post(monitor, ONE, PROTOBUF)
    expect([response.status, response.headers.get('Content-Type')]).toEqual([status, PROTOBUF])
    expect(response.headers.get('Retry-After')).toEqual(status === 503 ? expect.stringMatching(/^[1-5]$/) : null)
    expect(await statusOf(response)).toEqual({ code: statusCode, message: expect.not.stringContaining('inside') })
    expect(onError.mock.calls).toEqual(code === 'internal' ? [[failure, 'request']] : [])
  })

  it('is told while the server stops, and when nobody has set a token', async () => {
    const { monitor } = open()
    await monitor.close()
    const stopping = await post(monitor, ONE, PROTOBUF)
    expect([stopping.status, stopping.headers.has('Retry-After')]).toEqual([503, true])
    expect(await statusOf(stopping)).toMatchObject({ code: 14, message: expect.stringContaining('stopping') })
    const closed = await post(open({ token: undefined }).monitor, ONE, PROTOBUF)
    expect(closed.status).toBe(503)
    expect((await statusOf(closed)).message).toContain('EDGETAIL_TOKEN')
  })
})

describe('bad OTLP', () => {
  it('gets the errors of the contract, and nothing of it is kept but what is an entry', async () => {
    const maxBody = 100_000
    const statuses: Record<string, number> = {}
    const kept: LogEntry[] = []
    const append = async (records: readonly LogRecord[]): Promise<readonly string[]> => {
      for (const { entry } of records) kept.push(entry)
      return records.map(() => 'a-1')
    }
    const { monitor, onError } = open({ maxBody, source: { ...memorySource(), append } })
    for (let seed = 1; seed <= 5000; seed++) {
      const { name, type, bytes } = hostileOtlp(createRandom(seed))
      kept.length = 0
      const response = await post(monitor, bytes, type)
      const told = `${name}, seed ${seed}`
      statuses[response.status] = (statuses[response.status] ?? 0) + 1
      expect(onError.mock.calls, told).toEqual([])
      expect([200, 400, 413], told).toContain(response.status)
      expect(response.headers.get('Content-Type'), told).toBe(type)
      if (response.status !== 200) {
        expect((await statusOf(response)).message, told).toMatch(/\.$/)
        expect(kept, told).toEqual([])
      }
      expect(JSON.stringify(kept).length, told).toBeLessThan(maxBody * 33)
      for (const entry of kept.slice(0, 20)) {
        expect(Object.keys(entry), told).toEqual(['ts', 'level', 'message', 'context'])
        expect(entry.ts, told).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/)
        expect(LEVELS, told).toContain(entry.level)
        expect([typeof entry.message, typeof entry.context], told).toEqual(['string', 'object'])
      }
    }
    // Otherwise it would not be known that all ways are taken.
    expect(statuses[200]).toBeGreaterThan(500)
    expect(statuses[400]).toBeGreaterThan(500)
    expect(statuses[413]).toBeGreaterThan(0)
    console.info(`bad OTLP: ${JSON.stringify(statuses)}`)
  }, 120_000)
})
