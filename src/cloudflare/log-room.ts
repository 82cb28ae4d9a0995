/**
 * The Durable Object that keeps the entries and hands them to every watcher. It sleeps between two entries: its sockets
 * hibernate, its history is in SQLite, and what it holds in memory can be made again from the two.
 */
import { DurableObject } from 'cloudflare:workers'
import { BatchStore } from '../batch-store.ts'
import { toMonitorError } from '../errors.ts'
import { compileFilter, type FilterQuery } from '../filter/filter.ts'
import { type Append, createGroupCommit, type GroupCommit } from '../group-commit.ts'
import { createPacer, type Flushed } from '../pacer.ts'
import { readSettings } from '../settings.ts'
import type { HistoryPage, HistoryQuery, SourceStatus } from '../source.ts'
import { decodeRequest, ELSEWHERE, ROUTE_HEADER } from '../sources/room-link.ts'
import type { AppendOutcome } from '../sources/room-writer.ts'
import type { Fetched, RelayOfRoom, RelayReport, RoomAnswer, RoomOfRelays } from './relay-link.ts'
import { Relays } from './relays.ts'
import { StreamPlaces } from './stream-places.ts'
import { Watchers } from './watchers.ts'

/**
 * Least time between two rows under load, in milliseconds. A row costs the same with one entry or a thousand, and many senders
 * of one entry each would write a row each.
 */
const COMMIT_MS = 10

/** Keeps the entries of one monitor. Bind it in `wrangler.toml` with `new_sqlite_classes`. */
export class LogRoom extends DurableObject<Record<string, unknown>> {
  readonly #store: BatchStore
  readonly #watchers: Watchers
  /** Absent where relays are not bound. */
  readonly #relays: Relays | undefined
  readonly #bound: number
  readonly #pacer = createPacer(() => this.#publish())
  readonly #commits: GroupCommit<Append>

  constructor(ctx: DurableObjectState, env: Record<string, unknown>) {
    super(ctx, env)
    const { heartbeatMs, roomClients, ...retention } = readSettings(env)
    const store = new BatchStore(ctx.storage.sql, retention)
    this.#store = store
    this.#bound = roomClients
    this.#commits = createGroupCommit({
      store,
      transaction: (work) => ctx.storage.transactionSync(work),
      onStored: () => this.#pacer.request(),
      toRefusal: (error) => (error instanceof Error ? error : new Error(String(error))),
      intervalMs: COMMIT_MS,
    })
    const window = {
      epoch: store.epoch,
      get head() {
        return store.head
      },
      read: (next: number, filter: FilterQuery) => store.overtaken(next) ?? store.read(next, compileFilter(filter)),
      positionBefore: (next: number) => store.positionBefore(next),
    }
    this.#watchers = new Watchers(ctx, { window, heartbeatMs })
    const relays = env.LOG_RELAY as DurableObjectNamespace | undefined
    if (relays === undefined) return
    this.#relays = new Relays({
      storage: ctx.storage,
      store,
      clients: this.#watchers.clients,
      isAwoken: this.#watchers.size > 0,
      bound: roomClients,
      reach: (name) => relays.get(relays.idFromName(name)) as unknown as RelayOfRoom,
      onTold: () => this.#trim(),
    })
  }

  /** Stores entries, given as their JSON texts, and returns their ids. The runtime holds the answer until they are on disk. */
  async append(lines: readonly string[]): Promise<readonly string[]> {
    return (await this.#commits.append({ lines })).ids
  }

  /** Stores entries unless the key was used before, and returns the answer that was given with its first use. */
  async appendOnce(key: string, lines: readonly string[], answer: string): Promise<string> {
    return (await this.#commits.append({ lines, once: { key, answer } })).answer
  }

  /** Stores what came together in a Worker, in its order. Each append is stored or refused by itself. */
  appendAll(appends: readonly Append[]): Promise<AppendOutcome[]> {
    return Promise.all(
      appends.map((append) =>
        this.#commits.append(append).then(
          ({ ids, answer }) => ({ ids, answer }),
          (error) => ({ error: String(error) }),
        ),
      ),
    )
  }

  history(query: HistoryQuery): HistoryPage {
    this.#commits.flush()
    return this.#store.history(query, compileFilter(query.filter))
  }

  status(): SourceStatus {
    this.#watchers.sweep()
    const { size: entries, bytes, head: total } = this.#store
    const clients = this.#watchers.clients.total + (this.#relays?.total ?? 0)
    return { entries, clients, bytes, total, flushWindowMs: this.#pacer.windowMs }
  }

  /** The named streams that have a place. Asked of the default log's room only. */
  streams(): string[] {
    return new StreamPlaces(this.ctx.storage.sql).list()
  }

  /** Gives a named stream a place; see {@link StreamPlaces.claim}. */
  claimStream(name: string, until: number | null, max: number): boolean {
    return new StreamPlaces(this.ctx.storage.sql).claim(name, until, max)
  }

  /** Opens a watcher's socket, or names the relay that has a place for it. */
  override fetch(request: Request): Response {
    if (request.headers.get('Upgrade') !== 'websocket') return new Response(null, { status: 426 })
    const { after, tail = 0, filter = {}, room, ...counted } = decodeRequest(new URL(request.url))
    this.#watchers.sweep()
    const credential = counted.maxClients === undefined ? undefined : (counted.credential ?? '')
    let leave: () => void
    try {
      leave = this.#watchers.clients.enter(counted, this.#relays?.elsewhere(credential ?? ''))
    } catch (error) {
      this.#relays?.recount()
      const { message, status } = toMonitorError(error)
      return new Response(message, { status })
    }
    if (this.#relays !== undefined && room !== undefined && this.#watchers.size >= this.#bound) {
      leave()
      const route = JSON.stringify(this.#relays.route(room))
      return new Response(null, { status: ELSEWHERE, headers: { [ROUTE_HEADER]: route } })
    }
    // Whoever comes now starts where all others stand.
    this.#commits.flush()
    this.#pacer.flushNow()
    const start = this.#store.locate(after, tail, compileFilter(filter))
    return this.#watchers.open({ filter, credential, start, leave })
  }

  override webSocketMessage(socket: WebSocket, message: string | ArrayBuffer): void {
    this.#pacer.flushNow()
    this.#watchers.onMessage(socket, message)
  }

  override webSocketClose(socket: WebSocket): void {
    this.#watchers.forget(socket)
  }

  override webSocketError(socket: WebSocket): void {
    this.#watchers.forget(socket)
  }

  /** See {@link RoomOfRelays}. */
  exchange(report: RelayReport): RoomAnswer {
    if (this.#relays === undefined) throw new Error('The log room has no relays: LOG_RELAY is not bound.')
    this.#commits.flush()
    return this.#relays.exchange(report)
  }

  /** See {@link RoomOfRelays}. */
  readFor(relay: string, next: number, filter: FilterQuery, last: number): Fetched {
    const overtaken = this.#store.overtaken(next)
    if (overtaken !== undefined) return overtaken
    this.#relays?.want(relay, next)
    const reading = this.#store.read(next, compileFilter(filter), last)
    if (reading?.batch === undefined) return { next: reading?.next ?? last + 1 }
    const { bytes, id, count } = reading.batch
    return { next: reading.next, batch: { bytes, id, count } }
  }

  /** See {@link RoomOfRelays}. */
  tailStartFor(tail: number, filter: FilterQuery, head: number): number {
    return this.#store.tailStart(tail, compileFilter(filter), head)
  }

  /** Gives everyone what has been appended since the last time. */
  #publish(): Flushed {
    const flushed = this.#watchers.publish()
    this.#relays?.publish()
    this.#trim()
    return flushed
  }

  /** Lets go of what nobody wants any more. */
  #trim(): void {
    this.#store.trim(Math.min(this.#watchers.oldestWanted, this.#relays?.oldestWanted ?? Number.POSITIVE_INFINITY))
  }
}
