/**
 * The Durable Object that keeps the entries and hands them to every watcher. It sleeps between two entries: its sockets
 * hibernate, its history is in SQLite, and what it holds in memory can be made again from the two.
 */
import { DurableObject } from 'cloudflare:workers'
import { BatchStore } from '../batch-store.ts'
import { ClientCount } from '../client-count.ts'
import { toMonitorError } from '../errors.ts'
import { compileFilter, type Filter, type FilterQuery } from '../filter/filter.ts'
import { type Append, createGroupCommit, type GroupCommit } from '../group-commit.ts'
import { createPacer } from '../pacer.ts'
import { CHECKPOINT_MS } from '../readers.ts'
import { readSettings } from '../settings.ts'
import type { HistoryPage, HistoryQuery, LogBatch, SourceStatus } from '../source.ts'
import { type Control, decodeRequest, MORE, OPENED_HEADER, type Opened, PING, PONG } from '../sources/room-link.ts'

/** How often at the most sockets are looked through for those whose Worker is gone, in milliseconds. */
const SWEEP_MS = 5000

/** Heartbeats missed until a socket counts as one whose Worker is gone: it died, or its request ended before it began. */
const MISSED_HEARTBEATS = 3

/**
 * Least time between two rows under load, in milliseconds. A row costs the same with one entry or a thousand, and many senders
 * of one entry each would write a row each.
 */
const COMMIT_MS = 10

/** Most batches sent at once without being asked for: a quarter of what the Worker holds for one client. */
const MAX_BURST = 4

/** A run of batches, and the entry after it. */
interface Burst {
  readonly batches: readonly LogBatch[]
  readonly next: number
}

/** What a socket carries through a sleep. */
interface Watcher {
  readonly filter: FilterQuery
  /** What it counts as a client by; absent when it is the program's own. */
  readonly credential?: string | undefined
  /** The history that it reads. */
  readonly epoch: string
  /** When it came, in milliseconds since the epoch. */
  readonly since: number
  /** The entry it wants next; absent while it takes everything as it comes. */
  readonly next?: number | undefined
}

/** Keeps the entries of one monitor. Bind it in `wrangler.toml` with `new_sqlite_classes`. */
export class LogRoom extends DurableObject<Record<string, unknown>> {
  readonly #store: BatchStore
  readonly #silentMs: number
  readonly #watchers = new Map<WebSocket, Watcher>()
  readonly #clients = new ClientCount()
  /** Takes a socket out of the count. */
  readonly #leave = new Map<WebSocket, () => void>()
  readonly #pacer = createPacer(() => this.#publish())
  readonly #commits: GroupCommit<Append>
  /** The last entry that watchers were sent. */
  #published: number
  /** Filtered watchers that entries have passed by since they last heard of their position. */
  #passed = new Set<WebSocket>()
  #checkpoint: ReturnType<typeof setTimeout> | undefined
  #swept = 0

  constructor(ctx: DurableObjectState, env: Record<string, unknown>) {
    super(ctx, env)
    const { heartbeatMs, ...retention } = readSettings(env)
    this.#store = new BatchStore(ctx.storage.sql, retention)
    this.#commits = createGroupCommit({
      store: this.#store,
      transaction: (work) => ctx.storage.transactionSync(work),
      onStored: () => this.#pacer.request(),
      toRefusal: (error) => (error instanceof Error ? error : new Error(String(error))),
      intervalMs: COMMIT_MS,
    })
    this.#published = this.#store.head
    this.#silentMs = MISSED_HEARTBEATS * heartbeatMs
    for (const socket of ctx.getWebSockets()) {
      const watcher = socket.deserializeAttachment() as Watcher
      // After the storage was lost the Worker must ask again from where it stood, to be told so.
      if (watcher.epoch !== this.#store.epoch) {
        socket.close(1012, 'Another history')
        continue
      }
      this.#watchers.set(socket, watcher)
      const { credential } = watcher
      if (credential !== undefined) {
        this.#leave.set(socket, this.#clients.enter({ maxClients: Number.MAX_SAFE_INTEGER, credential }))
      }
    }
    ctx.setWebSocketAutoResponse(new WebSocketRequestResponsePair(PING, PONG))
  }

  /** Stores entries, given as their JSON texts, and returns their ids. The runtime holds the answer until they are on disk. */
  async append(lines: readonly string[]): Promise<readonly string[]> {
    return (await this.#commits.append({ lines })).ids
  }

  /** Stores entries unless the key was used before, and returns the answer that was given with its first use. */
  async appendOnce(key: string, lines: readonly string[], answer: string): Promise<string> {
    return (await this.#commits.append({ lines, once: { key, answer } })).answer
  }

  history(query: HistoryQuery): HistoryPage {
    this.#commits.flush()
    return this.#store.history(query, compileFilter(query.filter))
  }

  status(): SourceStatus {
    this.#sweep()
    const { size: entries, bytes, head: total } = this.#store
    return { entries, clients: this.#clients.total, bytes, total, flushWindowMs: this.#pacer.windowMs }
  }

  /** Opens a watcher's socket. The answer says where it starts; what is stored follows in the same turn. */
  override fetch(request: Request): Response {
    if (request.headers.get('Upgrade') !== 'websocket') return new Response(null, { status: 426 })
    const { after, tail = 0, filter = {}, ...counted } = decodeRequest(new URL(request.url))
    this.#sweep()
    let leave: () => void
    try {
      leave = this.#clients.enter(counted)
    } catch (error) {
      const { message, status } = toMonitorError(error)
      return new Response(message, { status })
    }
    const credential = counted.maxClients === undefined ? undefined : (counted.credential ?? '')
    const watcher: Watcher = { filter, credential, epoch: this.#store.epoch, since: Date.now() }
    // Whoever comes now starts where all others stand.
    this.#commits.flush()
    this.#pacer.flushNow()
    const start = this.#store.locate(after, tail, compileFilter(filter))
    const { 0: client, 1: server } = new WebSocketPair()
    this.ctx.acceptWebSocket(server)
    this.#leave.set(server, leave)
    if (start.gap !== undefined) this.#sendControl(server, start.gap)
    this.#feed(server, watcher, start.next)
    const opened: Opened = {
      resumed: start.resumed,
      id: start.gap === undefined ? this.#store.positionBefore(start.next) : undefined,
    }
    return new Response(null, { status: 101, webSocket: client, headers: { [OPENED_HEADER]: JSON.stringify(opened) } })
  }

  override webSocketMessage(socket: WebSocket, message: string | ArrayBuffer): void {
    const watcher = this.#watchers.get(socket)
    if (message !== MORE || watcher?.next === undefined) return
    this.#pacer.flushNow()
    this.#feed(socket, watcher, watcher.next)
  }

  override webSocketClose(socket: WebSocket): void {
    this.#forget(socket)
  }

  override webSocketError(socket: WebSocket): void {
    this.#forget(socket)
  }

  /** Sends one batch of the past. A watcher that has it all takes part in what is published from now on. */
  #feed(socket: WebSocket, watcher: Watcher, next: number): void {
    const filter = compileFilter(watcher.filter)
    const overtaken = this.#store.overtaken(next)
    if (overtaken !== undefined) {
      this.#sendControl(socket, overtaken.gap)
      next = overtaken.next
    }
    let reading = this.#store.read(next, filter)
    // What a filter leaves out costs the Worker nothing, so it is not asked for each piece of it.
    let passed = false
    while (reading !== undefined && reading.batch === undefined) {
      passed = true
      reading = this.#store.read(reading.next, filter)
    }
    if (reading?.batch !== undefined) {
      passed = reading.batch.id !== this.#store.positionBefore(reading.next)
      this.#send(socket, reading.batch.bytes)
    }
    this.#stand(socket, watcher, reading?.next)
    // One that asks for more hears of its position by what it gets.
    if (passed && this.#watchers.get(socket)?.next === undefined) this.#pass(socket)
  }

  /** Keeps a watcher's place, and says so when there is more for it to ask for. */
  #stand(socket: WebSocket, watcher: Watcher, next: number | undefined): void {
    // Dropped just now, since a send to it failed.
    if (socket.readyState !== WebSocket.OPEN) return
    const behind = next !== undefined && next <= this.#store.head
    const standing = { ...watcher, next: behind ? next : undefined }
    this.#watchers.set(socket, standing)
    socket.serializeAttachment(standing)
    if (behind) this.#send(socket, MORE)
  }

  /** Gives every watcher that keeps up what has been appended since the last time. */
  #publish(): void {
    const from = this.#published + 1
    this.#published = this.#store.head
    this.#sweep()
    if (from > this.#published) return
    const encoded = new Map<string, Burst>()
    let oldestWanted = Number.POSITIVE_INFINITY
    for (const [socket, watcher] of this.#watchers) {
      if (watcher.next === undefined) {
        const filter = compileFilter(watcher.filter)
        const burst = encoded.get(filter.key) ?? this.#burst(from, filter)
        encoded.set(filter.key, burst)
        for (const { bytes } of burst.batches) this.#send(socket, bytes)
        const behind = burst.next <= this.#published
        if (behind) this.#stand(socket, watcher, burst.next)
        // Also when the last that it got is followed by what its filter left out.
        const passed = burst.batches.at(-1)?.id !== this.#store.positionBefore(burst.next)
        if (passed && !behind) this.#pass(socket)
        else this.#passed.delete(socket)
      }
      oldestWanted = Math.min(oldestWanted, this.#watchers.get(socket)?.next ?? oldestWanted)
    }
    this.#store.trim(oldestWanted)
  }

  /** What is sent unasked; the rest of a large one is asked for, since a socket has no backpressure. */
  #burst(from: number, filter: Filter): Burst {
    const batches: LogBatch[] = []
    let next = from
    while (batches.length < MAX_BURST) {
      const reading = this.#store.read(next, filter)
      if (reading === undefined) break
      if (reading.batch !== undefined) batches.push(reading.batch)
      next = reading.next
    }
    return { batches, next }
  }

  #pass(socket: WebSocket): void {
    this.#passed.add(socket)
    if (this.#checkpoint !== undefined) return
    this.#checkpoint = setTimeout(() => {
      this.#checkpoint = undefined
      const id = this.#store.positionBefore(this.#published + 1)
      for (const passed of this.#passed) this.#sendControl(passed, { type: 'checkpoint', id })
      this.#passed.clear()
    }, CHECKPOINT_MS)
  }

  /** Closes sockets that no Worker has pinged for long: one that dies does not say so. */
  #sweep(): void {
    const now = Date.now()
    if (now - this.#swept < SWEEP_MS) return
    this.#swept = now
    for (const [socket, { since }] of this.#watchers) {
      const heard = this.ctx.getWebSocketAutoResponseTimestamp(socket)?.getTime() ?? since
      if (now - heard > this.#silentMs) this.#drop(socket)
    }
  }

  #forget(socket: WebSocket): void {
    this.#leave.get(socket)?.()
    this.#leave.delete(socket)
    this.#watchers.delete(socket)
    this.#passed.delete(socket)
  }

  #drop(socket: WebSocket): void {
    this.#forget(socket)
    socket.close(1001, 'Not heard of')
  }

  #sendControl(socket: WebSocket, control: Control): void {
    this.#send(socket, JSON.stringify(control))
  }

  /** Sending fails only when the other end is gone; its Worker opens another socket, and no other watcher must suffer. */
  #send(socket: WebSocket, message: string | Uint8Array): void {
    try {
      socket.send(message)
    } catch {
      this.#drop(socket)
    }
  }
}
