/** What programs print and write, through the command as a person runs it. */
import { type ChildProcess, spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Writable } from 'node:stream'
// @ts-expect-error It has no types of its own.
import untyped from 'bunyan'
import { describe, expect, it, onTestFinished } from 'vitest'
import { createLogger, format, transports } from 'winston'
import { TOO_LONG } from '../support/long.ts'
import { NO_NGINX, startNginx } from '../support/nginx.ts'
import { residentMiB } from '../support/node-process.ts'
import { openStream, type StreamReader } from '../support/sse-reader.ts'

const MAIN = new URL('../../src/cli/main.ts', import.meta.url).pathname

const bunyan = untyped as {
  createLogger(options: { name: string; stream: Writable }): {
    warn(fields: object, message: string): void
    error(fields: object, message: string): void
  }
}

interface Command {
  readonly child: ChildProcess & { stdin: Writable; stdout: NodeJS.ReadableStream }
  readonly url: string
  readonly reader: StreamReader
}

/** Starts it and follows its stream. What it prints is for the test to read. */
async function start(args: string[], env: Record<string, string> = {}): Promise<Command> {
  const child = spawn(process.execPath, [MAIN, ...args], {
    stdio: ['pipe', 'pipe', 'pipe'],
    env: { ...process.env, PORT: '0', EDGETAIL_TOKEN: 'secret', ...env },
  })
  onTestFinished(() => void child.kill('SIGKILL'))
  let errors = ''
  child.stderr.on('data', (chunk) => {
    errors += chunk
  })
  await expect.poll(() => errors, { timeout: 20_000 }).toContain('curl -N')
  const [url = ''] = /http:\S+?\/monitor/.exec(errors) ?? []
  const headers = { Authorization: 'Bearer secret' }
  const reader = await openStream(fetch, `${url}/stream`, { headers })
  onTestFinished(() => reader.close())
  return { child, url, reader }
}

/** The lines of 1,000,000 requests, in pieces. */
function* millionLines(): Generator<string> {
  for (let number = 0; number < 1_000_000; ) {
    let piece = ''
    for (const end = number + 500; number < end; number++) {
      piece +=
        number % 3 === 0
          ? `{"level":30,"time":${1_790_000_000_000 + number},"pid":7,"number":${number},"msg":"request completed"}\n`
          : `2026-11-23T10:00:00.123Z INFO cart - request ${number} completed é\r\n`
    }
    yield piece
  }
}

describe('standard input', () => {
  it.skipIf(TOO_LONG)(
    'passes 1,000,000 lines on byte for byte, with bounded memory, and the last of them arrive',
    async () => {
      const { child, reader } = await start(['--exit'], { EDGETAIL_RETAIN: '1000' })
      const sent = createHash('sha256')
      const received = createHash('sha256')
      let bytes = 0
      child.stdout.on('data', (chunk: Buffer) => {
        received.update(chunk)
        bytes += chunk.length
      })
      let peak = 0
      const watching = setInterval(() => {
        peak = Math.max(peak, residentMiB(child.pid as number))
      }, 100)
      onTestFinished(() => clearInterval(watching))
      let written = 0
      for (const piece of millionLines()) {
        sent.update(piece)
        written += Buffer.byteLength(piece)
        if (!child.stdin.write(piece)) await once(child.stdin, 'drain')
      }
      child.stdin.end()
      const [code] = await once(child, 'close')
      expect(code).toBe(0)
      expect(bytes).toBe(written)
      expect(received.digest('hex')).toBe(sent.digest('hex'))
      expect(peak).toBeGreaterThan(0)
      expect(peak).toBeLessThan(600)
      await reader.ended
      expect(reader.logs().at(-1)).toMatchObject({ context: { number: 999_999 } })
    },
    300_000,
  )

  it('takes the lines of winston, fields intact, in order, once', async () => {
    const { child, reader } = await start([])
    child.stdout.resume()
    const log = createLogger({
      level: 'silly',
      format: format.combine(format.timestamp(), format.errors({ stack: true }), format.json()),
      transports: [new transports.Stream({ stream: child.stdin })],
    })
    for (let number = 0; number < 200; number++) {
      log.log(number % 2 ? 'warn' : 'info', `line ${number}`, { number, user: { name: 'é', tags: ['a', 1, null] } })
    }
    log.error(new TypeError('no card'))
    await reader.until(() => reader.logs().length === 201, 20_000)
    const logs = reader.logs()
    expect(logs.slice(0, 200).map(({ level, message, context }) => ({ level, message, context }))).toEqual(
      Array.from({ length: 200 }, (_, number) => ({
        level: number % 2 ? 'warn' : 'info',
        message: `line ${number}`,
        context: { number, user: { name: 'é', tags: ['a', 1, null] } },
      })),
    )
    expect(logs[200]).toMatchObject({
      level: 'error',
      message: 'no card',
      context: { stack: expect.stringContaining('TypeError: no card\n    at ') },
    })
    for (const { ts } of logs) expect(Math.abs(Date.now() - Date.parse(ts))).toBeLessThan(60_000)
  })

  it('takes the lines of bunyan, fields intact, in order, once', async () => {
    const { child, reader } = await start([])
    child.stdout.resume()
    const log = bunyan.createLogger({ name: 'shop', stream: child.stdin })
    for (let number = 0; number < 200; number++) log.warn({ number, order: { id: 'o-7' } }, `line ${number}`)
    log.error({ err: { name: 'TypeError', stack: 'TypeError: x\n    at f' } }, 'failed')
    await reader.until(() => reader.logs().length === 201, 20_000)
    const logs = reader.logs()
    expect(logs.slice(0, 200).map(({ level, message }) => [level, message])).toEqual(
      Array.from({ length: 200 }, (_, number) => ['warn', `line ${number}`]),
    )
    for (const [number, { context }] of logs.slice(0, 200).entries()) {
      expect(context).toEqual({
        name: 'shop',
        hostname: expect.any(String),
        pid: process.pid,
        number,
        order: { id: 'o-7' },
        v: 0,
      })
    }
    expect(logs[200]).toMatchObject({
      level: 'error',
      message: 'failed',
      context: { err: { stack: 'TypeError: x\n    at f' } },
    })
  })

  it('joins the trace of a real Node program that dies, and passes it through as it was', async () => {
    const { child, reader } = await start([])
    let seen = ''
    child.stdout.on('data', (chunk) => {
      seen += chunk
    })
    const folder = await mkdtemp(join(tmpdir(), 'edgetail-input-'))
    onTestFinished(() => rm(folder, { recursive: true }))
    const script = join(folder, 'dies.mjs')
    await writeFile(
      script,
      "console.log('starting')\nfunction pay() {\n  throw Object.assign(new RangeError('no card'), { code: 'E_CARD' })\n}\npay()\n",
    )
    const program = spawn(process.execPath, [script], { stdio: ['ignore', 'pipe', 'pipe'] })
    let printed = ''
    for (const output of [program.stdout, program.stderr]) {
      output.on('data', (chunk) => {
        printed += chunk
        child.stdin.write(chunk)
      })
    }
    await once(program, 'close')
    await reader.until(() => reader.logs().length >= 2, 20_000)
    await new Promise((resolve) => setTimeout(resolve, 300))
    expect(reader.logs()).toMatchObject([
      { level: 'info', message: 'starting' },
      { level: 'error', message: printed.slice('starting\n'.length).trimEnd() },
    ])
    expect(printed).toMatch(/\^\n\nRangeError: no card\n {4}at pay [\s\S]*\}\n\nNode\.js v/)
    await expect.poll(() => seen).toBe(printed)
  })

  it('shows a line within a second though nothing follows it', async () => {
    const { child, reader } = await start([])
    child.stdout.resume()
    for (let number = 0; number < 3; number++) {
      const sent = performance.now()
      child.stdin.write(`line ${number}\n`)
      await reader.until(() => reader.logs().length === number + 1)
      expect(performance.now() - sent).toBeLessThan(1000)
    }
  })
})

describe('files', () => {
  it.skipIf(NO_NGINX)("follows nginx's access log", async () => {
    const { createServer } = await import('node:http')
    const target = createServer((request, response) => {
      response.writeHead(Number(/\d{3}/.exec(request.url ?? '')?.[0] ?? 200)).end('body')
    }).listen(0, '127.0.0.1')
    await once(target, 'listening')
    onTestFinished(() => void target.close())
    const nginx = await startNginx(`http://127.0.0.1:${(target.address() as { port: number }).port}`)
    onTestFinished(() => nginx.close())
    const { reader, child } = await start([nginx.accessLog])
    child.stdin.end()
    const paths = ['/fine?id=7&q=%22x%22', '/is/404', '/is/503', '/last']
    for (const [index, path] of paths.entries()) {
      const headers = { 'User-Agent': `test/${index} "quoted"`, Referer: 'https://shop.example/' }
      await fetch(`${nginx.http}${path}`, { method: index === 3 ? 'POST' : 'GET', headers }).then((answer) =>
        answer.text(),
      )
    }
    await reader.until(() => reader.logs().length >= paths.length, 20_000)
    expect(reader.logs().map(({ level, context }) => ({ level, context }))).toEqual(
      paths.map((path, index) => ({
        level: ['info', 'warn', 'error', 'info'][index],
        context: {
          remoteAddress: '127.0.0.1',
          method: index === 3 ? 'POST' : 'GET',
          path,
          protocol: 'HTTP/1.1',
          status: [200, 404, 503, 200][index],
          bytes: expect.any(Number),
          referer: 'https://shop.example/',
          userAgent: `test/${index} \\x22quoted\\x22`,
          file: nginx.accessLog,
        },
      })),
    )
    const [first] = reader.logs()
    expect(first?.message).toContain('"GET /fine?id=7&q=%22x%22 HTTP/1.1" 200 ')
    expect(Math.abs(Date.now() - Date.parse(first?.ts ?? ''))).toBeLessThan(60_000)
  })

  it('and standard input go together, and what a file got last is seen at a stop', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'edgetail-input-'))
    onTestFinished(() => rm(folder, { recursive: true }))
    await writeFile(join(folder, 'a.log'), 'from the start\n')
    const { child, reader } = await start(['--from-start', join(folder, '*.log')])
    child.stdout.resume()
    child.stdin.write('from the pipe\n')
    await reader.until(() => reader.logs().length === 2)
    expect(
      reader
        .logs()
        .map(({ message }) => message)
        .sort(),
    ).toEqual(['from the pipe', 'from the start'])
    child.stdin.end()
    await writeFile(join(folder, 'a.log'), 'from the start\nlast words')
    child.kill('SIGTERM')
    const [code] = await once(child, 'exit')
    expect(code).toBe(0)
    await reader.ended
    expect(reader.logs().at(-1)?.message).toBe('last words')
  })

  it.each([
    [['none.log'], /^edgetail: none\.log does not exist\./],
    [[tmpdir()], /is a directory\. Name its files/],
  ])('%j stops the start, in one sentence', async (args, sentence) => {
    const child = spawn(process.execPath, [MAIN, ...args], { stdio: ['ignore', 'ignore', 'pipe'] })
    let errors = ''
    child.stderr.on('data', (chunk) => {
      errors += chunk
    })
    const [code] = await once(child, 'close')
    expect(code).toBe(1)
    expect(errors).toMatch(sentence)
    expect(errors.trim().split('\n')).toHaveLength(1)
  })
})
