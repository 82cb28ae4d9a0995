/** `edgetail tail` and `edgetail logs` as people run them, against real servers and what else may answer. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer, type RequestListener, type ServerResponse } from 'node:http'
import { type AddressInfo, connect, createServer as createTcpServer } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it, onTestFinished } from 'vitest'
import { type Server, startServer } from '../../src/node/server.ts'
import { readSettings } from '../../src/settings.ts'
import type { StoredEntry } from '../../src/source.ts'
import { type Command, MAIN, startCommand } from '../support/command.ts'
import { startFaultProxy } from '../support/fault-proxy.ts'
import { freePort } from '../support/free-port.ts'
import { residentMiB } from '../support/node-process.ts'

const TOKEN = 'secret-token'
const ESC = '\u001b'

async function startMonitor(settings: Record<string, string> = {}): Promise<Server & { url: string }> {
  const server = await startServer({
    ...readSettings({ PORT: '0', EDGETAIL_TOKEN: TOKEN, ...settings }),
    // A server that is stopped while a test goes on says so, which is no news here.
    onError: () => {},
  })
  onTestFinished(() => server.close(0))
  return { ...server, url: `${server.origin}/monitor` }
}

/** Something else that answers. */
async function startOther(answer: RequestListener): Promise<string> {
  const server = createServer(answer).listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/monitor`
}

/** A proxy that can be told to cut. */
async function startCutProxy(
  origin: string,
  mayPass: (connection: number) => number,
): Promise<{ url: string; cut(): void; connections(): number }> {
  const { hostname, port } = new URL(origin)
  const cuts = new Set<() => void>()
  let connections = 0
  const server = createTcpServer((client) => {
    const upstream = connect(Number(port), hostname)
    let left = mayPass(++connections)
    const cut = (): void => {
      client.destroy()
      upstream.destroy()
      cuts.delete(cut)
    }
    cuts.add(cut)
    client.on('error', cut).on('close', cut).pipe(upstream)
    upstream.on('error', cut).on('close', cut)
    upstream.on('data', (piece) => {
      left -= piece.length
      if (left < 0) cut()
      else client.write(piece)
    })
    if (left === 0) cut()
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const cut = (): void => {
    for (const one of cuts) one()
  }
  onTestFinished(() => {
    cut()
    server.close()
  })
  const { port: bound } = server.address() as AddressInfo
  return { url: `http://127.0.0.1:${bound}`, cut, connections: () => connections }
}

const read = (args: string[], env: Record<string, string> = {}): Command =>
  startCommand(args, { EDGETAIL_TOKEN: TOKEN, ...env })

const until = (command: Command, text: string, timeout = 10_000): Promise<void> =>
  expect.poll(() => command.printed().includes(text), { timeout, interval: 20, message: text }).toBe(true)

const complaint = (command: Command, text: string, timeout = 10_000): Promise<void> =>
  expect.poll(command.stderr, { timeout, interval: 20 }).toContain(text)

const entriesOf = (text: string): StoredEntry[] =>
  text
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line) as StoredEntry)

const messagesOf = (text: string): string[] => entriesOf(text).map(({ message }) => message)

function log({ monitor }: Server, from: number, to: number): void {
  for (let number = from; number <= to; number++) monitor.log('info', `entry ${number}`, { number })
}

const numbered = (from: number, to: number): string[] =>
  Array.from({ length: to - from + 1 }, (_, index) => `entry ${from + index}`)

describe('edgetail tail', () => {
  it('prints the last 20 entries, then each new one, without colours into a pipe, and ends at Ctrl-C with 0', async () => {
    const server = await startMonitor()
    log(server, 1, 30)
    const command = read(['tail', server.url])
    await until(command, 'entry 30')
    server.monitor.log('error', `${ESC}[31mlive${ESC}[0m ${ESC}]52;c;aGk=\u0007${ESC}[2J`, { orderId: 7 })
    await until(command, 'live')
    command.child.kill('SIGINT')
    expect(await command.exit).toBe(0)
    const [date, ...lines] = (await command.stdout).trimEnd().split('\n')
    expect(date).toMatch(/^── \d{4}-\d\d-\d\d UTC[+-]\d\d:\d\d ──$/)
    expect(lines.slice(0, -1).map((line) => line.slice(13))).toEqual(
      numbered(11, 30).map((message, index) => `INFO  ${message} number=${index + 11}`),
    )
    expect(lines.at(-1)?.slice(13)).toBe('ERROR live ␛]52;c;aGk=␇␛[2J orderId=7')
    expect(command.printed()).not.toContain(ESC)
    expect(command.stderr()).toBe('')
  })

  it('takes --tail, --level and --q, and prints JSON with ids', async () => {
    const server = await startMonitor()
    log(server, 1, 3)
    server.monitor.log('warn', 'disk full', { mount: '/var' })
    server.monitor.log('warn', 'slow')
    server.monitor.log('error', 'disk gone')
    const command = read(['tail', server.url, '--json', '--level', 'warning', '--q', 'disk', '-n', '1'])
    await until(command, 'disk gone')
    log(server, 4, 5)
    server.monitor.log('fatal', 'disk on fire \u009b')
    await until(command, 'on fire')
    command.child.kill('SIGTERM')
    expect(await command.exit).toBe(0)
    expect(messagesOf(await command.stdout)).toEqual(['disk gone', 'disk on fire \u009b'])
    const { entries } = await server.monitor.source.history({ tail: 1 })
    expect(entriesOf(command.printed()).at(-1)).toEqual(entries[0])
    expect(command.printed()).not.toContain('\u009b')
  })

  it('colours with FORCE_COLOR, and not with --no-color', async () => {
    const server = await startMonitor()
    server.monitor.log('error', 'red')
    for (const [args, isColoured] of [
      [[], true],
      [['--no-color'], false],
    ] as const) {
      const command = read(['tail', server.url, ...args], { FORCE_COLOR: '1' })
      await until(command, 'red')
      expect(command.printed().includes(`${ESC}[31mERROR${ESC}[0m`)).toBe(isColoured)
    }
  })

  it('takes the link that a server prints', async () => {
    const server = await startMonitor()
    log(server, 1, 1)
    const command = startCommand(['tail', `${server.url}#token=${TOKEN}`], { EDGETAIL_TOKEN: 'another' })
    await until(command, 'entry 1')
    expect(command.printed() + command.stderr()).not.toContain(TOKEN)
  })

  it('goes on through cuts, every entry once, in order', async () => {
    const server = await startMonitor()
    const proxy = await startFaultProxy({ target: server.origin, seed: 9, cuts: 3 })
    onTestFinished(() => proxy.close())
    log(server, 1, 50)
    let sent = 50
    const command = read(['tail', `${proxy.origin}/monitor`, '--json', '--tail', '1000'])
    const sending = setInterval(() => log(server, ++sent, sent), 20)
    onTestFinished(() => clearInterval(sending))
    // By this seed the first connection gets as far as an answer, the third not: only later ones are tried again.
    await expect.poll(() => proxy.cuts.length, { timeout: 50_000 }).toBe(3)
    clearInterval(sending)
    server.monitor.log('info', 'the end')
    await until(command, 'the end', 40_000)
    expect(messagesOf(command.printed())).toEqual([...numbered(1, sent), 'the end'])
    expect(command.stderr()).toMatch(/Connecting again in \d+ s\.\n/)
    expect(command.stderr()).toContain('edgetail: Connected again.\n')
    expect(command.stderr()).not.toContain('missing')
  })

  it('goes on with a server that was restarted, and says what it cannot know', async () => {
    const port = String(await freePort())
    const first = await startMonitor({ PORT: port })
    log(first, 1, 3)
    const text = read(['tail', first.url])
    const json = read(['tail', first.url, '--json'])
    await until(text, 'entry 3')
    await until(json, 'entry 3')
    await first.close()
    await complaint(text, 'The server ended the stream. Connecting again in')
    await sleep(500)
    const second = await startMonitor({ PORT: port })
    log(second, 4, 6)
    const gap =
      'Entries are missing here, nobody knows how many: the server began a new history, all that it has follows'
    await until(text, 'entry 6', 20_000)
    await until(json, 'entry 6', 20_000)
    const lines = text.printed().split('\n')
    expect(lines[4]).toBe(`── ${gap} ──`)
    expect(lines.slice(5, 8).map((line) => line.slice(19))).toEqual(
      ['entry 4', 'entry 5', 'entry 6'].map((m, i) => `${m} number=${i + 4}`),
    )
    // Lines of JSON are entries only.
    expect(messagesOf(json.printed())).toEqual(numbered(1, 6))
    expect(json.stderr()).toContain(`edgetail: ${gap}\n`)
  })

  it('prints how many entries it missed while it was cut off', async () => {
    const server = await startMonitor({ EDGETAIL_RETAIN: '10' })
    let isUp = true
    const proxy = await startCutProxy(server.origin, () => (isUp ? Number.POSITIVE_INFINITY : 0))
    log(server, 1, 1)
    const command = read(['tail', proxy.url])
    await until(command, 'entry 1')
    isUp = false
    proxy.cut()
    log(server, 2, 1345)
    isUp = true
    await until(command, 'entry 1345', 20_000)
    const messages = command.printed().split('\n').slice(2, -1)
    expect(messages[0]).toBe('── 1,334 entries are missing here: the server no longer kept them ──')
    expect(messages.slice(1).map((line) => line.slice(19, 29))).toEqual(numbered(1336, 1345))
  })

  it('notices a connection that died without a word', async () => {
    let connections = 0
    const resumed: (string | undefined)[] = []
    const url = await startOther((request, response) => {
      connections++
      resumed.push(request.headers['last-event-id'] as string | undefined)
      response.writeHead(200, { 'Content-Type': 'text/event-stream' })
      response.write(`retry: 100\nevent: ready\ndata: {"resumed":false,"heartbeatMs":400}\nid: a-${connections}\n\n`)
      if (connections > 1) {
        const beat = setInterval(() => response.write(':\n'), 300)
        response.on('close', () => clearInterval(beat))
      }
    })
    const command = read(['tail', url])
    await complaint(command, 'No sign of life for 1 s. Connecting again in 1 s.')
    await complaint(command, 'Connected again.')
    // Heartbeats are signs of life.
    await sleep(2500)
    expect(connections).toBe(2)
    expect(resumed).toEqual([undefined, 'a-1'])
  })

  it('waits as long as Retry-After says, tells the errors of the server once, and ends when the token is refused', async () => {
    const times: number[] = []
    const url = await startOther((_request, response) => {
      times.push(Date.now())
      if (times.length === 1) {
        response.writeHead(200, { 'Content-Type': 'text/event-stream' })
        response.write('retry: 10\nevent: ready\ndata: {"resumed":false,"heartbeatMs":400}\nid: a-0\n\n')
        const error = { code: 'source_unavailable', message: `It is lost ${ESC}[2J`, retryable: true }
        response.end(`event: error\ndata: ${JSON.stringify(error)}\n\n`)
      } else if (times.length <= 3) {
        const body = JSON.stringify({ error: { code: 'draining', message: 'The server is stopping.' } })
        response.writeHead(503, { 'Retry-After': '1', 'Content-Type': 'application/json' }).end(body)
      } else response.writeHead(401).end()
    })
    const command = read(['tail', url])
    expect(await command.exit).toBe(1)
    expect(times).toHaveLength(4)
    for (const index of [2, 3]) expect((times[index] as number) - (times[index - 1] as number)).toBeGreaterThan(950)
    expect(command.stderr()).toBe(
      'edgetail: The server says: It is lost ␛[2J\n' +
        'edgetail: The server ended the stream. Connecting again in 1 s.\n' +
        `edgetail: ${url} refuses (503). The server is stopping. Connecting again in 1 s.\n` +
        `edgetail: ${url} does not know this token. Check EDGETAIL_TOKEN.\n`,
    )
  })

  const json = { 'Content-Type': 'application/json' }
  const refusals: [string, (response: ServerResponse) => void, RegExp][] = [
    ['a wrong token', (r) => r.writeHead(401).end(), /does not know this token/],
    [
      'a token that only writes',
      (r) => r.writeHead(403, json).end('{"error":{"message":"It only writes."}}'),
      /does not let this token read\. It only writes\.\n/,
    ],
    [
      'a name that is none',
      (r) => r.writeHead(404, json).end('{"error":{"message":"The name is bad."}}'),
      /\/monitor refuses \(404\)\. The name is bad\.\n/,
    ],
    ['nothing', (r) => r.writeHead(404).end('no'), /There is no edgetail at .*\/monitor \(404\)/],
    [
      'a bad query',
      (r) => r.writeHead(400, json).end('{"error":{"message":"q ends in a quote."}}'),
      /^edgetail: q ends in a quote\.\n/,
    ],
    [
      'a full server',
      (r) => r.writeHead(503, json).end('{"error":{"message":"All places are taken."}}'),
      /refuses \(503\)\. All places are taken\./,
    ],
    ['a web page', (r) => r.writeHead(200, { 'Content-Type': 'text/html' }).end('<p>'), /answers with text\/html/],
    [
      'a redirect',
      (r) => r.writeHead(302, { Location: 'https://evil.example/' }).end(),
      /redirects to https:\/\/evil\.example\//,
    ],
    [
      'another event stream',
      (r) => r.writeHead(200, { 'Content-Type': 'text/event-stream' }).end('data: hello\n\n'),
      /not those of an edgetail monitor/,
    ],
    [
      'an event without end',
      (r) => r.writeHead(200, { 'Content-Type': 'text/event-stream' }).end(`data: ${'x'.repeat(5_000_000)}`),
      /not those of an edgetail monitor/,
    ],
    ['what is no HTTP', (r) => r.socket?.end('SSH-2.0-x\r\n\r\n'), /cannot be reached: .+/],
  ]
  it.each(refusals)('exits with 1 and one sentence at %s', async (_name, answer, sentence) => {
    const authorizations: (string | undefined)[] = []
    const url = await startOther((request, response) => {
      authorizations.push(request.headers.authorization)
      answer(response)
    })
    for (const name of ['tail', 'logs']) {
      const command = read([name, url])
      expect(await command.exit).toBe(1)
      expect(command.stderr()).toMatch(sentence)
      expect(command.stderr()).toMatch(/^edgetail: .*\.\n$/)
      expect(await command.stdout).toBe('')
    }
    expect(authorizations).toEqual(Array(2).fill(`Bearer ${TOKEN}`))
  })

  it('exits with 1 and one sentence where nobody answers, and without a token or a terminal', async () => {
    const url = `http://127.0.0.1:${await freePort()}/monitor`
    const dead = read(['tail', url])
    expect(await dead.exit).toBe(1)
    expect(dead.stderr()).toBe(`edgetail: ${url} cannot be reached: nothing listens there.\n`)
    const poor = startCommand(['tail', url], { EDGETAIL_TOKEN: '' })
    expect(await poor.exit).toBe(1)
    expect(poor.stderr()).toBe(
      'edgetail: There is no token. Set EDGETAIL_TOKEN, or run this in a terminal to be asked.\n',
    )
  })

  it('exits with 0 when the reader of its output has gone', async () => {
    const server = await startMonitor()
    log(server, 1, 30)
    for (const name of ['tail', 'logs']) {
      const pipeline = `'${process.execPath}' '${MAIN}' ${name} '${server.url}'; echo "status $?" >&3`
      const shell = spawn('bash', ['-c', `{ ${pipeline}; } 3>&2 2>&1 | head -n 3`], {
        stdio: ['ignore', 'pipe', 'pipe'],
        env: { ...process.env, EDGETAIL_TOKEN: TOKEN },
      })
      onTestFinished(() => void shell.kill('SIGKILL'))
      let status = ''
      shell.stderr.on('data', (chunk) => {
        status += chunk
      })
      // The next entry is what it cannot write any more.
      const more = setInterval(() => log(server, 31, 31), 100)
      await once(shell, 'exit')
      clearInterval(more)
      expect(status).toBe('status 0\n')
    }
  })

  it('does not grow with what a stuck terminal does not take, and is told what it missed', async () => {
    const server = await startMonitor({ EDGETAIL_RETAIN: '100' })
    const child = spawn(process.execPath, [MAIN, 'tail', server.url], {
      stdio: ['ignore', 'pipe', 'inherit'],
      env: { ...process.env, EDGETAIL_TOKEN: TOKEN },
    })
    onTestFinished(() => void child.kill('SIGKILL'))
    log(server, 1, 1)
    await once(child.stdout, 'readable')
    // Nobody reads the pipe from here on.
    for (let round = 0; round < 80; round++) {
      for (let number = 0; number < 50; number++) server.monitor.log('info', 'x'.repeat(20_000))
      await sleep(10)
    }
    // Of 80 MB.
    const resident = residentMiB(child.pid as number)
    let printed = ''
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
      printed += chunk.replaceAll(/x+/g, 'x')
    })
    const gap = /── [\d,]+ entries are missing here: they came faster than they were read ──/
    await expect.poll(() => gap.test(printed), { timeout: 25_000 }).toBe(true)
    server.monitor.log('info', 'the end')
    await expect.poll(() => printed.includes('the end'), { timeout: 25_000 }).toBe(true)
    expect(resident).toBeLessThan(150)
  })

  it('ends at Ctrl-C also when nobody takes its output', async () => {
    const server = await startMonitor()
    for (let number = 0; number < 1000; number++) server.monitor.log('info', 'x'.repeat(2000))
    for (const [name, status, words] of [
      ['tail', 0, ''],
      ['logs', 1, 'edgetail: The output is partial. It was stopped.\n'],
    ] as const) {
      const child = spawn(process.execPath, [MAIN, name, server.url, '-n', '1000'], {
        stdio: ['ignore', 'pipe', 'pipe'],
        env: { ...process.env, EDGETAIL_TOKEN: TOKEN },
      })
      onTestFinished(() => void child.kill('SIGKILL'))
      let errors = ''
      child.stderr.on('data', (chunk) => {
        errors += chunk
      })
      await once(child.stdout, 'readable')
      await sleep(300)
      child.kill('SIGINT')
      expect(await once(child, 'exit')).toEqual([status, null])
      expect(errors).toBe(words)
    }
  })

  it('ends when the server says that trying again is of no use', async () => {
    const url = await startOther((_request, response) => {
      response.writeHead(200, { 'Content-Type': 'text/event-stream' })
      response.write('event: ready\ndata: {"resumed":false,"heartbeatMs":400}\nid: a-0\n\n')
      response.end('event: error\ndata: {"code":"forbidden","message":"It was revoked.","retryable":false}\n\n')
    })
    const command = read(['tail', url])
    expect(await command.exit).toBe(1)
    expect(command.stderr()).toBe('edgetail: The server says: It was revoked.\n')
  })
})

describe('in a terminal', () => {
  /** Runs it on a terminal of its own, types what is given once it asks, and returns what the terminal showed. */
  async function onTerminal(command: string[], typed: string[], env: Record<string, string> = {}): Promise<string> {
    const script = `
import os, pty, select, sys, time
args, typed = sys.argv[2:], sys.argv[1].split('|')
pid, fd = pty.fork()
if pid == 0: os.execv(args[0], args)
shown = b''
deadline = time.time() + 20
while time.time() < deadline:
    ready, _, _ = select.select([fd], [], [], 0.1)
    if ready:
        try: data = os.read(fd, 65536)
        except OSError: break
        if not data: break
        shown += data
    wanted, _, keys = (typed[0] if typed else '').partition('=>')
    if typed and wanted.encode() in shown:
        import termios
        time.sleep(0.2)
        os.write(fd, keys.encode().decode('unicode_escape').encode())
        typed.pop(0)
_, status = os.waitpid(pid, 0)
sys.stdout.buffer.write(shown)
print('status', os.waitstatus_to_exitcode(status))
`
    const { EDGETAIL_TOKEN: _, NO_COLOR: __, FORCE_COLOR: ___, ...inherited } = process.env
    const child = spawn('python3', ['-c', script, typed.join('|'), ...command], {
      stdio: ['ignore', 'pipe', 'inherit'],
      env: { ...inherited, TERM: 'xterm-256color', ...env },
    })
    onTestFinished(() => void child.kill('SIGKILL'))
    let shown = ''
    child.stdout.setEncoding('utf8').on('data', (chunk) => {
      shown += chunk
    })
    await once(child, 'close')
    return shown
  }

  it('asks for the token without showing it, prints in colour, and ends at Ctrl-C with 0', async () => {
    const server = await startMonitor()
    server.monitor.log('error', `broken ${ESC}[2J${ESC}[32mgreen`)
    const shown = await onTerminal(
      [process.execPath, MAIN, 'tail', server.url],
      [`Token: =>${TOKEN}x\\x7f\\r`, 'green=>\\x03'],
    )
    expect(shown).not.toContain('secret')
    expect(shown).toContain('Token: ')
    expect(shown).toContain(`Watching ${server.url}. Ctrl-C ends it.`)
    expect(shown).toContain(`${ESC}[31mERROR${ESC}[0m broken ␛[2J${ESC}[32mgreen${ESC}[0m`)
    expect(shown).toMatch(/status 0\n$/)
  })

  it('counts on a line while a download goes into a file', async () => {
    const server = await startMonitor()
    log(server, 1, 10_000)
    const line = `exec '${process.execPath}' '${MAIN}' logs '${server.url}' > /dev/null`
    const shown = await onTerminal(['/bin/sh', '-c', line], [], { EDGETAIL_TOKEN: TOKEN })
    const numbers = [...shown.matchAll(/([\d,]+) entries, [\d.]+ MB, [\d,]+\/s/g)].map(([, number]) => number)
    expect(numbers.length).toBeGreaterThan(1)
    expect(numbers.at(-1)).toBe('10,000')
    expect(shown).toMatch(/\/s\r\nstatus 0\n$/)
  })

  it('ends at Ctrl-C instead of a token, and at none', async () => {
    const { url } = await startMonitor()
    expect(await onTerminal([process.execPath, MAIN, 'tail', url], ['Token: =>\\x03'])).toMatch(
      /^Token: \r\nstatus 0\n$/,
    )
    expect(await onTerminal([process.execPath, MAIN, 'tail', url], ['Token: =>\\x04'])).toMatch(
      /No token was given\.\r\nstatus 1\n$/,
    )
    expect(await onTerminal([process.execPath, MAIN, 'tail', url], ['Token: =>\\r'])).toMatch(
      /No token was given\.\r\nstatus 1\n$/,
    )
  })
})

describe('edgetail logs', () => {
  it('downloads 100,000 entries, complete and in order', async () => {
    const server = await startMonitor({ EDGETAIL_RETAIN: '100000' })
    log(server, 1, 100_050)
    const command = read(['logs', server.url, '--tail', '100000', '--json'])
    // What comes meanwhile is not part of it, and does not keep it from ending.
    const meanwhile = setInterval(() => server.monitor.log('info', 'later'), 20)
    onTestFinished(() => clearInterval(meanwhile))
    expect(await command.exit).toBe(0)
    const messages = messagesOf(await command.stdout)
    expect(messages).toHaveLength(100_000)
    const earlier = messages.filter((message) => message !== 'later')
    expect(earlier).toEqual(numbered(100_051 - earlier.length, 100_050))
    expect(messages.slice(earlier.length)).toEqual(Array(100_000 - earlier.length).fill('later'))
    expect(command.stderr()).toBe('')
  })

  it('takes all that is stored by default, or what matches, or nothing', async () => {
    const server = await startMonitor()
    const run = async (...args: string[]): Promise<string> => {
      const command = read(['logs', server.url, '--json', ...args])
      expect(await command.exit).toBe(0)
      return command.stdout
    }
    expect(await run()).toBe('')
    log(server, 1, 500)
    server.monitor.log('error', 'bad')
    log(server, 501, 700)
    expect(messagesOf(await run())).toEqual([...numbered(1, 500), 'bad', ...numbered(501, 700)])
    expect(messagesOf(await run('--tail', '3'))).toEqual(numbered(698, 700))
    expect(messagesOf(await run('--level', 'error'))).toEqual(['bad'])
    expect(messagesOf(await run('--q', '"entry 44"', '-n', '2'))).toEqual(['entry 448', 'entry 449'])
    expect(await run('--tail', '0')).toBe('')
    expect(await run('--q', 'nowhere')).toBe('')
  })

  it('resumes through cuts', async () => {
    const server = await startMonitor()
    log(server, 1, 10_000)
    const proxy = await startCutProxy(server.origin, (connection) =>
      connection <= 6 ? 300_000 : Number.POSITIVE_INFINITY,
    )
    const command = read(['logs', proxy.url, '--json'])
    expect(await command.exit).toBe(0)
    expect(messagesOf(await command.stdout)).toEqual(numbered(1, 10_000))
    expect(proxy.connections()).toBeGreaterThan(3)
    expect(command.stderr()).toMatch(/The stream broke off: the connection was cut\. Connecting again in \d s\./)
  })

  it('never leaves a part for the whole: not when it is stopped, nor at a gap, nor on a full disk', async () => {
    const url = await startOther((request, response) => {
      if (request.url?.startsWith('/monitor/logs')) {
        response.writeHead(200, json).end('{"entries":[{"id":"a-9","message":"9"}],"before":null}')
        return
      }
      response.writeHead(200, { 'Content-Type': 'text/event-stream' })
      response.write('retry: 100\nevent: ready\ndata: {"resumed":false,"heartbeatMs":9000}\nid: a-0\n\n')
      response.write('event: log\ndata: {"message":"1"}\nid: a-1\n\n')
      if (isGapped) response.write('event: gap\ndata: {"reason":"slow","dropped":7}\nid: a-8\n\n')
    })
    const json = { 'Content-Type': 'application/json' }
    let isGapped = false
    const stopped = read(['logs', url, '--json'])
    await until(stopped, '"a-1"')
    stopped.child.kill('SIGINT')
    expect(await stopped.exit).toBe(1)
    expect(stopped.stderr()).toBe('edgetail: The output is partial, it ends after 1 entry. It was stopped.\n')
    isGapped = true
    const gapped = read(['logs', url, '--json'])
    expect(await gapped.exit).toBe(1)
    expect(gapped.stderr()).toBe(
      'edgetail: The output is partial, it ends after 1 entry. ' +
        '7 entries are missing here: they came faster than they were read.\n',
    )
    const server = await startMonitor()
    log(server, 1, 10)
    const full = spawn('sh', ['-c', `exec '${process.execPath}' '${MAIN}' logs '${server.url}' > /dev/full`], {
      stdio: ['ignore', 'ignore', 'pipe'],
      env: { ...process.env, EDGETAIL_TOKEN: TOKEN },
    })
    let errors = ''
    full.stderr.on('data', (chunk) => {
      errors += chunk
    })
    const [status] = await once(full, 'exit')
    expect(status).toBe(1)
    expect(errors).toBe('edgetail: The output cannot be written: no space is left.\n')
  })
})
