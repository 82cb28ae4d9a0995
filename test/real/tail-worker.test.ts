/** A Worker that is watched, the Tail Worker and the monitor, on one real workerd. */
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { openStream, type StreamReader } from '../support/sse-reader.ts'
import { startWorkerd, type Workerd } from '../support/workerd.ts'

const headers = { Authorization: 'Bearer secret' }

/** A monitor, tailed by the Tail Worker that stores into it: a mistake that must not end in a loop. */
function monitor(name: string, tail: string): Parameters<typeof startWorkerd>[0][number] {
  return {
    name,
    config: 'wrangler.toml',
    members: `
      bindings = [
        (name = "EDGETAIL_TOKEN", text = "secret"),
        (name = "LOG_ROOM", durableObjectNamespace = "LogRoom"),
      ],
      durableObjectNamespaces = [(className = "LogRoom", uniqueKey = "${name}", enableSql = true)],
      durableObjectStorage = (localDisk = "objects"),
      tails = ["${tail}"]`,
    listens: true,
  }
}

/** A Tail Worker, tailed by itself. */
function tail(name: string, config: string, room: string): Parameters<typeof startWorkerd>[0][number] {
  return {
    name,
    config,
    members: `
      bindings = [
        (name = "LOG_ROOM", durableObjectNamespace = (className = "LogRoom", serviceName = "${room}")),
      ],
      tails = ["${name}"]`,
  }
}

let workers: Workerd
beforeAll(async () => {
  workers = await startWorkerd([
    monitor('edgetail', 'edgetail-tail'),
    tail('edgetail-tail', 'wrangler.tail.toml', 'edgetail'),
    monitor('noisy', 'tail-all'),
    tail('tail-all', 'test/workers/tailed/wrangler.tail.toml', 'noisy'),
    {
      name: 'producer',
      config: 'test/workers/tailed/wrangler.toml',
      members: `
        bindings = [
          (name = "EDGETAIL", service = "edgetail"),
          (name = "EDGETAIL_TOKEN", text = "secret"),
        ],
        tails = ["edgetail-tail"]`,
      listens: true,
    },
  ])
}, 120_000)
afterAll(() => workers?.stop())

async function watch(): Promise<StreamReader> {
  const reader = await openStream(fetch, `${workers.origins.edgetail}/monitor/stream?tail=0`, { headers })
  onTestFinished(() => reader.close())
  await reader.until(({ events }) => events.length > 0)
  return reader
}

/** Calls the producer, with secrets where none may be read from. */
async function call(path: string): Promise<number> {
  const response = await fetch(`${workers.origins.producer}${path}?token=hunter3`, {
    headers: { Authorization: 'Bearer hunter4', Cookie: 'session=hunter5' },
  })
  await response.text()
  return response.status
}

describe('a Worker that is tailed', () => {
  it('has every line that it prints watched once, in order, fields intact', async () => {
    const reader = await watch()
    const asked = Date.now()
    for (let round = 0; round < 5; round++) {
      expect(await call('/lines')).toBe(200)
      await reader.until(({ logs }) => logs().length === 37 * (round + 1))
    }
    // None comes late, or twice.
    await new Promise((resolve) => setTimeout(resolve, 500))
    expect(reader.logs()).toHaveLength(37 * 5)
    const round = reader.logs().slice(37, 74)
    const worker = {
      event: { type: 'fetch', method: 'GET', url: `${workers.origins.producer}/lines`, status: 200 },
    }
    expect(round.map(({ level, message }) => [level, message])).toEqual([
      ...Array.from({ length: 30 }, (_, line) => ['info', `line ${line} { line: ${line} }`]),
      ['debug', 'debug is 1'],
      ['info', "info [ 'a', 1, null ]"],
      ['warn', 'warn'],
      ['error', 'payment failed RangeError: too far'],
      ['warn', 'structured'],
      ['error', 'from pino'],
      ['info', 'two\nlines \u001b[31mred\u001b[0m é'],
    ])
    expect(round[0]?.context).toEqual({ worker })
    const times = round.filter(({ message }) => message !== 'from pino').map(({ ts }) => Date.parse(ts))
    expect(times).toEqual(times.toSorted((a, b) => a - b))
    expect(times[0]).toBeGreaterThanOrEqual(asked)
    expect(round[33]?.context).toEqual({
      err: {
        type: 'RangeError',
        message: 'too far',
        stack: expect.stringMatching(/^RangeError: too far\n +at print /),
      },
      worker,
    })
    expect(round[34]?.context).toEqual({ orderId: 7, password: '[REDACTED]', worker })
    expect(round[35]).toMatchObject({ ts: '2026-01-02T03:04:05.678Z', context: { pid: 7 } })
    expect(reader.text()).not.toContain('hunter')
  })

  it('has what it throws watched with its stack, and how it ended', async () => {
    const reader = await watch()
    expect(await call('/throw')).toBe(500)
    await reader.until(({ logs }) => logs().length === 3)
    const url = `${workers.origins.producer}/throw`
    expect(reader.logs()).toMatchObject([
      { level: 'info', message: 'before the throw' },
      {
        level: 'error',
        message: 'RangeError: too far',
        context: {
          err: {
            type: 'RangeError',
            message: 'too far',
            stack: expect.stringMatching(/^RangeError: too far\n +at Object\.fetch \(producer\.js:\d+:\d+\)/),
          },
        },
      },
      { level: 'error', message: `GET ${url}: exception`, context: { worker: { outcome: 'exception' } } },
    ])
    // After the answer, where nobody sees it otherwise.
    expect(await call('/later')).toBe(200)
    await reader.until(({ logs }) => logs().length === 4)
    expect(reader.logs()[3]).toMatchObject({
      level: 'error',
      message: 'TypeError: later',
      context: { err: { stack: expect.stringContaining('at Object.fetch') }, worker: { event: { status: 200 } } },
    })
    expect(await call('/hang')).toBe(500)
    await reader.until(({ logs }) => logs().length === 6)
    expect(reader.logs()[4]?.message).toContain('code had hung')
    expect(reader.text()).not.toContain('hunter')
  })

  it('is told of as one of whose lines some are missing when it prints more than the runtime passes on', async () => {
    const reader = await watch()
    await call('/flood')
    await reader.until(({ logs }) => logs().at(-1)?.message.endsWith('some of what it logged is missing') === true)
    const messages = reader.logs().map(({ message }) => message)
    const lines = messages.slice(0, -2)
    expect(lines.length).toBeGreaterThan(200)
    expect(lines.map((message) => message.split(' ')[0])).toEqual(lines.map((_, line) => String(line)))
    // The runtime's own words.
    expect(messages.at(-2)).toContain('Log size limit exceeded')
    expect(reader.logs().at(-1)).toMatchObject({
      level: 'warn',
      context: { worker: { outcome: 'ok', truncated: true } },
    })
  })

  it('is watched during the request by what it sends, long before it ends', async () => {
    const reader = await watch()
    const seen: Record<string, number> = {}
    const started = performance.now()
    const answered = call('/slow').then(() => performance.now())
    await reader.until(({ logs }) => {
      for (const { message } of logs()) seen[message] ??= performance.now()
      return 'slow is done' in seen
    }, 10_000)
    const ended = await answered
    expect(ended - started).toBeGreaterThan(3000)
    expect((seen['step 1'] as number) - started).toBeLessThan(1000)
    expect((seen['step 3'] as number) - started).toBeLessThan(3000)
    // What it prints comes only when it has ended.
    expect(seen['slow is done']).toBeGreaterThan(ended - 50)
    await reader.until(({ logs }) => logs().length === 5)
    const sent = reader.logs().filter(({ message }) => message !== 'slow is done')
    expect(sent.map(({ level, message, context }) => [level, message, context])).toEqual([
      ['info', 'step 1', { step: 1 }],
      ['info', 'step 2', { step: 2 }],
      ['info', 'step 3', { step: 3 }],
      ['error', 'the last step', { orderId: 7, password: '[REDACTED]' }],
    ])
  })
})

it('never feeds itself, also when the monitor and the Tail Worker are tailed by it', async () => {
  const read = async (): Promise<string[]> => {
    const response = await fetch(`${workers.origins.noisy}/monitor/logs?tail=1000`, { headers })
    const { entries } = (await response.json()) as { entries: { message: string }[] }
    return entries.map(({ message }) => message.replace(/http:\/\/[^/]+/, ''))
  }
  // That which waited for the start may still be under way.
  await new Promise((resolve) => setTimeout(resolve, 1000))
  const before = await read()
  for (let request = 0; request < 3; request++) await fetch(`${workers.origins.noisy}/monitor/health`)
  await new Promise((resolve) => setTimeout(resolve, 2000))
  const after = await read()
  // One of each request, the first reading's included, and nothing of storing them.
  expect(after.slice(before.length).toSorted()).toEqual([
    'GET /monitor/health 200: ok',
    'GET /monitor/health 200: ok',
    'GET /monitor/health 200: ok',
    'GET /monitor/logs 200: ok',
  ])
})
