/**
 * The body of an event stream. Hono's `streamSSE` makes it everywhere but under @hono/node-server, where its three web streams
 * are most of what an idle client and a write cost, and where nothing needs them: that server only asks a body for a reader.
 */
import type { Context } from 'hono'
import { streamSSE } from 'hono/streaming'
import { nextTurn } from '../pacer.ts'
import { concat } from '../segment.ts'
import { type ChunkSocket, type Connection, connectionOf, type RequestSocket, requestSocket } from './node-bindings.ts'

/** Where events are written: what a stream needs of Hono's `SSEStreamingApi`. */
export interface EventSink {
  /** Nothing when the other end has taken it; else resolves when it wants more, or has gone. */
  write(bytes: Uint8Array): Promise<unknown> | undefined
  /** Ends the stream after what was written. */
  close(): unknown
  /** Ends the stream without what was not taken. */
  abort(): void
}

/** Who writes events. */
export interface EventWriter {
  /** Writes until it is done, and closes. Must not reject. */
  serve(sink: EventSink): Promise<void>
  /** Is called when the other end has gone, or the stream was aborted. */
  gone(): void
}

/** Opens a body, and lets somebody write to it. */
export function openEvents(c: Context, writer: EventWriter): ReadableStream | null {
  const connection = connectionOf(c)
  if (connection === undefined) {
    return streamSSE(c, (sink) => {
      sink.onAbort(() => writer.gone())
      return writer.serve(sink)
    }).body
  }
  const body = new PulledBody(connection, writer)
  const socket = requestSocket(c)
  // Before Node 24 a response that waits for its turn is not told that its connection has gone.
  if (!connection.socket && socket !== undefined) abortWith(socket, body)
  void writer.serve(body)
  // Not one, but read like one; for whoever needs one, such as a middleware that looks at the body, `Response` makes one of it.
  return body as unknown as ReadableStream
}

/** The streams that wait for their turn, by the connection. */
const waiting = new WeakMap<RequestSocket, Set<PulledBody>>()

/** Aborts a stream with its connection: one listener for all of them, of which a client may ask for many. */
function abortWith(socket: RequestSocket, body: PulledBody): void {
  let bodies = waiting.get(socket)
  if (bodies === undefined) {
    const all = new Set<PulledBody>()
    bodies = all
    waiting.set(socket, all)
    socket.once?.('close', () => {
      for (const each of all) each.abort()
    })
  }
  bodies.add(body)
}

const encoder = new TextEncoder()
const CRLF = encoder.encode('\r\n')
/** What is longer is written in three pieces: a copy of it would cost more than they do, and a batch in bulk has few readers. */
const MAX_COPIED_BYTES = 32 * 1024
const SETTLED = Promise.resolve()

type Result = IteratorResult<Uint8Array, undefined>

/** What a server gets that is to wait for good. A promise would hold all that waits for it, for each client. */
// biome-ignore lint/suspicious/noThenProperty: it is there to be waited for
const NOTHING_MORE = { then: () => undefined } as unknown as Promise<never>

/**
 * A body that hands over what is written when it is asked for, one piece at a time. It is its own reader.
 *
 * Once the server has sent the headers and waits for more, events go straight to the socket, as the chunks that HTTP/1.1 asks
 * for: made once for all clients that get the same, where `ServerResponse` makes four pieces of each for every client.
 */
class PulledBody implements EventSink {
  locked = false
  /**
   * Settled from the start. The server waits for it only to take off its listeners, and would hold the request, the response and
   * their headers until then: a third of what an idle client costs.
   */
  readonly closed: Promise<void> = SETTLED
  /** What was written and not read yet: a write, and at most a heartbeat. */
  #written: Uint8Array[] | undefined
  #ended = false
  readonly #connection: Connection
  readonly #writer: EventWriter
  /** Whether it is read for a response, and not for a stream that a middleware has made of it. */
  #isResponse = false
  /** Whether events go to the socket, and nothing more is read. */
  #isDirect = false
  #reading: ((result: Result) => void) | undefined
  /** Resolves what {@link write} has returned. */
  #take: (() => void) | undefined
  #taken: Promise<void> | undefined

  constructor(connection: Connection, writer: EventWriter) {
    this.#connection = connection
    this.#writer = writer
    connection.on?.('close', () => this.abort())
    // The server sends the headers by themselves. What follows in this turn, mostly the first event and what a client has missed,
    // leaves with them.
    const { socket } = connection
    if (!socket) return
    socket.cork()
    nextTurn(() => socket.uncork())
  }

  getReader(): this {
    this.locked = true
    this.#isResponse = true
    return this
  }

  /** Is called when the socket has room: what was read before is on its way. */
  read(): Promise<Result> {
    const socket = this.#socket
    if (socket !== undefined) {
      for (const bytes of this.#written ?? []) writeChunk(socket, bytes)
      this.#written = undefined
      this.#isDirect = true
      this.#letGo()
      if (this.#ended) this.#connection.end?.()
      return NOTHING_MORE
    }
    const value = this.#written?.shift()
    if (value !== undefined) return Promise.resolve({ done: false, value })
    this.#written = undefined
    this.#letGo()
    if (this.#ended) return Promise.resolve({ done: true, value: undefined })
    return new Promise((resolve) => {
      this.#reading = resolve
    })
  }

  async cancel(): Promise<void> {
    this.abort()
  }

  /** What `Response` makes a stream of. */
  [Symbol.asyncIterator](): AsyncIterator<Uint8Array, undefined> {
    this.locked = true
    return {
      next: () => this.read(),
      return: async () => {
        this.abort()
        return { done: true, value: undefined }
      },
    }
  }

  write(bytes: Uint8Array): Promise<void> | undefined {
    // A chunk of nothing would be the last.
    if (this.#ended || bytes.length === 0) return undefined
    if (this.#isDirect) {
      const { socket } = this.#connection
      // Whoever writes again before the socket has drained waits for the same drain.
      if (!socket || writeChunk(socket, bytes)) return this.#taken
      if (this.#taken === undefined) socket.once('drain', () => this.#letGo())
      return this.#wait()
    }
    const reading = this.#reading
    if (reading === undefined) {
      this.#written ??= []
      this.#written.push(bytes)
    } else {
      this.#reading = undefined
      reading({ done: false, value: bytes })
    }
    return this.#wait()
  }

  /** A read that waits is left without an answer: who has cancelled a stream of Node's may not close it any more, and it would. */
  abort(): void {
    if (this.#ended) return
    this.#ended = true
    this.#written = undefined
    this.#letGo()
    this.#writer.gone()
  }

  close(): void {
    if (this.#ended) return
    this.#ended = true
    if (this.#isDirect) this.#connection.end?.()
    else this.#reading?.({ done: true, value: undefined })
  }

  /** Where chunks may be written: the socket of a response whose headers promise chunks, once that has its turn. */
  get #socket(): ChunkSocket | undefined {
    const { chunkedEncoding, headersSent, socket } = this.#connection
    return this.#isResponse && chunkedEncoding && headersSent ? (socket ?? undefined) : undefined
  }

  #wait(): Promise<void> {
    this.#taken ??= new Promise((resolve) => {
      this.#take = resolve
    })
    return this.#taken
  }

  #letGo(): void {
    this.#take?.()
    this.#take = undefined
    this.#taken = undefined
  }
}

/** Writes a chunk as in RFC 9112, section 7.1. Whether the socket wants more. */
function writeChunk(socket: ChunkSocket, bytes: Uint8Array): boolean {
  if (bytes.length <= MAX_COPIED_BYTES) return socket.write(sharedChunkOf(bytes))
  socket.cork()
  socket.write(sizeLine(bytes))
  socket.write(bytes)
  const wantsMore = socket.write(CRLF)
  socket.uncork()
  return wantsMore
}

/** What was made a chunk, by what is in it: a batch goes to many clients. */
const chunks = new WeakMap<Uint8Array, Uint8Array>()

function sharedChunkOf(bytes: Uint8Array): Uint8Array {
  let chunk = chunks.get(bytes)
  if (chunk === undefined) {
    chunk = concat([sizeLine(bytes), bytes, CRLF])
    chunks.set(bytes, chunk)
  }
  return chunk
}

function sizeLine({ length }: Uint8Array): Uint8Array {
  return encoder.encode(`${length.toString(16)}\r\n`)
}
