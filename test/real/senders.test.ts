/** Real programs that send to a real server: which goes away, comes back, never was, or says nothing. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it, onTestFinished } from 'vitest'
import type { LogEntry } from '../../src/log.ts'
import { TOO_LONG } from '../support/long.ts'
import { type RecordingReceiver, recordingReceiver, TOKEN } from '../support/recording-receiver.ts'

interface Program {
  readonly child: ChildProcess
  readonly code: Promise<number | null>
  /** Milliseconds between its last line and its end. */
  readonly waited: Promise<number>
  readonly stderr: () => string
}

function run(program: string, args: (string | number)[], env: Record<string, string> = {}): Program {
  const path = new URL(`../support/programs/${program}.ts`, import.meta.url).pathname
  const child = spawn(process.execPath, [path, ...args.map(String)], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, EDGETAIL_TOKEN: TOKEN, ...env },
  })
  onTestFinished(() => void child.kill('SIGKILL'))
  let stderr = ''
  let doneAt = Number.NaN
  child.stderr.on('data', (chunk) => {
    stderr += chunk
    if (stderr.includes('done\n') && Number.isNaN(doneAt)) doneAt = performance.now()
  })
  const exit = once(child, 'close').then(([code]) => ({ code: code as number | null, at: performance.now() }))
  return {
    child,
    code: exit.then(({ code }) => code),
    waited: exit.then(({ at }) => at - doneAt),
    stderr: () => stderr,
  }
}

const numbers = (entries: readonly LogEntry[]): unknown[] => entries.map(({ context }) => context.n)
const upTo = (count: number): number[] => Array.from({ length: count }, (_, n) => n)

/** Each life has its entries in order and once, and together they have all. A batch whose answer was killed is in both. */
function expectAll(receiver: RecordingReceiver, count: number): void {
  const lives = receiver.lives().map(numbers) as number[][]
  for (const life of lives) expect(life).toEqual(upTo(life.length).map((index) => (life[0] ?? 0) + index))
  expect([...new Set(lives.flat())]).toEqual(upTo(count))
}

const SENDERS = {
  'the push client': (count: number, each: number, env: Record<string, string>) =>
    run('push-program', [count, each], { ...env, PUSH_OPTIONS: env.OPTIONS ?? '{}' }),
  'the pino transport': (count: number, each: number, env: Record<string, string>) =>
    run('pino-program', [count, each], { ...env, PINO_OPTIONS: env.OPTIONS ?? '{}' }),
}

describe.each(Object.entries(SENDERS))('%s', (_, start) => {
  it('delivers everything, in order, once and whole, and lets the program end', async () => {
    const receiver = await recordingReceiver()
    await receiver.start()
    const program = start(3000, 3000, { EDGETAIL_URL: receiver.url })
    expect(await program.code).toBe(0)
    expect(program.stderr()).toBe('done\n')
    const entries = receiver.entries()
    expect(numbers(entries)).toEqual(upTo(3000))
    for (const [n, entry] of entries.entries()) {
      expect(entry).toMatchObject({
        level: 'warn',
        message: `m${n}`,
        context: { n, nested: { text: 'é"\n😀', list: [1, null] } },
      })
      expect(Math.abs(Date.parse(entry.ts) - Date.now())).toBeLessThan(60_000)
    }
    expect(await program.waited).toBeLessThan(5000)
  })

  it.skipIf(TOO_LONG)('loses nothing while the receiver is down for 5 s in the middle', async () => {
    const receiver = await recordingReceiver()
    await receiver.start()
    // 9 s of logging.
    const program = start(9000, 10, { EDGETAIL_URL: receiver.url })
    await expect.poll(() => receiver.entries().length, { timeout: 10_000 }).toBeGreaterThan(500)
    await receiver.kill()
    await sleep(5000)
    expect(program.child.exitCode).toBe(null)
    await receiver.start()
    expect(await program.code).toBe(0)
    expectAll(receiver, 9000)
    expect(receiver.lives()[0]?.length).toBeGreaterThan(500)
    expect(receiver.entries().filter(({ message }) => message.startsWith('edgetail client'))).toEqual([])
    // The outage is told once.
    expect(program.stderr().match(/cannot be reached/g)).toHaveLength(1)
  })

  it.skipIf(TOO_LONG)('drops the oldest beyond its buffer and says how many', async () => {
    const receiver = await recordingReceiver()
    const program = start(2000, 10, { EDGETAIL_URL: receiver.url, OPTIONS: '{"maxBufferEntries":300}' })
    await expect.poll(program.stderr, { timeout: 10_000 }).toContain('cannot be reached')
    await sleep(1000)
    await receiver.start()
    expect(await program.code).toBe(0)
    const entries = receiver.entries()
    const notices = entries.filter(({ message }) => /^edgetail client dropped \d+ entries$/.test(message))
    const dropped = notices.reduce((sum, { context }) => sum + (context.dropped as number), 0)
    expect(dropped).toBeGreaterThan(100)
    expect(notices[0]?.level).toBe('warn')
    const sent = entries.filter((entry) => !notices.includes(entry))
    expect(sent.length + dropped).toBe(2000)
    expect(numbers(sent)).toEqual([...new Set(numbers(sent))].sort((a, b) => Number(a) - Number(b)))
    // Each notice stands where the entries are missing.
    let next = 0
    for (const { message, context } of entries) {
      if (notices.some((notice) => notice.message === message)) next += context.dropped as number
      else expect(context.n).toBe(next++)
    }
  })

  it.each([
    'dead',
    'silent',
  ])('lets the program end within 5 s when the receiver is %s, and tells what is lost', async (kind) => {
    const receiver = await recordingReceiver()
    if (kind === 'silent') {
      await receiver.start()
      receiver.freeze()
    }
    const program = start(500, 500, { EDGETAIL_URL: receiver.url })
    expect(await program.code).toBe(0)
    expect(await program.waited).toBeLessThan(5000)
    expect(program.stderr()).toMatch(/500 entries were not delivered/)
    expect(program.stderr()).not.toContain(TOKEN)
  })
})

describe('the push client', () => {
  it('delivers at close', async () => {
    const receiver = await recordingReceiver()
    await receiver.start()
    const program = run('push-program', [1000, 1000, 'close'], { EDGETAIL_URL: receiver.url })
    expect(await program.code).toBe(0)
    expect(numbers(receiver.entries())).toEqual(upTo(1000))
  })
})

describe('the pino transport', () => {
  it('delivers also what is logged right before process.exit', async () => {
    const receiver = await recordingReceiver()
    await receiver.start()
    const program = run('pino-program', [300, 300, 'transport', 'exit'], { EDGETAIL_URL: receiver.url })
    expect(await program.code).toBe(0)
    expect(numbers(receiver.entries())).toEqual(upTo(300))
    expect(receiver.entries()[100]?.context.err).toMatchObject({ type: 'RangeError', message: 'e100' })
  })

  it('says clearly that the url is missing', async () => {
    const program = run('pino-program', [1, 1], { EDGETAIL_URL: '' })
    expect(await program.code).toBe(1)
    expect(program.stderr()).toContain('edgetail/pino: url is missing. Set the option url, or EDGETAIL_URL')
  })

  it('brings the same as the lines piped into the command', async () => {
    const receiver = await recordingReceiver()
    await receiver.start()
    await run('pino-program', [500, 500], { EDGETAIL_URL: receiver.url }).code
    const program = run('pino-program', [500, 500, 'stdout'])
    const lines = text(program.child.stdout as NodeJS.ReadableStream)
    const command = spawn(
      process.execPath,
      [new URL('../../src/cli/main.ts', import.meta.url).pathname, '--port', '0'],
      {
        stdio: ['pipe', 'pipe', 'pipe'],
        env: { ...process.env, EDGETAIL_TOKEN: TOKEN },
      },
    )
    onTestFinished(() => void command.kill('SIGKILL'))
    let said = ''
    command.stderr.on('data', (chunk) => {
      said += chunk
    })
    await expect.poll(() => said, { timeout: 10_000 }).toContain('curl -N')
    const [, url = ''] = /(http:\S+?\/monitor)/.exec(said) ?? []
    command.stdout.resume()
    command.stdin.end(await lines)
    const stored = async (): Promise<LogEntry[]> => {
      const response = await fetch(`${url}/logs?tail=1000`, { headers: { Authorization: `Bearer ${TOKEN}` } })
      return ((await response.json()) as { entries: LogEntry[] }).entries
    }
    await expect.poll(async () => (await stored()).length, { timeout: 10_000 }).toBe(500)
    const withoutChance = ({ level, message, context }: LogEntry): unknown => {
      const { pid: _, err, ...rest } = context
      return [level, message, rest, (err as { message?: string } | undefined)?.message]
    }
    expect((await stored()).map(withoutChance)).toEqual(receiver.entries().map(withoutChance))
  })
})
