/**
 * The relays of a log room, seen from the room: which there are, who watches at each, and what each has still to be told. The
 * list is stored, so that a room that wakes knows whom to tell.
 */
import type { BatchStore, Row } from '../batch-store.ts'
import type { ClientCount, Elsewhere } from '../client-count.ts'
import { type Route, relayName } from '../sources/room-link.ts'
import {
  MAX_UPDATE_LENGTH,
  type RelayOfRoom,
  type RelayReport,
  type RoomAnswer,
  SETTLE_MS,
  type Update,
} from './relay-link.ts'

/** How long a watcher that was sent to a relay takes to come there, at the most, in milliseconds. */
const ARRIVE_MS = 5000

/** Longest wait between two messages to a relay under load, as for watchers, in milliseconds. */
const MAX_WAIT_MS = 200

/** Waits before a relay that could not be reached is told again, in milliseconds; the last one from then on. */
const RETRY_MS = [50, 250, 1000, 5000]

/** How often at the most relays are asked who is watching because places seem to be taken, in milliseconds. */
const RECOUNT_MS = 5000

/** Where it is noted up to which entry all relays had everything. */
const RELAYED = 'relayed'

/** One relay. */
interface Relay {
  readonly number: number
  watchers: number
  /** How many reports have come. */
  reports: number
  clients: Readonly<Record<string, number>>
  total: number
  /** When those were sent who have not come yet, in milliseconds since the epoch. */
  sent: number[]
  /** The last entry that it has; absent while nobody knows. */
  acknowledged: number | undefined
  /** Where it is told from while nobody knows its place: it had everything before, or says that it had not. */
  first: number
  /** The oldest entry that it wants; absent while nobody knows. */
  wanted: number | undefined
  isPushing: boolean
  /** Whether it is to be told something even if there is nothing new. */
  isAsked: boolean
}

/** Options of {@link Relays}. */
export interface RelaysOptions {
  readonly storage: DurableObjectStorage
  readonly store: BatchStore
  /** The room's own clients. */
  readonly clients: ClientCount
  /** Whether the room has slept, and its watchers are still here. After a deploy those of its relays may be gone as well. */
  readonly isAwoken: boolean
  /** Most watchers of one relay. */
  readonly bound: number
  /** Reaches a relay by the name of its object. */
  reach(name: string): RelayOfRoom
  /** Called in silence, once every relay has said what it wants. */
  onTold(): void
}

/** All relays of a room. */
export class Relays {
  readonly #options: RelaysOptions
  readonly #relays = new Map<string, Relay>()
  #settling: ReturnType<typeof setTimeout> | undefined
  #recounted = 0

  /** Takes up what was stored. Relays that may lack something are told so. */
  constructor(options: RelaysOptions) {
    this.#options = options
    const { sql, kv } = options.storage
    sql.exec(
      'CREATE TABLE IF NOT EXISTS relays (name TEXT PRIMARY KEY, watchers INTEGER NOT NULL, clients TEXT NOT NULL)',
    )
    for (const row of sql.exec('SELECT name, watchers, clients FROM relays')) {
      const clients = JSON.parse(String(row.clients)) as Record<string, number>
      this.#add(String(row.name), Number(row.watchers), clients).isAsked = Number(row.watchers) === 0
    }
    if (this.#relays.size > 0 && (!options.isAwoken || kv.get(RELAYED) !== options.store.head)) this.#askAll()
  }

  /** Clients at all relays. */
  get total(): number {
    let total = 0
    for (const relay of this.#relays.values()) total += relay.total
    return total
  }

  /** The oldest entry that a relay lacks or wants for one of its watchers. */
  get oldestWanted(): number {
    let oldest = Number.POSITIVE_INFINITY
    // What is not known may be any of them. The store bounds what it keeps for that.
    for (const { watchers, wanted = 0 } of this.#relays.values()) if (watchers > 0) oldest = Math.min(oldest, wanted)
    return oldest
  }

  /** Clients at relays, all and with a credential. */
  elsewhere(credential: string): Elsewhere {
    let same = 0
    for (const { clients } of this.#relays.values()) same += clients[credential] ?? 0
    return { total: this.total, same }
  }

  /** Asks all relays who is watching, since what they last said may be wrong: one that dies does not say so. */
  recount(): void {
    const now = Date.now()
    if (now - this.#recounted < RECOUNT_MS) return
    this.#recounted = now
    this.#askAll()
  }

  /**
   * Where a watcher goes for whom the room has no place: to the relay with the fewest, or to a new one.
   *
   * @param room - the room's name
   */
  route(room: string): Route {
    const { bound } = this.#options
    const late = Date.now() - ARRIVE_MS
    const free: Relay[] = []
    const taken = new Set<number>()
    for (const relay of this.#relays.values()) {
      taken.add(relay.number)
      relay.sent = relay.sent.filter((at) => at > late)
      if (loadOf(relay) < bound) free.push(relay)
    }
    free.sort((one, other) => loadOf(one) - loadOf(other))
    let [relay] = free
    if (relay === undefined) {
      let number = 1
      while (taken.has(number)) number++
      relay = this.#add(relayName(room, number), 0, {})
      free.push(relay)
    }
    relay.sent.push(Date.now())
    return { relay: relay.number, free: free.map(({ number }) => number), all: [...taken, relay.number] }
  }

  /** Takes a relay's report, and brings the relay up to date. */
  exchange({ relay: name, clients, arrived, ...place }: RelayReport): RoomAnswer {
    const { storage, store, clients: own } = this.#options
    const { watchers } = place
    const relay = this.#relays.get(name) ?? this.#add(name, 0, {})
    relay.sent.splice(0, arrived)
    const text = JSON.stringify(clients)
    const isNews = relay.watchers !== watchers || JSON.stringify(relay.clients) !== text
    count(relay, watchers, clients)
    relay.reports++
    if (isNews) {
      storage.sql.exec('INSERT OR REPLACE INTO relays (name, watchers, clients) VALUES (?, ?, ?)', name, watchers, text)
    }
    // What a relay that was stopped had said may come after what its successor says.
    if (watchers === 0) {
      relay.isAsked = true
      void this.#push(name, relay)
    }
    const isOurs = place.epoch === store.epoch
    const { acknowledged } = relay
    relay.acknowledged = isOurs ? place.head : undefined
    const missing = isOurs && place.head < store.head ? store.linesFrom(place.head + 1, MAX_UPDATE_LENGTH) : undefined
    const isWhole = missing !== undefined && missing.first + missing.lines.length > store.head
    const entries = isWhole ? missing : { first: store.head + 1, lines: [] }
    const update = this.#update(name, entries, watchers, acknowledged)
    relay.first = update.first
    relay.wanted = isOurs ? Math.min(place.wanted, update.first) : update.first
    const same: Record<string, number> = {}
    for (const [credential, count] of Object.entries(clients)) {
      same[credential] = (own.byCredential.get(credential) ?? 0) + this.elsewhere(credential).same - count
    }
    return { update, total: own.total + this.total - relay.total, same }
  }

  /** Notes that a relay's watchers want what stands at a place. */
  want(name: string, next: number): void {
    const relay = this.#relays.get(name)
    if (relay?.wanted !== undefined) relay.wanted = Math.min(relay.wanted, next)
  }

  /** Tells every relay what is new. */
  publish(): void {
    for (const [name, relay] of this.#relays) void this.#push(name, relay)
  }

  #add(name: string, watchers: number, clients: Record<string, number>): Relay {
    const relay: Relay = {
      number: Number(name.slice(name.lastIndexOf('-') + 1)),
      watchers: 0,
      reports: 0,
      clients: {},
      total: 0,
      sent: [],
      acknowledged: undefined,
      first: this.#options.store.head + 1,
      wanted: undefined,
      isPushing: false,
      isAsked: false,
    }
    count(relay, watchers, clients)
    this.#relays.set(name, relay)
    return relay
  }

  #letGo(name: string): void {
    this.#options.storage.sql.exec('DELETE FROM relays WHERE name = ?', name)
    this.#relays.delete(name)
  }

  #askAll(): void {
    for (const relay of this.#relays.values()) relay.isAsked = true
    this.publish()
  }

  /** Tells a relay what it lacks, one message at a time: what comes meanwhile leaves with the next. */
  async #push(name: string, relay: Relay): Promise<void> {
    if (relay.isPushing) return
    const { store, reach } = this.#options
    relay.isPushing = true
    let failures = 0
    const lacks = (): boolean =>
      relay.isAsked || (relay.watchers > 0 && (relay.acknowledged ?? relay.first - 1) < store.head)
    while (lacks()) {
      const began = performance.now()
      let wait: number | undefined
      try {
        const { acknowledged, reports } = relay
        const missing = store.linesFrom(acknowledged === undefined ? relay.first : acknowledged + 1, MAX_UPDATE_LENGTH)
        relay.isAsked = false
        const place = await reach(name).publish(this.#update(name, missing, relay.watchers, acknowledged))
        relay.acknowledged = place.epoch === store.epoch ? place.head : undefined
        relay.wanted = Math.min(place.wanted, place.head + 1)
        relay.first = store.head + 1
        failures = 0
        if (relay.watchers === 0 && relay.reports === reports) {
          if (place.watchers === 0) this.#letGo(name)
          // It will report who they are.
          else relay.watchers = place.watchers
        }
        // As long as the last one took, so that a relay has time for its watchers too.
        wait = Math.min(performance.now() - began, MAX_WAIT_MS)
      } catch {
        relay.isAsked = true
        wait = RETRY_MS[Math.min(failures++, RETRY_MS.length - 1)]
      }
      if (lacks()) {
        await new Promise((resolve) => setTimeout(resolve, wait))
      }
    }
    relay.isPushing = false
    this.#settle()
  }

  #update(relay: string, { first, lines }: Row, watchers: number, acknowledged: number | undefined): Update {
    const { epoch, kept } = this.#options.store
    return { relay, epoch, kept, first, lines, watchers, acknowledged }
  }

  /** Notes in silence that all is told, so that a room that wakes need not wake its relays to ask them. */
  #settle(): void {
    if (this.#settling !== undefined) return
    this.#settling = setTimeout(() => {
      this.#settling = undefined
      const { store, storage, onTold } = this.#options
      for (const relay of this.#relays.values()) {
        if (relay.watchers > 0 && relay.acknowledged !== store.head) return
      }
      onTold()
      if (storage.kv.get(RELAYED) !== store.head) storage.kv.put(RELAYED, store.head)
    }, SETTLE_MS)
  }
}

/** How many it will serve when all have come. */
function loadOf({ watchers, sent }: Relay): number {
  return watchers + sent.length
}

function count(relay: Relay, watchers: number, clients: Readonly<Record<string, number>>): void {
  relay.watchers = watchers
  relay.clients = clients
  relay.total = Object.values(clients).reduce((sum, count) => sum + count, 0)
}
