/** Named streams as people use them, on both runtimes: the command, a push client, OpenTelemetry's SDK, and paths by hand. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { OTLPLogExporter } from '@opentelemetry/exporter-logs-otlp-proto'
import { BatchLogRecordProcessor, LoggerProvider } from '@opentelemetry/sdk-logs'
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest'
import { createPushClient } from '../../src/client/index.ts'
import { startCommand } from '../support/command.ts'
import { exchange } from '../support/raw-http.ts'
import { type RealService, RUNTIMES } from '../support/services.ts'

const TOKEN = 'streams-token'
const SHOP = 'shop-token'
const settings = {
  EDGETAIL_TOKEN: TOKEN,
  EDGETAIL_TOKENS: `[{"token":"${SHOP}","rights":["read","write"],"streams":["shop"]}]`,
  EDGETAIL_MAX_STREAMS: '2',
}

describe.each(Object.entries(RUNTIMES))('named streams of %s', (_name, start) => {
  let service: RealService
  let url: string
  beforeAll(async () => {
    service = await start(settings)
    url = `${service.origin}/monitor`
  })
  afterAll(() => service?.close())

  const stored = async (path: string, token = TOKEN): Promise<string[]> => {
    const response = await fetch(`${url}${path}/logs`, { headers: { Authorization: `Bearer ${token}` } })
    const page = (await response.json()) as { entries: { message: string }[] }
    return page.entries.map(({ message }) => message)
  }

  it('are sent to by a push client with a token for one', async () => {
    const client = createPushClient({ url: `${url}/s/shop`, token: SHOP })
    client.info('pushed')
    await client.close()
    expect(await stored('/s/shop')).toEqual(['pushed'])
    const refused: string[] = []
    const other = createPushClient({
      url: `${url}/s/till`,
      token: SHOP,
      onError: (error) => refused.push((error as { code: string }).code),
    })
    other.info('pushed elsewhere')
    await other.close()
    expect(refused).toContain('forbidden')
    expect(await stored('')).toEqual([])
  })

  it('are sent to by OpenTelemetry’s SDK, which knows nothing but an address', async () => {
    vi.stubEnv('OTEL_EXPORTER_OTLP_ENDPOINT', `${url}/s/shop`)
    vi.stubEnv('OTEL_EXPORTER_OTLP_HEADERS', `authorization=Bearer%20${SHOP}`)
    onTestFinished(() => void vi.unstubAllEnvs())
    const processor = new BatchLogRecordProcessor({ exporter: new OTLPLogExporter() })
    const provider = new LoggerProvider({ processors: [processor] })
    provider.getLogger('test').emit({ body: 'by OTLP' })
    await provider.shutdown()
    expect((await stored('/s/shop')).at(-1)).toBe('by OTLP')
  })

  it('are followed by edgetail tail, and downloaded by edgetail logs', async () => {
    const client = createPushClient({ url: `${url}/s/shop`, token: SHOP })
    const env = { EDGETAIL_TOKEN: SHOP }
    const tail = startCommand(['tail', `${url}/s/shop/`, '--json'], env)
    await expect.poll(tail.printed, { timeout: 15_000 }).toContain('pushed')
    client.info('right now')
    await expect.poll(tail.printed, { timeout: 15_000 }).toContain('right now')
    await client.close()
    tail.child.kill('SIGINT')
    expect(await tail.exit).toBe(0)
    const logs = startCommand(['logs', `${url}/s/shop`, '--json'], env)
    const lines = (await logs.stdout).trimEnd().split('\n')
    expect(lines.map((line) => (JSON.parse(line) as { message: string }).message)).toEqual(await stored('/s/shop'))
    const closed = startCommand(['tail', url], env)
    expect(await closed.exit).toBe(1)
    expect(closed.stderr()).toContain('/s/shop')
  })

  it('are not left by any path that a client may write', async () => {
    const { port } = new URL(url)
    const ask = async (path: string, token: string): Promise<number> => {
      const head = `GET /monitor${path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${token}\r\nConnection: close\r\n\r\n`
      const sending = { pieces: [Buffer.from(head, 'latin1')], leave: 'stay', methods: ['GET'] } as const
      const { answers } = await exchange(Number(port), sending, 10_000)
      return answers[0]?.status ?? 0
    }
    expect(await ask('/s/shop/logs', SHOP)).toBe(200)
    for (const path of [
      '/logs',
      '/s/../logs',
      '/s/%2e%2e/logs',
      '/s/%2E./logs',
      '/s/shop/../../logs',
      '/s/shop/../till/logs',
      '/s/shop/%2e%2e/till/logs',
      '/s/shop%2F..%2Ftill/logs',
      '/s/shop/..%2f..%2flogs',
      '/s//logs',
      '/s/shop//logs',
      '//s/shop/logs',
      '/s/shop\\..\\till/logs',
      '/s/shop;x/logs',
      '/s/shop%00/logs',
      '/s/SHOP/logs',
      '/s/%73hop%20/logs',
      '/s/default/logs',
      '/s/shop/s/till/logs',
    ]) {
      expect(`${path} ${await ask(path, SHOP)}`).toMatch(/ (?:400|403|404)$/)
    }
    // Letters that are written in another way are the same letters.
    expect(await ask('/s/%73hop/logs', SHOP)).toBe(200)
    const { streams } = (await (
      await fetch(`${url}/streams`, { headers: { Authorization: `Bearer ${TOKEN}` } })
    ).json()) as { streams: object[] }
    expect(streams).toEqual([{ name: 'default' }, { name: 'shop' }])
  })

  it('tell edgetail tail that there are too many', async () => {
    const env = { EDGETAIL_TOKEN: TOKEN }
    await stored('/s/till')
    const tail = startCommand(['tail', `${url}/s/one-more`], env)
    expect(await tail.exit).toBe(1)
    expect(tail.stderr()).toContain('EDGETAIL_MAX_STREAMS')
  })
})

describe('edgetail --stream', () => {
  it('puts what is piped in into a named stream', async () => {
    const command = startCommand(['--stream', 'shop'], { EDGETAIL_TOKEN: TOKEN }, 'pipe')
    command.child.stdin?.write('{"msg":"piped in","level":50}\n')
    await expect.poll(command.stderr, { timeout: 10_000 }).toContain('/monitor/s/shop/stream')
    const [, origin] = /(http:\/\/[\d.:]+)\/monitor/.exec(command.stderr()) ?? []
    const read = async (path: string): Promise<string> => {
      const response = await fetch(`${origin}/monitor${path}/logs`, { headers: { Authorization: `Bearer ${TOKEN}` } })
      return response.text()
    }
    await expect.poll(() => read('/s/shop')).toContain('"level":"error","message":"piped in"')
    expect(await read('')).toBe('{"entries":[],"before":null}')
  })

  it('refuses a name that is none', async () => {
    const command = startCommand(['--stream', 'Shop'])
    expect(await command.exit).toBe(1)
    expect(command.stderr()).toContain('--stream is a name')
  })

  it('serves with nothing but limited tokens, and says how to watch', async () => {
    const command = startCommand([], { EDGETAIL_TOKENS: settings.EDGETAIL_TOKENS })
    await expect.poll(command.stderr, { timeout: 10_000 }).toContain('<one of EDGETAIL_TOKENS>" http')
    expect(command.stderr()).toContain('/monitor/s/<name>/stream')
    expect(command.stderr()).not.toContain(SHOP)
    expect(command.stderr()).not.toContain('#token=')
  })
})

describe('a command whose --stream has no place', () => {
  it.each([
    ['0', ['shop']],
    ['1', ['shop', 'till']],
  ])('says so before it listens, with EDGETAIL_MAX_STREAMS=%s', async (max, names) => {
    const folder = mkdtempSync(join(tmpdir(), 'edgetail-'))
    onTestFinished(() => rmSync(folder, { recursive: true }))
    const env = { EDGETAIL_MAX_STREAMS: max, EDGETAIL_DATA: join(folder, 'a.db') }
    const commands = []
    for (const name of names) {
      const command = startCommand(['--exit', '--stream', name], env, 'pipe')
      command.child.stdin?.on('error', () => {})
      command.child.stdin?.end('a line\n')
      commands.push([await command.exit, await command.stdout, command.stderr()] as const)
    }
    const [exit, , words] = commands.pop() ?? []
    expect(exit).toBe(1)
    expect(words).toMatch(/^edgetail: [^\n]*EDGETAIL_MAX_STREAMS[^\n]*\n$/)
    for (const [exit, stdout] of commands) expect([exit, stdout]).toEqual([0, 'a line\n'])
  })
})
