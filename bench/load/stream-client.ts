/**
 * One client of a stream on a raw socket. It must cost far less than the server that is measured, so it parses no event: it
 * takes the chunked framing off, searches for each entry's mark, and checks that the sequence is the one that is due.
 */
import { connect, type Socket } from 'node:net'
import { DIGITS, MARK, SKIP } from '../entries.ts'
import { now } from './clock.ts'

/** Where a request goes and what is said in it. */
export interface Target {
  readonly host: string
  readonly port: number
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
}

/** What a client is asked to do. */
export interface ClientOptions {
  readonly target: Target
  /** Distance between the sequences that its filter lets through. */
  readonly step: number
  /** Whether the payload is kept, to be parsed in full afterwards. */
  readonly keep: boolean
  /** Sequence that is due first. */
  readonly first: number
  /** An entry was received whose sequence was due. `readAt` is when its bytes were read, on the clock of {@link now}. */
  onEntry(sequence: number, readAt: number): void
}

/** One buffer for all sockets: each read is taken in full before the next one. */
const READ_BUFFER = Buffer.allocUnsafe(256 * 1024)

/** A client. */
export class StreamClient {
  /** Sequence that is due. */
  due: number
  /** When it began to connect, on the clock of {@link now}. */
  readonly startedAt: number = now()
  /** What went wrong first. */
  fault: string | undefined
  readonly kept: Buffer[] = []
  readonly #options: ClientOptions
  readonly #socket: Socket
  #opened!: () => void
  #head = ''
  #state: 'head' | 'size' | 'data' | 'raw' = 'head'
  /** The size line as far as it was read, or bytes of the chunk that are still to come, its line break included. */
  #size = ''
  #left = 0
  /** Digits of a sequence that are still to come, when a read ended within it. */
  #digits = 0
  #sequence = 0
  #closing = false

  constructor(options: ClientOptions) {
    this.#options = options
    this.due = options.first
    const { host, port, path, headers } = options.target
    const onread = {
      buffer: READ_BUFFER,
      callback: (size: number, bytes: Uint8Array) => this.#read(size, bytes as Buffer),
    }
    this.#socket = connect({ host, port, noDelay: true, onread })
    const lines = Object.entries({ Host: `${host}:${port}`, Accept: 'text/event-stream', ...headers })
    this.#socket.write(`GET ${path} HTTP/1.1\r\n${lines.map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n`)
    this.#socket.on('error', (error) => this.#fail(error.message))
    this.#socket.on('close', () => this.#fail('was closed by the server'))
  }

  /** Resolves when the head of the answer is there, or the client has failed. */
  opened(): Promise<void> {
    if (this.#state !== 'head' || this.fault !== undefined) return Promise.resolve()
    return new Promise((resolve) => {
      this.#opened = resolve
    })
  }

  close(): void {
    this.#closing = true
    this.#socket.destroy()
  }

  #read(size: number, buffer: Buffer): boolean {
    const readAt = now()
    const bytes = buffer.subarray(0, size)
    let at = 0
    if (this.#state === 'head') {
      this.#head += bytes.toString('latin1')
      const end = this.#head.indexOf('\r\n\r\n')
      if (end === -1) return true
      at = size - (this.#head.length - end - 4)
      const head = this.#head.slice(0, end).toLowerCase()
      if (!head.startsWith('http/1.1 200')) this.#fail(`was answered ${head.slice(0, 60)}`)
      this.#state = head.includes('\r\ntransfer-encoding: chunked') ? 'size' : 'raw'
      this.#opened?.()
    }
    while (at < size) {
      if (this.#state === 'raw') {
        this.#payload(bytes, at, size, readAt)
        return true
      }
      if (this.#state === 'size') {
        const byte = bytes[at++] as number
        if (byte !== 0x0a) this.#size += String.fromCharCode(byte)
        else {
          this.#left = Number.parseInt(this.#size, 16) + 2
          this.#size = ''
          this.#state = 'data'
        }
        continue
      }
      const end = Math.min(size, at + this.#left)
      // The chunk's own line break is no payload.
      this.#payload(bytes, at, Math.min(end, at + this.#left - 2), readAt)
      this.#left -= end - at
      at = end
      if (this.#left === 0) this.#state = 'size'
    }
    return true
  }

  #payload(bytes: Buffer, from: number, to: number, readAt: number): void {
    if (from >= to) return
    if (this.#options.keep) this.kept.push(Buffer.from(bytes.subarray(from, to)))
    let at = from
    for (;;) {
      if (this.#digits === 0) {
        at = bytes.indexOf(MARK, at)
        if (at === -1 || at >= to) return
        at++
        this.#digits = DIGITS
        this.#sequence = 0
      }
      for (; this.#digits > 0 && at < to; this.#digits--)
        this.#sequence = this.#sequence * 10 + (bytes[at++] as number) - 48
      if (this.#digits > 0) return
      this.#take(this.#sequence, readAt)
      at += SKIP
      if (at >= to) return
    }
  }

  #take(sequence: number, readAt: number): void {
    if (sequence !== this.due) this.#fail(`got ${sequence} where ${this.due} was due`)
    this.due = sequence + this.#options.step
    this.#options.onEntry(sequence, readAt)
  }

  #fail(fault: string): void {
    if (!this.#closing) this.fault ??= fault
    this.#opened?.()
  }
}
