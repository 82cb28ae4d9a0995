/** HTTP/1.1 by hand on a socket: sends what no library would, and reads answers strictly. */
import { connect } from 'node:net'

/** One answer. */
export interface RawAnswer {
  readonly status: number
  /** By lower-case name; the values of a repeated one are joined. */
  readonly headers: Readonly<Record<string, string>>
  readonly body: Buffer
  /** Whether the body is an event stream, which was left after its first event. */
  readonly streaming: boolean
}

/** What came of an exchange. */
export interface Exchange {
  readonly answers: readonly RawAnswer[]
  /** Bytes after the last answer that are none. */
  readonly rest: string
  readonly ending: 'done' | 'closed' | 'reset' | 'timeout'
}

/** What is sent, and how. */
export interface Sending {
  /** Bytes, and waits in milliseconds between them. */
  readonly pieces: readonly (Uint8Array | number)[]
  /** What the client does when all is sent. */
  readonly leave: 'stay' | 'fin' | 'reset'
  /** The methods of the requests in it: that of HEAD has an answer without a body. */
  readonly methods: readonly string[]
}

/** Sends, and waits until every request has its answer, the server hangs up, or the time is over. */
export function exchange(port: number, sending: Sending, timeoutMs: number): Promise<Exchange> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true })
    const chunks: Buffer[] = []
    let total = 0
    let needed = 0
    let parsed: Parsed = { answers: [], offset: 0, needed: 0 }

    const finish = (ending: Exchange['ending']): void => {
      clearTimeout(timer)
      const all = Buffer.concat(chunks)
      parsed = parse(all, sending.methods, ending === 'closed')
      socket.destroy()
      resolve({ answers: parsed.answers, rest: all.subarray(parsed.offset).toString('latin1'), ending })
    }
    const timer = setTimeout(() => finish('timeout'), timeoutMs)

    socket.on('data', (chunk) => {
      chunks.push(chunk)
      total += chunk.length
      if (total < needed) return
      parsed = parse(Buffer.concat(chunks), sending.methods, false)
      needed = parsed.needed
      if (parsed.answers.length >= sending.methods.length || parsed.answers.at(-1)?.streaming) finish('done')
    })
    socket.on('end', () => finish('closed'))
    socket.on('error', () => finish('reset'))
    socket.on('connect', async () => {
      for (const piece of sending.pieces) {
        if (typeof piece === 'number') await new Promise((go) => setTimeout(go, piece))
        else if (!socket.destroyed) socket.write(piece)
      }
      if (sending.leave === 'fin') socket.end()
      else if (sending.leave === 'reset') {
        socket.resetAndDestroy()
        finish('reset')
      }
    })
  })
}

interface Parsed {
  readonly answers: RawAnswer[]
  /** Where the last whole answer ends. */
  readonly offset: number
  /** How many bytes there must be before it is worth to look again. */
  readonly needed: number
}

function parse(all: Buffer, methods: readonly string[], ended: boolean): Parsed {
  const answers: RawAnswer[] = []
  let offset = 0
  for (;;) {
    const headEnd = all.indexOf('\r\n\r\n', offset)
    if (headEnd < 0) return { answers, offset, needed: all.length + 1 }
    const [statusLine = '', ...fields] = all.toString('latin1', offset, headEnd).split('\r\n')
    const status = Number(/^HTTP\/1\.1 (\d{3}) ?[^\r\n]*$/.exec(statusLine)?.[1])
    const headers = readFields(fields)
    if (Number.isNaN(status) || headers === undefined) return { answers, offset, needed: all.length + 1 }
    const start = headEnd + 4
    if (status < 200) {
      offset = start
      continue
    }
    const hasBody = methods[answers.length] !== 'HEAD' && status !== 204 && status !== 304
    const body = hasBody ? readBody(all, start, headers, ended) : { body: Buffer.alloc(0), end: start }
    if ('needed' in body) return { answers, offset, needed: body.needed }
    const streaming = 'streaming' in body
    answers.push({ status, headers, body: body.body, streaming })
    offset = body.end
    if (streaming) return { answers, offset, needed: all.length + 1 }
  }
}

function readFields(fields: readonly string[]): Record<string, string> | undefined {
  const headers: Record<string, string> = {}
  for (const field of fields) {
    const [, name, value = ''] = /^([!#$%&'*+\-.^_`|~\w]+):[ \t]*([^\0\r\n]*)$/.exec(field) ?? []
    if (name === undefined) return undefined
    const key = name.toLowerCase()
    headers[key] = key in headers ? `${headers[key]}, ${value}` : value
  }
  return headers
}

type Body = { body: Buffer; end: number; streaming?: true } | { needed: number }

function readBody(all: Buffer, start: number, headers: Record<string, string>, ended: boolean): Body {
  if (headers['transfer-encoding'] === 'chunked') {
    const pieces: Buffer[] = []
    let at = start
    for (;;) {
      const lineEnd = all.indexOf('\r\n', at)
      const size = lineEnd < 0 ? Number.NaN : Number.parseInt(all.toString('latin1', at, lineEnd), 16)
      const next = lineEnd + 2 + size + 2
      if (Number.isNaN(size) || all.length < next) {
        const body = Buffer.concat(pieces)
        const isStream = headers['content-type'] === 'text/event-stream' && body.includes('\n\n')
        return isStream ? { body, end: all.length, streaming: true } : { needed: all.length + 1 }
      }
      if (size === 0) return { body: Buffer.concat(pieces), end: next }
      pieces.push(all.subarray(lineEnd + 2, lineEnd + 2 + size))
      at = next
    }
  }
  const length = headers['content-length']
  if (length === undefined) {
    // It lasts until the connection ends: an old client's stream, or a refusal by the runtime's own parser.
    const body = all.subarray(start)
    if (headers['content-type'] === 'text/event-stream' && body.includes('\n\n')) {
      return { body, end: all.length, streaming: true }
    }
    return ended ? { body, end: all.length } : { needed: all.length + 1 }
  }
  const end = start + Number(length)
  return all.length < end ? { needed: end } : { body: all.subarray(start, end), end }
}
