/** OpenTelemetry's SDK as people use it, unmodified, against both runtimes: set up by nothing but its environment variables. */
import { DiagLogLevel, diag, ROOT_CONTEXT, SeverityNumber, trace } from '@opentelemetry/api'
import { OTLPLogExporter as JsonExporter } from '@opentelemetry/exporter-logs-otlp-http'
import { OTLPLogExporter as ProtobufExporter } from '@opentelemetry/exporter-logs-otlp-proto'
import { resourceFromAttributes } from '@opentelemetry/resources'
import { BatchLogRecordProcessor, LoggerProvider, type LogRecordExporter } from '@opentelemetry/sdk-logs'
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest'
import { hostileOtlp } from '../support/hostile-otlp.ts'
import { createRandom, seedFrom } from '../support/random.ts'
import { type RealService, RUNTIMES } from '../support/services.ts'

const TOKEN = 'otlp-token'
const AUTHORIZATION = { Authorization: `Bearer ${TOKEN}` }
/** As many as the SDK queues. */
const TOTAL = 2000
const BAD = 200
const SEED = seedFrom('OTLP_SEED')
/** 2026-01-02T03:04:05.000Z */
const BEGIN = 1_767_323_045_000

const LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal']
const EXPORTERS: [name: string, compression: string, open: () => LogRecordExporter][] = [
  ['protobuf', 'gzip', () => new ProtobufExporter()],
  ['protobuf', 'none', () => new ProtobufExporter()],
  ['JSON', 'gzip', () => new JsonExporter()],
  ['JSON', 'none', () => new JsonExporter()],
]

/** What the SDK is given, and the entry that should come of it. */
function logOf(number: number): { record: Record<string, unknown>; entry: object } {
  const traceId = (number + 1).toString(16).padStart(32, '0')
  const spanId = (number + 1).toString(16).padStart(16, 'a')
  const isStructured = number % 3 === 0
  const body = isStructured ? { number, list: ['é😀', null, 0.5] } : `line ${number}\n\u001b[31mred`
  const attributes = { number, 'a.b': true, list: [1, 'x'], map: { big: 2 ** 60 }, bytes: Uint8Array.of(0, 255) }
  return {
    record: {
      timestamp: BEGIN + number,
      severityNumber: (number % 24) + 1,
      severityText: 'as it was called',
      body,
      attributes,
      eventName: 'test.event',
      context: trace.setSpanContext(ROOT_CONTEXT, { traceId, spanId, traceFlags: 1 }),
    },
    entry: {
      ts: new Date(BEGIN + number).toISOString(),
      level: LEVELS[Math.floor((number % 24) / 4)],
      message: isStructured ? JSON.stringify(body) : body,
      context: {
        ...attributes,
        map: { big: '1152921504606846976' },
        bytes: 'AP8=',
        level: 'as it was called',
        event_name: 'test.event',
        ...(isStructured ? { body } : {}),
        trace_id: traceId,
        span_id: spanId,
        trace_flags: '01',
        scope: { name: 'a.library', version: '1.2.3', attributes: { of: 'scope' } },
        resource: { 'service.name': 'a service' },
      },
    },
  }
}

describe.each(Object.entries(RUNTIMES))('the OpenTelemetry SDK and %s', (_name, start) => {
  let service: RealService
  beforeAll(async () => {
    service = await start({ EDGETAIL_TOKEN: TOKEN })
  })
  afterAll(() => service?.close())

  async function stored(query: string): Promise<Record<string, unknown>[]> {
    const response = await fetch(`${service.origin}/monitor/logs?${query}`, { headers: AUTHORIZATION })
    const { entries } = (await response.json()) as { entries: Record<string, unknown>[] }
    return entries.map(({ id: _, ...entry }) => entry)
  }

  it.each(
    EXPORTERS,
  )('get every log record across in %s with compression %s, in order, once', async (_kind, compression, open) => {
    const complaints: string[] = []
    const complain = (...words: unknown[]): void => void complaints.push(words.join(' '))
    const nothing = (): void => {}
    diag.setLogger(
      { error: complain, warn: complain, info: nothing, debug: nothing, verbose: nothing },
      { logLevel: DiagLogLevel.WARN, suppressOverrideMessage: true },
    )
    vi.stubEnv('OTEL_EXPORTER_OTLP_ENDPOINT', `${service.origin}/monitor`)
    vi.stubEnv('OTEL_EXPORTER_OTLP_HEADERS', `authorization=Bearer%20${TOKEN}`)
    vi.stubEnv('OTEL_EXPORTER_OTLP_COMPRESSION', compression)
    const provider = new LoggerProvider({
      resource: resourceFromAttributes({ 'service.name': 'a service' }),
      processors: [new BatchLogRecordProcessor({ exporter: open() })],
    })
    onTestFinished(() => {
      diag.disable()
      vi.unstubAllEnvs()
    })
    const logger = provider.getLogger('a.library', '1.2.3', { attributes: { of: 'scope' } } as object)
    const logs = Array.from({ length: TOTAL }, (_, number) => logOf(number))
    for (const { record } of logs) logger.emit(record)
    await provider.shutdown()
    expect(complaints).toEqual([])
    expect(await stored(`tail=${TOTAL}`)).toEqual(logs.map(({ entry }) => entry))
    // Nothing of the ones before it is left out or sent twice: another one alone is one more.
    const before = await count()
    const again = new LoggerProvider({ processors: [new BatchLogRecordProcessor({ exporter: open() })] })
    again.getLogger('x').emit({ body: 'one more', severityNumber: SeverityNumber.INFO })
    await again.shutdown()
    expect(await count()).toBe(before + 1)
  })

  async function count(): Promise<number> {
    return ((await (await fetch(`${service.origin}/monitor/health`)).json()) as { entries: number }).entries
  }

  it('says why to a sender that may not write', async () => {
    vi.stubEnv('OTEL_EXPORTER_OTLP_ENDPOINT', `${service.origin}/monitor`)
    vi.stubEnv('OTEL_EXPORTER_OTLP_HEADERS', 'authorization=Bearer%20wrong')
    onTestFinished(() => void vi.unstubAllEnvs())
    const exporter = new JsonExporter()
    const result = await new Promise<{ error?: Error & { data?: unknown; code?: unknown } }>((resolve) =>
      exporter.export([], resolve as never),
    )
    await exporter.shutdown()
    expect(result.error).toMatchObject({ code: 401, data: expect.stringContaining('The token is not known here.') })
  })

  it(`refuse ${BAD} bad bodies in the contract's words, and go on`, async () => {
    const faults: string[] = []
    for (let number = 0; number < BAD; number++) {
      const { name, type, bytes } = hostileOtlp(createRandom(SEED + number))
      const headers = { ...AUTHORIZATION, 'Content-Type': type }
      const response = await fetch(`${service.origin}/monitor/v1/logs`, { method: 'POST', headers, body: bytes })
      const body = await response.arrayBuffer()
      const isRight = [200, 400, 413].includes(response.status) && response.headers.get('Content-Type') === type
      if (!isRight) faults.push(`${name} ${number}: ${response.status} ${Buffer.from(body)}`)
    }
    expect(faults, `repeat with OTLP_SEED=${SEED}`).toEqual([])
    expect((await fetch(`${service.origin}/monitor/health`)).status).toBe(200)
  })
})
