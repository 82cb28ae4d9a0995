/**
 * Bad requests, made up by chance from a seed: bad methods, paths, queries, headers, bodies, framing and sockets. Each says
 * what must hold of its answer whatever that answer is.
 */
import { hostileBody, hostileOtlpBody } from './hostile-bodies.ts'
import { BAD_HEADERS, CHUNKS, FRAMINGS, garbage } from './hostile-framing.ts'
import * as junk from './hostile-values.ts'
import type { Random } from './random.ts'
import type { Sending } from './raw-http.ts'

/** Who is attacked. */
export interface Target {
  readonly host: string
  /** Reads and writes. */
  readonly token: string
  /** A session of that token, as `Cookie` carries it. */
  readonly cookie: string
  readonly maxBody: number
}

/** A bad request, or several on one connection. */
export interface HostileCase extends Sending {
  readonly number: number
  readonly name: string
  /** Whether every request in it must be answered: it was sent whole, and none of it may be left unread. */
  readonly answered: boolean
  /** Whether it is valid HTTP under our path, so that a refusal must be in our own form. */
  readonly ours: boolean
  /** Whether it must be refused. */
  readonly denied: boolean
}

type Headers = [name: string, value: string][]
type Draft = Partial<Omit<HostileCase, 'number' | 'name'>> & { readonly pieces: HostileCase['pieces'] }
type Make = (random: Random, target: Target, number: number) => Draft

/** The bytes of a request. Each character of the head is one byte, so that any byte can be said. */
function request(method: string, path: string, headers: Headers, body?: Uint8Array): Buffer {
  const lines = headers.map(([name, value]) => `${name}: ${value}\r\n`).join('')
  const head = Buffer.from(`${method} ${path} HTTP/1.1\r\n${lines}\r\n`, 'latin1')
  return body === undefined ? head : Buffer.concat([head, body])
}

const mark =
  (number: number) =>
  (index: number): string =>
    `#${number}.${index}.`

const basic = (target: Target): Headers => [
  ['Host', target.host],
  ['Connection', 'close'],
]
const signedIn = (target: Target): Headers => [...basic(target), ['Authorization', `Bearer ${target.token}`]]

/** A whole POST of an entry, for where the body is not what is bad. */
function post(target: Target, number: number, extra: Headers, headers: Headers = signedIn(target)): Buffer {
  const body = Buffer.from(`{"message":"${mark(number)(0)}"}`)
  const own: Headers = [['Content-Type', 'application/json'], ['Content-Length', String(body.length)], ...extra]
  return request('POST', '/monitor/logs', [...headers, ...own], body)
}

const READS = ['/monitor/stream', '/monitor/logs'] as const

const MAKERS: Record<string, Make> = {
  method: (random, target) => {
    const method = random.pick(junk.METHODS)
    const path = random.pick(junk.PATHS)
    // CONNECT is for proxies: Node hangs up.
    return { pieces: [request(method, path, signedIn(target))], methods: [method], answered: method !== 'CONNECT' }
  },
  'known method': (random, target) => {
    const method = random.pick(['PUT', 'DELETE', 'PATCH', 'OPTIONS', 'HEAD', 'POST'])
    const path = random.pick([
      '/monitor/stream',
      '/monitor/logs',
      '/monitor/session',
      '/monitor/health',
      '/monitor/none',
    ])
    return {
      pieces: [request(method, path, [...signedIn(target), ['Content-Length', '0']])],
      methods: [method],
      ours: true,
    }
  },
  path: (random, target) => ({
    pieces: [request(random.pick(['GET', 'GET', 'POST', 'DELETE']), junk.path(random), signedIn(target))],
  }),
  query: (random, target) => ({
    pieces: [request('GET', `${random.pick(READS)}?${junk.query(random, target.token)}`, signedIn(target))],
    ours: true,
  }),
  'token in the query': (random, target) => ({
    pieces: [request('GET', `${random.pick(READS)}?token=${target.token}&access_token=${target.token}`, basic(target))],
    ours: true,
    denied: true,
  }),
  authorization: (random, target, number) => {
    const headers = junk.authorizations(random, target.token).map((value): [string, string] => ['Authorization', value])
    const all: Headers = [...basic(target), ...headers]
    const bytes = random.chance(0.4) ? post(target, number, [], all) : request('GET', random.pick(READS), all)
    return { pieces: [bytes], ours: true, denied: true }
  },
  cookie: (random, target) => ({
    pieces: [request('GET', random.pick(READS), [...basic(target), ['Cookie', junk.cookie(random, target.cookie)]])],
    ours: true,
    denied: true,
  }),
  'write of another origin': (random, target, number) => {
    const [name, value] = random.pick(junk.ORIGINS)
    return {
      pieces: [
        post(
          target,
          number,
          [
            ['Cookie', target.cookie],
            [name, value],
          ],
          basic(target),
        ),
      ],
      ours: true,
      denied: true,
    }
  },
  header: (random, target) => {
    const [name, value] = junk.header(random)
    return { pieces: [request('GET', random.pick(READS), [...signedIn(target), [name, value]])], ours: true }
  },
  'header of a write': (random, target, number) => ({
    // A key is not repeated: the second entry under it would rightly be left out.
    pieces: [post(target, number, [['Idempotency-Key', `${random.pick(junk.TEXTS)}${number}`], junk.header(random)])],
    ours: true,
  }),
  host: (random, target) => ({
    pieces: [request('GET', random.pick(READS), [['Host', random.pick(junk.HOSTS)], ...signedIn(target).slice(1)])],
  }),
  'bad header': (random, target, number) => {
    const [name, value] = random.pick(BAD_HEADERS)
    // Of what is far too long the server reads no more than it takes: the refusal may be lost in the reset that follows.
    return { pieces: [post(target, number, [], [...signedIn(target), [name, value]])], answered: value.length < 10_000 }
  },
  body: bodyOf(hostileBody),
  'body again': bodyOf(hostileBody),
  'chunked body': bodyOf(hostileBody, true),
  otlp: (random, target) => {
    const { bytes, type = 'application/json' } = hostileOtlpBody(random)
    const headers: Headers = [
      ['Content-Type', type],
      ['Content-Length', String(bytes.length)],
    ]
    return { pieces: [request('POST', '/monitor/v1/logs', [...signedIn(target), ...headers], bytes)] }
  },
  framing: (random, target, number) => ({
    pieces: [post(target, number, [random.pick(FRAMINGS)])],
    leave: 'fin',
  }),
  'bad chunks': (random, target, number) => {
    const headers: Headers = [
      ...signedIn(target),
      ['Content-Type', 'application/json'],
      ['Transfer-Encoding', 'chunked'],
    ]
    const body = Buffer.from(random.pick(CHUNKS).replace('MARK', `{"message":"${mark(number)(0)}"}`), 'latin1')
    return { pieces: [request('POST', '/monitor/logs', headers, body)], leave: 'fin' }
  },
  'half a request': (random, target, number) => {
    const whole = post(target, number, [])
    const half = whole.subarray(0, random.int(0, whole.length - 1))
    return { pieces: [half, random.int(0, 30)], leave: random.pick(['fin', 'reset']), answered: false }
  },
  'stream, then reset': (random, target) => ({
    pieces: [request('GET', '/monitor/stream', signedIn(target)), random.int(0, 40)],
    leave: 'reset',
    methods: ['GET', 'GET'],
    answered: false,
  }),
  trickle: (random, target, number) => {
    const whole = post(target, number, [])
    const pieces: (Uint8Array | number)[] = []
    for (let at = 0; at < whole.length; ) {
      const size = random.int(1, 40)
      pieces.push(whole.subarray(at, at + size), random.int(0, 6))
      at += size
    }
    return { pieces, ours: true }
  },
  pipelining: (random, target, number) => {
    const open = signedIn(target).filter(([name]) => name !== 'Connection')
    const methods = Array.from({ length: random.int(2, 6) }, () => random.pick(['GET', 'HEAD', 'DELETE', 'PUT']))
    const requests = methods.map((method) => request(method, random.pick(['/monitor/health', '/monitor/none']), open))
    return {
      pieces: [Buffer.concat([...requests, post(target, number, [])])],
      methods: [...methods, 'POST'],
      ours: true,
    }
  },
  'pipelined smuggling': (random, target, number) => {
    const hidden = request('GET', '/monitor/logs', signedIn(target))
    const framing = random.pick(FRAMINGS)
    return {
      pieces: [post(target, number, [framing]), hidden],
      leave: 'fin',
      answered: false,
      methods: ['POST', 'GET'],
    }
  },
  garbage: (random, target) => ({ pieces: [garbage(random, target.host)], leave: 'fin', answered: false }),
}

function bodyOf(makeBody: typeof hostileBody, chunked = false): Make {
  return (random, target, number) => {
    const { bytes, type = 'application/json', encoding } = makeBody(random, mark(number), target.maxBody)
    const headers: Headers = [...signedIn(target), ['Content-Type', type]]
    if (encoding !== undefined) headers.push(['Content-Encoding', encoding])
    headers.push(chunked ? ['Transfer-Encoding', 'chunked'] : ['Content-Length', String(bytes.length)])
    const pieces: (Uint8Array | number)[] = [request('POST', '/monitor/logs', headers, chunked ? undefined : bytes)]
    const size = random.pick([1 + Math.ceil(bytes.length / 40), 4096, 70_000])
    for (let at = 0; chunked && at < bytes.length; at += size) {
      const part = bytes.subarray(at, at + size)
      pieces.push(Buffer.concat([Buffer.from(`${part.length.toString(16)}\r\n`), part, Buffer.from('\r\n')]))
      if (random.chance(0.1)) pieces.push(random.int(0, 3))
    }
    if (chunked) pieces.push(Buffer.from('0\r\n\r\n'))
    // Where a refusal comes before all of it was sent, a reset may overtake the refusal; there is a test for that alone.
    return { pieces, ours: true, answered: !chunked && bytes.length < 3000 }
  }
}

const NAMES = Object.keys(MAKERS)

/** The bad request of a number. */
export function hostileCase(random: Random, target: Target, number: number): HostileCase {
  const name = NAMES[number % NAMES.length] as string
  const draft = (MAKERS[name] as Make)(random, target, number)
  return { methods: ['GET'], leave: 'stay', answered: true, ours: false, denied: false, ...draft, number, name }
}

/** Tells the case and the place of an entry by its message. */
export function placeOf(message: string): { number: number; index: number } | undefined {
  const [, number, index] = /^#(\d+)\.(\d+)\./.exec(message) ?? []
  return number === undefined ? undefined : { number: Number(number), index: Number(index) }
}
