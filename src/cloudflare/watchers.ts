/**
 * The sockets of an object, each of a Worker that holds a client's response. They hibernate, and what they need through a sleep
 * is attached to them. What there is to send comes from a window: the room's is its store, a relay's what the room gave it.
 */
import { ClientCount } from '../client-count.ts'
import { compileFilter, type FilterQuery } from '../filter/filter.ts'
import type { Flushed } from '../pacer.ts'
import type { Overtaken, Start } from '../positions.ts'
import { CHECKPOINT_MS } from '../readers.ts'
import type { Reading } from '../ring.ts'
import { bytesIn } from '../segment.ts'
import type { LogBatch } from '../source.ts'
import { type Control, MORE, OPENED_HEADER, type Opened, PING, PONG } from '../sources/room-link.ts'

/** How often at the most sockets are looked through for those whose Worker is gone, in milliseconds. */
const SWEEP_MS = 5000

/** Heartbeats missed until a socket counts as one whose Worker is gone: it died, or its request ended before it began. */
const MISSED_HEARTBEATS = 3

/** Most batches sent at once without being asked for: a quarter of what the Worker holds for one client. */
const MAX_BURST = 4

/** What watchers are given. */
export interface WatchedWindow {
  /** The name of the history. */
  readonly epoch: string
  /** The last entry that is known. */
  readonly head: number
  /** What stands at a place, or that it is gone; a promise for what must be fetched first; undefined at the end. */
  read(next: number, filter: FilterQuery): Reading | Overtaken | Promise<Reading | Overtaken> | undefined
  /** The id of the place before an entry. */
  positionBefore(next: number): string
}

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

/** A watcher that comes. */
export interface Arrival extends Pick<Watcher, 'filter' | 'credential'> {
  readonly start: Start
  /** Takes it out of the count. */
  leave(): void
}

/** Options of {@link Watchers}. */
export interface WatchersOptions {
  readonly window: WatchedWindow
  /** How often a Worker is heard of, in milliseconds. */
  readonly heartbeatMs: number
  /** Called when one has left. */
  onLeave?(): void
}

/** The watchers of one object. */
export class Watchers {
  /** Those that count as clients. */
  readonly clients: ClientCount = new ClientCount()
  readonly #ctx: DurableObjectState
  readonly #window: WatchedWindow
  readonly #onLeave: () => void
  readonly #silentMs: number
  readonly #watchers = new Map<WebSocket, Watcher>()
  /** Takes a socket out of the count. */
  readonly #leave = new Map<WebSocket, () => void>()
  /** Filtered watchers that entries have passed by since they last heard of their position. */
  readonly #passed = new Set<WebSocket>()
  /** The last entry that watchers were sent. */
  #published: number
  #checkpoint: ReturnType<typeof setTimeout> | undefined
  #swept = 0

  /** Takes up the sockets that were there before a sleep. */
  constructor(ctx: DurableObjectState, { window, heartbeatMs, onLeave = () => {} }: WatchersOptions) {
    this.#ctx = ctx
    this.#window = window
    this.#onLeave = onLeave
    this.#silentMs = MISSED_HEARTBEATS * heartbeatMs
    this.#published = window.head
    for (const socket of ctx.getWebSockets()) {
      const watcher = socket.deserializeAttachment() as Watcher
      // After the storage was lost the Worker must ask again from where it stood, to be told so.
      if (watcher.epoch !== window.epoch) {
        socket.close(1012, 'Another history')
        continue
      }
      this.#watchers.set(socket, watcher)
      const { credential } = watcher
      if (credential !== undefined) {
        this.#leave.set(socket, this.clients.enter({ maxClients: Number.MAX_SAFE_INTEGER, credential }))
      }
    }
    ctx.setWebSocketAutoResponse(new WebSocketRequestResponsePair(PING, PONG))
  }

  /** How many there are, also of the program's own. */
  get size(): number {
    return this.#watchers.size
  }

  /** The oldest entry that one still wants; infinity when nobody is behind. */
  get oldestWanted(): number {
    let oldest = Number.POSITIVE_INFINITY
    for (const { next = oldest } of this.#watchers.values()) oldest = Math.min(oldest, next)
    return oldest
  }

  /** Opens a watcher's socket. The answer says where it starts; what is there already follows in the same turn. */
  open({ filter, credential, start, leave }: Arrival): Response {
    const watcher: Watcher = { filter, credential, epoch: this.#window.epoch, since: Date.now() }
    const { 0: client, 1: server } = new WebSocketPair()
    this.#ctx.acceptWebSocket(server)
    this.#leave.set(server, leave)
    if (start.gap !== undefined) this.#sendControl(server, start.gap)
    this.#feed(server, watcher, start.next)
    const opened: Opened = {
      resumed: start.resumed,
      id: start.gap === undefined ? this.#window.positionBefore(start.next) : undefined,
    }
    return new Response(null, { status: 101, webSocket: client, headers: { [OPENED_HEADER]: JSON.stringify(opened) } })
  }

  /** Gives one that asks for more what it wants next. */
  onMessage(socket: WebSocket, message: string | ArrayBuffer): void {
    const watcher = this.#watchers.get(socket)
    if (message === MORE && watcher?.next !== undefined) this.#feed(socket, watcher, watcher.next)
  }

  /** Gives every watcher that keeps up what has been added since the last time. */
  publish(): Flushed {
    const from = this.#published + 1
    this.#published = this.#window.head
    this.sweep()
    const entries = this.#published - from + 1
    if (entries === 0) return { entries, bytes: 0 }
    const encoded = new Map<string, Burst>()
    for (const [socket, watcher] of this.#watchers) {
      if (watcher.next !== undefined) continue
      const { key } = compileFilter(watcher.filter)
      const burst = encoded.get(key) ?? this.#burst(from, watcher.filter)
      encoded.set(key, burst)
      for (const { bytes } of burst.batches) this.#send(socket, bytes)
      const behind = burst.next <= this.#published
      if (behind) this.#stand(socket, watcher, burst.next)
      // Also when the last that it got is followed by what its filter left out.
      const passed = burst.batches.at(-1)?.id !== this.#window.positionBefore(burst.next)
      if (passed && !behind) this.#pass(socket)
      else this.#passed.delete(socket)
    }
    return { entries, bytes: Math.max(0, ...Array.from(encoded.values(), ({ batches }) => bytesIn(batches))) }
  }

  /** Says again to those who are behind that there is more: what was being fetched for them before a sleep is lost. */
  remind(): void {
    for (const [socket, { next }] of this.#watchers) if (next !== undefined) this.#send(socket, MORE)
  }

  /** Closes every socket, so that each Worker asks again from where it stands. */
  dropAll(reason: string): void {
    for (const socket of this.#watchers.keys()) this.#drop(socket, 1012, reason)
    this.#published = this.#window.head
  }

  /** Closes sockets that no Worker has pinged for long: one that dies does not say so. */
  sweep(): void {
    const now = Date.now()
    if (now - this.#swept < SWEEP_MS) return
    this.#swept = now
    for (const [socket, { since }] of this.#watchers) {
      const heard = this.#ctx.getWebSocketAutoResponseTimestamp(socket)?.getTime() ?? since
      if (now - heard > this.#silentMs) this.#drop(socket, 1001, 'Not heard of')
    }
  }

  /** Takes out a socket that is closed. */
  forget(socket: WebSocket): void {
    const leave = this.#leave.get(socket)
    this.#leave.delete(socket)
    this.#watchers.delete(socket)
    this.#passed.delete(socket)
    if (leave === undefined) return
    leave()
    this.#onLeave()
  }

  /** Sends one batch of the past. A watcher that has it all takes part in what is published from now on. */
  #feed(
    socket: WebSocket,
    watcher: Watcher,
    next: number,
    passed = false,
    reading = this.#window.read(next, watcher.filter),
  ): void {
    // What a filter leaves out costs the Worker nothing, so it is not asked for each piece of it.
    while (reading !== undefined) {
      if (reading instanceof Promise) {
        this.#fetch(socket, watcher, next, passed, reading)
        return
      }
      next = reading.next
      if ('gap' in reading) this.#sendControl(socket, reading.gap)
      else if (reading.batch !== undefined) {
        passed = reading.batch.id !== this.#window.positionBefore(next)
        this.#send(socket, reading.batch.bytes)
        break
      }
      passed = !('gap' in reading)
      reading = this.#window.read(next, watcher.filter)
    }
    this.#stand(socket, watcher, next)
    // One that asks for more hears of its position by what it gets.
    if (passed && this.#watchers.get(socket)?.next === undefined) this.#pass(socket)
  }

  /** Goes on with a watcher once what it wants has come. Until then it keeps its place, and asks for nothing. */
  #fetch(
    socket: WebSocket,
    watcher: Watcher,
    next: number,
    passed: boolean,
    reading: Promise<Reading | Overtaken>,
  ): void {
    const waiting = { ...watcher, next }
    this.#keep(socket, waiting)
    const isHere = (): boolean => this.#watchers.get(socket) === waiting
    reading.then(
      (fetched) => isHere() && this.#feed(socket, watcher, next, passed, fetched),
      // Its Worker opens another socket, and tells its client when that fails as well.
      () => isHere() && this.#drop(socket, 1011, 'The past cannot be read'),
    )
  }

  /** Keeps a watcher's place, and says so when there is more for it to ask for. */
  #stand(socket: WebSocket, watcher: Watcher, next: number): void {
    const behind = next <= this.#published
    if (this.#keep(socket, { ...watcher, next: behind ? next : undefined }) && behind) this.#send(socket, MORE)
  }

  #keep(socket: WebSocket, watcher: Watcher): boolean {
    // Dropped just now, since a send to it failed.
    if (socket.readyState !== WebSocket.OPEN) return false
    this.#watchers.set(socket, watcher)
    socket.serializeAttachment(watcher)
    return true
  }

  /** What is sent unasked; the rest of a large one is asked for, since a socket has no backpressure. */
  #burst(from: number, filter: FilterQuery): Burst {
    const batches: LogBatch[] = []
    let next = from
    while (batches.length < MAX_BURST) {
      const reading = this.#window.read(next, filter)
      if (reading === undefined || reading instanceof Promise || 'gap' in reading) break
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
      const id = this.#window.positionBefore(this.#published + 1)
      for (const passed of this.#passed) this.#sendControl(passed, { type: 'checkpoint', id })
      this.#passed.clear()
    }, CHECKPOINT_MS)
  }

  #drop(socket: WebSocket, code: number, reason: string): void {
    this.forget(socket)
    socket.close(code, reason)
  }

  #sendControl(socket: WebSocket, control: Control): void {
    this.#send(socket, JSON.stringify(control))
  }

  /** Sending fails only when the other end is gone; its Worker opens another socket, and no other watcher must suffer. */
  #send(socket: WebSocket, message: string | Uint8Array): void {
    try {
      socket.send(message)
    } catch {
      this.#drop(socket, 1001, 'Gone')
    }
  }
}
