/**
 * Entries in a Durable Object, seen from the Worker. Stands on nothing of Cloudflare's but the shape of what is passed in.
 */
import { MonitorError, tooManyClients } from '../errors.ts'
import type { Append } from '../group-commit.ts'
import type { LogRecord } from '../log.ts'
import type {
  HistoryPage,
  HistoryQuery,
  LogSource,
  SourceStatus,
  StreamItem,
  SubscribeOptions,
  Subscription,
} from '../source.ts'
import { batchFromBytes, lastIdOf, parseId } from '../sse.ts'
import {
  type Control,
  MORE,
  OPENED_HEADER,
  type Opened,
  PING,
  PONG,
  type RoomRequest,
  unavailable,
} from './room-link.ts'
import { AT_ROOM, RoomRoute, type SocketStub } from './room-route.ts'
import { type AppendOutcome, RoomWriter } from './room-writer.ts'

/** A namespace of log rooms, as a binding in `wrangler.toml` gives it. */
export interface LogRoomNamespace {
  idFromName(name: string): unknown
  get(id: never): unknown
}

/** A namespace of relays, as a binding in `wrangler.toml` gives it. */
export type LogRelayNamespace = LogRoomNamespace

/** Options of {@link durableObjectSource}. */
export interface DurableObjectSourceOptions {
  /** Which object of the namespace. @default default */
  readonly name?: string
  /** Relays, for readers for whom the object itself has no place. @default none: it serves all of them */
  readonly relays?: LogRelayNamespace | undefined
  /**
   * Sends together what several requests append at the same time, which needs fewer calls of the object. Pass `waitUntil` of
   * `cloudflare:workers`: a call must outlive the request that made it, whose client may leave. @default a call for each append
   */
  readonly waitUntil?: ((promise: Promise<unknown>) => void) | undefined
}

/** What the object can be asked. */
interface LogRoomStub extends SocketStub {
  append(lines: readonly string[]): Promise<string[]>
  appendAll(appends: readonly Append[]): Promise<AppendOutcome[]>
  appendOnce(key: string, lines: readonly string[], answer: string): Promise<string>
  history(query: HistoryQuery): Promise<HistoryPage>
  status(): Promise<SourceStatus>
}

/** An answer with a socket, which is Cloudflare's own. */
type RoomResponse = Response & { readonly webSocket?: RoomSocket | null }
type RoomSocket = WebSocket & { accept(): void }

/**
 * Most bytes that wait in the Worker for one slow client. A socket has no backpressure, and a Worker has 128 MB for all its
 * clients; beyond this the queue is dropped and read again from the object once the client has caught up.
 */
const MAX_QUEUED_BYTES = 1024 * 1024

/** Waits before each try to reach an object again that dropped its sockets, as every deploy makes it do, in milliseconds. */
const REOPEN_AFTER_MS = [0, 250, 1000]

/** A source that keeps entries in a Durable Object of class `LogRoom`. */
export function durableObjectSource(
  namespace: LogRoomNamespace,
  { name = 'default', relays, waitUntil }: DurableObjectSourceOptions = {},
): LogSource {
  const controller = new AbortController()
  // A stub is made for each call: one that has failed stays broken.
  const room = (): LogRoomStub => namespace.get(namespace.idFromName(name) as never) as LogRoomStub
  const relay = relays && ((name: string) => relays.get(relays.idFromName(name) as never) as SocketStub)
  const route = new RoomRoute(name, room, relay)
  const ask = async <Answer>(question: (room: LogRoomStub) => Promise<Answer>): Promise<Answer> => {
    if (controller.signal.aborted) throw new MonitorError('source_unavailable', 'The log source is closed.')
    try {
      return await question(room())
    } catch (error) {
      throw error instanceof MonitorError ? error : unavailable(error)
    }
  }
  const writer = waitUntil && new RoomWriter({ send: (appends) => room().appendAll(appends), waitUntil })
  return {
    async append(records) {
      const lines = records.map(toJson)
      return ask(async (room) => (writer === undefined ? room.append(lines) : (await writer.append({ lines })).ids))
    },
    async appendOnce(key, records, answer) {
      const lines = records.map(toJson)
      return ask(async (room) => {
        if (writer === undefined) return room.appendOnce(key, lines, answer)
        return (await writer.append({ lines, once: { key, answer } })).answer
      })
    },
    history: (query) => ask((room) => room.history(query)),
    status: () => ask((room) => room.status()),
    subscribe: (options) =>
      ask(async () => {
        const reader = new RoomReader(route, options, controller.signal)
        await reader.open()
        return reader
      }),
    // The entries belong to the object, and other Workers read them: only this one's readers end.
    async close() {
      controller.abort()
    },
  }
}

class RoomReader implements Subscription, AsyncIterator<StreamItem, undefined> {
  resumed = false
  id: string | undefined
  readonly #route: RoomRoute
  readonly #options: SubscribeOptions
  readonly #closing: AbortSignal
  /** The object that it last read from. */
  #at: number | undefined
  #socket: RoomSocket | undefined
  #queue: StreamItem[] = []
  #queuedBytes = 0
  /** Whether the object waits to be asked for more. */
  #more = false
  /** The id of the last item that was taken, from which the reader goes on after its socket was lost. */
  #position: string | undefined
  #arrived: (() => void) | undefined
  #ended = false

  constructor(route: RoomRoute, options: SubscribeOptions, closing: AbortSignal) {
    this.#route = route
    this.#options = options
    this.#closing = closing
    for (const signal of [options.signal, closing]) {
      if (signal.aborted) this.#end()
      else signal.addEventListener('abort', this.#end, { once: true })
    }
  }

  [Symbol.asyncIterator](): AsyncIterator<StreamItem, undefined> {
    return this
  }

  /** Opens the first socket. */
  async open(): Promise<void> {
    const { after, tail, maxClients, maxPerCredential } = this.#options
    const opened = await this.#connect({ after, tail, maxClients, maxPerCredential })
    this.resumed = opened.resumed
    this.id = this.#position = opened.id
  }

  async next(): Promise<IteratorResult<StreamItem, undefined>> {
    for (;;) {
      if (this.#ended) return { done: true, value: undefined }
      const item = this.#queue.shift()
      if (item !== undefined) {
        this.#position = item.id
        this.#queuedBytes -= sizeOf(item)
        return { done: false, value: item }
      }
      if (this.#socket === undefined) await this.#reopen()
      else {
        if (this.#more) {
          this.#more = false
          this.#socket.send(MORE)
        }
        await new Promise<void>((resolve) => {
          this.#arrived = resolve
        })
      }
    }
  }

  async return(): Promise<IteratorResult<StreamItem, undefined>> {
    this.#end()
    return { done: true, value: undefined }
  }

  keepAlive(): void {
    this.#socket?.send(PING)
  }

  async #connect(start: RoomRequest): Promise<Opened> {
    const { filter, credential } = this.#options
    const { response, at } = await this.#route.open({ ...start, filter, credential }, this.#at)
    if (response.status === 503) throw tooManyClients()
    const socket = (response as RoomResponse).webSocket
    if (!socket) throw unavailable(new Error(`The log room answered ${response.status}.`))
    // Newer compatibility dates give a Blob, which can only be read later, and so out of order.
    socket.binaryType = 'arraybuffer'
    socket.accept()
    this.#at = at
    if (this.#ended) socket.close(1000)
    else this.#listen(socket)
    return JSON.parse(response.headers.get(OPENED_HEADER) ?? '{}') as Opened
  }

  #listen(socket: RoomSocket): void {
    this.#socket = socket
    this.#more = false
    // A socket that was given up for another may still deliver; nothing of it counts any more.
    const current = (): boolean => this.#socket === socket
    socket.addEventListener('message', (event: MessageEvent) => {
      const data = event.data as string | ArrayBuffer
      if (!current() || data === PONG) return
      if (data === MORE) this.#more = true
      else this.#enqueue(this.#toItem(data))
      this.#wake()
    })
    const lost = (): void => {
      if (!current()) return
      this.#socket = undefined
      this.#wake()
    }
    socket.addEventListener('close', lost)
    socket.addEventListener('error', lost)
  }

  #toItem(data: string | ArrayBuffer): StreamItem {
    if (typeof data === 'string') return JSON.parse(data) as Control
    const bytes = new Uint8Array(data)
    const id = lastIdOf(bytes)
    return batchFromBytes(bytes, id, this.#countTo(id))
  }

  /** How many entries there are up to an id, where the ids alone tell; to look through all bytes for each client would cost. */
  #countTo(id: string): number | undefined {
    const { filter } = this.#options
    if (filter?.level !== undefined || filter?.q) return undefined
    const from = parseId(this.#queue.at(-1)?.id ?? this.#position ?? '')
    const to = parseId(id)
    return from === undefined || from.epoch !== to?.epoch ? undefined : to.sequence - from.sequence
  }

  #enqueue(item: StreamItem): void {
    // A reader with a position is told so only after its socket was lost: to its client it was connected all along.
    const overtaken = item.type === 'gap' && item.reason === 'evicted' && this.#position !== undefined
    // Of positions only the last matters: a client that takes nothing gathers none.
    if (item.type === 'checkpoint' && this.#queue.at(-1)?.type === 'checkpoint') this.#queue.pop()
    this.#queue.push(overtaken ? { ...item, reason: 'slow' } : item)
    this.#queuedBytes += sizeOf(item)
    if (this.#queuedBytes <= MAX_QUEUED_BYTES) return
    // A gap that comes first is kept: to ask again could be answered otherwise, since an id from the future may exist by now.
    const [first] = this.#queue
    this.#queue = first?.type === 'gap' ? [first] : []
    this.#queuedBytes = 0
    this.#socket?.close(1000, 'The client is slow')
    this.#socket = undefined
  }

  /** Goes on after the last item taken. What the object no longer has is a gap like any other reader's that was too slow. */
  async #reopen(): Promise<void> {
    let failure: unknown
    for (const wait of REOPEN_AFTER_MS) {
      if (wait > 0) await new Promise((resolve) => setTimeout(resolve, wait))
      if (this.#ended) return
      try {
        // It had its place, and does not lose it to another.
        const maxClients = this.#options.maxClients === undefined ? undefined : Number.MAX_SAFE_INTEGER
        // Without a position its first item, a gap, was not taken yet, and must be told anew.
        await this.#connect({ after: this.#position ?? this.#options.after, maxClients })
        return
      } catch (error) {
        failure = error
        // Whatever is wrong with a relay, the room knows another.
        this.#at = AT_ROOM
      }
    }
    throw unavailable(failure)
  }

  /** Bound, since it is also the listener of the signals. Runs at once: on Workers nothing that waits runs after a disconnect. */
  readonly #end = (): void => {
    if (this.#ended) return
    this.#ended = true
    this.#options.signal.removeEventListener('abort', this.#end)
    this.#closing.removeEventListener('abort', this.#end)
    this.#socket?.close(1000)
    this.#socket = undefined
    this.#queue = []
    this.#wake()
  }

  #wake(): void {
    this.#arrived?.()
    this.#arrived = undefined
  }
}

function toJson({ json }: LogRecord): string {
  return json
}

function sizeOf(item: StreamItem): number {
  return item.type === 'batch' ? item.bytes.byteLength : 0
}
