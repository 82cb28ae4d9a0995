/** The command as a person runs it. */
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import { text } from 'node:stream/consumers'
import { promisify } from 'node:util'
import pino from 'pino'
import { describe, expect, it, onTestFinished } from 'vitest'
import { listening, MAIN, startCommand as start } from '../support/command.ts'
import { openStream, type StreamReader } from '../support/sse-reader.ts'

async function follow(url: string, token: string, query = ''): Promise<StreamReader> {
  const reader = await openStream(fetch, `${url}/stream${query}`, { headers: { Authorization: `Bearer ${token}` } })
  onTestFinished(() => reader.close())
  await reader.until(({ events }) => events.length > 0)
  return reader
}

/** An upload that does not go on: it holds up a stop for as long as a stop waits. */
function halfUpload(url: string): Socket {
  const { hostname, port } = new URL(url)
  const socket = connect(Number(port), hostname)
  onTestFinished(() => void socket.destroy())
  socket.on('error', () => {})
  socket.write(
    'POST /monitor/logs HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer secret\r\n' +
      'Content-Type: application/json\r\nContent-Length: 100\r\n\r\n{"message":',
  )
  return socket
}

describe('edgetail', () => {
  it('prints a link with a token and a curl line that works when pasted', async () => {
    const command = start([])
    const { url, token, curl } = await listening(command)
    expect(token.length).toBeGreaterThanOrEqual(32)
    const pasted = spawn('sh', ['-c', `exec ${curl}`], { stdio: ['ignore', 'pipe', 'ignore'] })
    onTestFinished(() => void pasted.kill())
    let seen = ''
    pasted.stdout.on('data', (chunk) => {
      seen += chunk
    })
    // Nothing is piped in: what a first-time user sees is the server's own log.
    await expect.poll(() => seen, { timeout: 5000 }).toContain('edgetail is listening')
    await fetch(`${url}?secret=in-the-query`)
    await expect.poll(() => seen, { timeout: 5000 }).toContain('GET /monitor 200')
    expect(seen).not.toContain('in-the-query')
  })

  it('reads what is piped in line by line and passes it through unchanged', async () => {
    const command = start(['--exit'], { EDGETAIL_TOKEN: 'secret' }, 'pipe')
    const { url } = await listening(command)
    const reader = await follow(url, 'secret')
    const lines = [
      '{"level":50,"time":1767323045678,"msg":"from pino","pid":7}',
      'plain text \u001b[31mred\u001b[0m é',
      '',
      '  {not json',
      'crlf\r',
      'no line break at the end',
    ]
    command.child.stdin?.end(lines.join('\n'))
    await reader.ended
    expect(await command.exit).toBe(0)
    expect(await command.stdout).toBe(lines.join('\n'))
    expect(reader.logs().map(({ level, message }) => [level, message])).toEqual([
      ['error', 'from pino'],
      ['info', lines[1]],
      ['info', '  {not json'],
      ['info', 'crlf'],
      ['info', 'no line break at the end'],
    ])
    expect(reader.logs()[0]).toMatchObject({ ts: '2026-01-02T03:04:05.678Z', context: { pid: 7 } })
    expect(command.stderr()).not.toContain('secret\n')
  })

  it('follows 10,000 lines of a pino app, every line once, in order', async () => {
    const command = start([], { EDGETAIL_TOKEN: 'secret', EDGETAIL_RETAIN: '100' }, 'pipe')
    const { url } = await listening(command)
    const reader = await follow(url, 'secret')
    const log = pino({}, { write: (line: string) => void command.child.stdin?.write(line) })
    for (let number = 0; number < 10_000; number++) log.info({ number }, `line ${number}`)
    command.child.stdin?.end()
    await reader.until(() => reader.logs().length === 10_000, 20_000)
    expect(reader.logs().map(({ message }) => message)).toEqual(Array.from({ length: 10_000 }, (_, n) => `line ${n}`))
    expect(reader.events.filter(({ event }) => event === 'gap')).toEqual([])
    // It goes on serving when the input has ended.
    expect((await fetch(`${url}/health`)).status).toBe(200)
  })

  it('goes on serving when whoever read its output has gone', async () => {
    const command = start([], { EDGETAIL_TOKEN: 'secret' }, 'pipe')
    const { url } = await listening(command)
    const reader = await follow(url, 'secret')
    command.child.stdout?.destroy()
    for (let number = 0; number < 5; number++) {
      command.child.stdin?.write(`line ${number}\n`)
      await reader.until(() => reader.logs().length === number + 1)
    }
    expect(command.child.exitCode).toBeNull()
  })

  it.each([
    'SIGTERM',
    'SIGINT',
  ] as const)('stops at %s: streams get what was accepted and a retry, status 0', async (signal) => {
    const command = start([], { EDGETAIL_TOKEN: 'secret' })
    const { url } = await listening(command)
    const reader = await follow(url, 'secret', '?tail=0')
    const headers = { Authorization: 'Bearer secret', 'Content-Type': 'application/json' }
    expect((await fetch(`${url}/logs`, { method: 'POST', headers, body: '{"message":"last"}' })).status).toBe(202)
    command.child.kill(signal)
    await reader.ended
    expect(await command.exit).toBe(0)
    expect(reader.logs().at(-1)?.message).toBe('last')
    expect(reader.text()).toMatch(/\n\nretry: \d{4}\n\n$/)
  })

  it('reads the last words of a program that Ctrl-C stops with it', async () => {
    const program = `
      const { writeFileSync } = require('node:fs')
      const tick = setInterval(() => console.log('tick'), 50)
      process.on('SIGINT', () => {
        clearInterval(tick)
        setTimeout(() => console.log('closed the database'), 500)
      })`
    const quoted = [process.execPath, MAIN].map((word) => `'${word}'`).join(' ')
    const shell = spawn('sh', ['-c', `'${process.execPath}' -e "$PROGRAM" | ${quoted}`], {
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, PROGRAM: program, PORT: '0', EDGETAIL_TOKEN: 'secret' },
    })
    onTestFinished(() => void shell.kill('SIGKILL'))
    let seen = ''
    shell.stdout.on('data', (chunk) => {
      seen += chunk
    })
    await expect.poll(() => seen, { timeout: 5000 }).toContain('tick')
    // As a terminal does: to all of the group.
    process.kill(-(shell.pid as number), 'SIGINT')
    await once(shell, 'exit')
    expect(seen.trimEnd().split('\n').at(-1)).toBe('closed the database')
  })

  it('does not let those without a token push entries out', async () => {
    const command = start([], { EDGETAIL_TOKEN: 'secret', EDGETAIL_RETAIN: '50' })
    const { url } = await listening(command)
    const headers = { Authorization: 'Bearer secret', 'Content-Type': 'application/json' }
    await fetch(`${url}/logs`, { method: 'POST', headers, body: '{"message":"the one that matters"}' })
    for (let request = 0; request < 200; request++) await fetch(`${url}/nothing`)
    const { entries } = (await (await fetch(`${url}/logs`, { headers })).json()) as { entries: { message: string }[] }
    expect(entries.map(({ message }) => message)).toContain('the one that matters')
    expect(entries.map(({ message }) => message)).toContain('GET /monitor/nothing 404')
  })

  it('stops within five seconds with a reader that takes nothing, and at once at a second signal', async () => {
    for (const signals of [1, 2]) {
      const command = start([], { EDGETAIL_TOKEN: 'secret' })
      const { url } = await listening(command)
      const headers = { Authorization: 'Bearer secret' }
      const stuck = await fetch(`${url}/stream`, { headers })
      const body = JSON.stringify(Array.from({ length: 100 }, () => ({ message: 'x'.repeat(9000) })))
      for (let round = 0; round < 20; round++) {
        await fetch(`${url}/logs`, {
          method: 'POST',
          headers: { ...headers, 'Content-Type': 'application/json' },
          body,
        })
      }
      const asked = Date.now()
      for (let sent = 0; sent < signals; sent++) {
        command.child.kill('SIGTERM')
        await new Promise((resolve) => setTimeout(resolve, 100))
      }
      expect(await command.exit).toBe(signals === 1 ? 0 : 143)
      expect(Date.now() - asked).toBeLessThan(signals === 1 ? 5000 : 1500)
      await stuck.body?.cancel().catch(() => {})
    }
  })

  it('says so when nobody could watch, and what an address for all means', async () => {
    const write = start([], { EDGETAIL_WRITE_TOKEN: 'w' })
    await expect.poll(write.stderr, { timeout: 20_000 }).toMatch(/nobody can watch: set EDGETAIL_READ_TOKEN too/)
    write.child.kill('SIGTERM')
    const open = start([], { HOST: '0.0.0.0' })
    await expect
      .poll(open.stderr, { timeout: 20_000 })
      .toMatch(/on all addresses, unencrypted[\s\S]*http:\/\/127\.0\.0\.1:\d+/)
    open.child.kill('SIGTERM')
    expect(await Promise.all([write.exit, open.exit])).toEqual([0, 0])
  })

  it('stops with status 0 while what is piped in goes on', async () => {
    const command = start([], { EDGETAIL_TOKEN: 'secret' }, 'pipe')
    const { url } = await listening(command)
    halfUpload(url)
    await new Promise((resolve) => setTimeout(resolve, 200))
    command.child.stdin?.on('error', () => {})
    const typing = setInterval(() => command.child.stdin?.write('still here\n'), 5)
    onTestFinished(() => clearInterval(typing))
    const asked = Date.now()
    command.child.kill('SIGTERM')
    expect(await command.exit).toBe(0)
    expect(Date.now() - asked).toBeLessThan(5000)
    expect(command.stderr()).not.toContain('closed')
  })

  it('does not wait for an upload that is not complete', async () => {
    const command = start([], { EDGETAIL_TOKEN: 'secret' })
    const { url } = await listening(command)
    const answer = text(halfUpload(url))
    await new Promise((resolve) => setTimeout(resolve, 200))
    const asked = Date.now()
    command.child.kill('SIGTERM')
    expect(await command.exit).toBe(0)
    expect(Date.now() - asked).toBeLessThan(5000)
    expect(await answer.catch(() => '')).not.toContain('202')
  })

  it.each([
    [{ PORT: 'http' }, [], /PORT is a whole number from 0 to 65535/],
    [{ EDGETAIL_RETAIN: '0' }, [], /EDGETAIL_RETAIN is a whole number from 1/],
    [{ EDGETAIL_TOKEN: '' }, [], /EDGETAIL_TOKEN is 1 to 4096/],
    [{ EDGETAIL_TOKEN: 'two words' }, [], /EDGETAIL_TOKEN is 1 to 4096/],
    [{ EDGETAIL_BASE: 'monitor' }, [], /EDGETAIL_BASE is a path/],
    [{ EDGETAIL_CORS_ORIGINS: '*' }, [], /EDGETAIL_CORS_ORIGINS lists origins/],
    [{}, ['--nonsense'], /Unknown option '--nonsense'/],
    [{}, ['--port', '70000'], /PORT is a whole number/],
  ])('refuses to start with %j %j, in one sentence', async (env, args, sentence) => {
    const command = start(args, env as unknown as Record<string, string>)
    expect(await command.exit).toBe(1)
    expect(command.stderr()).toMatch(sentence)
    expect(command.stderr().trim().split('\n')).toHaveLength(1)
    expect(command.stderr()).not.toContain('two words')
  })

  it('says which port is taken', async () => {
    const server = createServer().listen(0, '127.0.0.1')
    await once(server, 'listening')
    onTestFinished(() => void server.close())
    const { port } = server.address() as { port: number }
    const command = start(['--port', String(port)])
    expect(await command.exit).toBe(1)
    expect(command.stderr()).toBe(`edgetail: 127.0.0.1:${port} is in use. Choose another port with PORT or --port.\n`)
  })

  it('has a help of one screen and a version', async () => {
    const run = promisify(execFile)
    const { stdout: help } = await run(process.execPath, [MAIN, '--help'])
    expect(help.split('\n').length).toBeLessThanOrEqual(45)
    expect((await run(process.execPath, [MAIN, '--version'])).stdout).toMatch(/^\d+\.\d+\.\d+\n$/)
  })
})
