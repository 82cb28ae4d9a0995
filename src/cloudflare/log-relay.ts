/**
 * A Durable Object that serves watchers for whom the log room has no place. It keeps no entries: the room gives it what is new,
 * and what is older it asks for. It sleeps like the room does, with its sockets open.
 */
import { DurableObject } from 'cloudflare:workers'
import { toMonitorError, tooManyClients } from '../errors.ts'
import { readSettings } from '../settings.ts'
import { decodeRequest, ELSEWHERE, type RoomRequest, roomOf } from '../sources/room-link.ts'
import { type RelayPlace, type RoomAnswer, type RoomOfRelays, SETTLE_MS, type Update } from './relay-link.ts'
import { type RelayHead, RelayWindow } from './relay-window.ts'
import { Watchers } from './watchers.ts'

/** Least time between two exchanges with the room while many watchers come or go, in milliseconds. */
const EXCHANGE_MS = 100

/** Wait before the room is told again who is watching, in milliseconds. */
const RETRY_MS = 1000

/** Where its place is stored. */
const PLACE = 'place'

/** Serves watchers of a log room. Bind it as `LOG_RELAY` beside `LogRoom`, with `new_sqlite_classes`. */
export class LogRelay extends DurableObject<Record<string, unknown>> {
  readonly #bound: number
  readonly #window: RelayWindow
  readonly #watchers: Watchers
  /** Its own name, which whoever calls it says. */
  #name: string | undefined
  /** Whether it was asleep, and nothing has shown yet that it knows its place. */
  #awoken: boolean
  /** Watchers on their way in. */
  #entering = 0
  /** Those the room has sent since it was last told. */
  #arrived = 0
  #exchanging: Promise<unknown> | undefined
  /** The exchange that begins when the one under way has ended, and how many wait for it. */
  #next: Promise<RoomAnswer> | undefined
  #waiting = 0
  #reporting: ReturnType<typeof setTimeout> | undefined
  #settling: ReturnType<typeof setTimeout> | undefined
  /** Whether entries came since it last looked. */
  #hasMoved = false

  constructor(ctx: DurableObjectState, env: Record<string, unknown>) {
    super(ctx, env)
    const { heartbeatMs, roomClients } = readSettings(env)
    this.#bound = roomClients
    const place = ctx.storage.kv.get<RelayHead & { readonly name: string }>(PLACE)
    this.#name = place?.name
    this.#window = new RelayWindow(place ?? { epoch: '', kept: 1, head: 0 }, {
      readFor: (next, filter, last) => this.#room.readFor(this.#known, next, filter, last),
      tailStartFor: (tail, filter, head) => this.#room.tailStartFor(tail, filter, head),
    })
    this.#watchers = new Watchers(ctx, { window: this.#window, heartbeatMs, onLeave: () => this.#reportSoon() })
    this.#awoken = this.#watchers.size > 0
    this.#watchers.remind()
  }

  /** See {@link RelayOfRoom}. */
  publish(update: Update): RelayPlace {
    this.#take(update)
    if (this.#size !== update.watchers) this.#reportSoon()
    return this.#place
  }

  /** Opens a watcher's socket, as the room would. */
  override async fetch(request: Request): Promise<Response> {
    if (request.headers.get('Upgrade') !== 'websocket') return new Response(null, { status: 426 })
    const { relay, sent, after, tail = 0, filter = {}, ...counted } = decodeRequest(new URL(request.url))
    if (relay === undefined) return new Response('The name of the relay is missing.', { status: 400 })
    this.#name ??= relay
    this.#watchers.sweep()
    const { clients } = this.#watchers
    // Whom the room has sent is served: it knows how many there are.
    if (sent) this.#arrived++
    else if (this.#size >= this.#bound) return new Response(null, { status: ELSEWHERE })
    const credential = counted.maxClients === undefined ? undefined : (counted.credential ?? '')
    // Counted before the room is asked, so that it knows of everyone when it answers.
    const leave = clients.enter(credential === undefined ? {} : { maxClients: Number.MAX_SAFE_INTEGER, credential })
    this.#entering++
    try {
      const answer = await this.#exchange()
      this.#check(counted, answer)
      const start = await this.#window.locate(after, tail, filter)
      return this.#watchers.open({ filter, credential, start, leave })
    } catch (error) {
      leave()
      this.#reportSoon()
      const { code, message } = toMonitorError(error)
      return new Response(message, { status: code === 'too_many_clients' ? 503 : 502 })
    } finally {
      this.#entering--
    }
  }

  override webSocketMessage(socket: WebSocket, message: string | ArrayBuffer): void {
    this.#watchers.onMessage(socket, message)
  }

  override webSocketClose(socket: WebSocket): void {
    this.#watchers.forget(socket)
  }

  override webSocketError(socket: WebSocket): void {
    this.#watchers.forget(socket)
  }

  get #known(): string {
    if (this.#name === undefined) throw new Error('Nobody has told the relay its name.')
    return this.#name
  }

  get #room(): RoomOfRelays {
    const rooms = this.env.LOG_ROOM as DurableObjectNamespace
    return rooms.get(rooms.idFromName(roomOf(this.#known))) as unknown as RoomOfRelays
  }

  get #size(): number {
    return this.#watchers.size + this.#entering
  }

  get #place(): RelayPlace {
    const { epoch, head } = this.#window
    return { epoch, head, wanted: Math.min(this.#watchers.oldestWanted, head + 1), watchers: this.#size }
  }

  /** Refuses a client that is one too many of all. */
  #check(
    { maxClients, maxPerCredential = maxClients, credential = '' }: RoomRequest,
    { total, same }: RoomAnswer,
  ): void {
    if (maxClients === undefined) return
    const { clients } = this.#watchers
    const alike = (clients.byCredential.get(credential) ?? 0) + (same[credential] ?? 0)
    if (clients.total + total > maxClients || alike > (maxPerCredential ?? maxClients)) throw tooManyClients()
  }

  #take(update: Update): void {
    const window = this.#window
    this.#name ??= update.relay
    // It was stopped while entries came, and kept its sockets all the same: their Workers know where they stand.
    const { acknowledged = 0 } = update
    if (this.#awoken && update.epoch === window.epoch && acknowledged > window.head)
      this.#watchers.dropAll('Its place is lost')
    this.#awoken = false
    const { epoch } = window
    window.add(update)
    if (window.epoch !== epoch) this.#watchers.dropAll('Another history')
    this.#watchers.publish()
    this.#settle()
  }

  /** An exchange with the room that begins after now. While one is under way, all who come share the next. */
  #exchange(): Promise<RoomAnswer> {
    this.#waiting++
    this.#next ??= this.#exchangeAfter(this.#exchanging)
    return this.#next
  }

  async #exchangeAfter(last: Promise<unknown> | undefined): Promise<RoomAnswer> {
    await last
    const isShared = this.#waiting > 1
    this.#next = undefined
    this.#waiting = 0
    const exchange = this.#tell()
    this.#exchanging = exchange.then(
      () => (isShared ? new Promise((resolve) => setTimeout(resolve, EXCHANGE_MS)) : undefined),
      () => undefined,
    )
    return exchange
  }

  async #tell(): Promise<RoomAnswer> {
    const arrived = this.#arrived
    this.#arrived = 0
    const answer = await this.#room.exchange({
      ...this.#place,
      relay: this.#known,
      clients: Object.fromEntries(this.#watchers.clients.byCredential),
      arrived,
    })
    this.#take(answer.update)
    return answer
  }

  /** Tells the room who has left, all who leave together at once. */
  #reportSoon(wait = EXCHANGE_MS): void {
    if (this.#reporting !== undefined || this.#name === undefined) return
    this.#reporting = setTimeout(() => {
      this.#reporting = undefined
      // Until it could be told, the room refuses rather than takes too many.
      this.#exchange().catch(() => this.#reportSoon(RETRY_MS))
    }, wait)
  }

  /** Stores its place once entries have stopped coming. */
  #settle(): void {
    this.#hasMoved = true
    if (this.#settling === undefined) this.#settling = setTimeout(() => this.#store(), SETTLE_MS)
  }

  #store(): void {
    this.#settling = undefined
    if (this.#hasMoved) {
      this.#hasMoved = false
      this.#settling = setTimeout(() => this.#store(), SETTLE_MS)
      return
    }
    const { epoch, kept, head } = this.#window
    const stored = this.ctx.storage.kv.get<RelayHead>(PLACE)
    if (stored?.epoch === epoch && stored.head === head && stored.kept === kept) return
    this.ctx.storage.kv.put(PLACE, { name: this.#known, epoch, kept, head })
  }
}
