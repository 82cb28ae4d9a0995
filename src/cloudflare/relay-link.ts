/**
 * The private hop between the log room and its relays, by RPC both ways. A room pushes what is new to each relay that has
 * watchers; a relay asks for what it lacks, and says with each exchange who is watching. Entries are named by their sequence
 * numbers, so whatever is lost on the way, comes twice or comes late is told from what is missing.
 */
import type { FilterQuery } from '../filter/filter.ts'
import type { Overtaken } from '../positions.ts'

/** Most characters of entries in one message. What is more follows, or is asked for. */
export const MAX_UPDATE_LENGTH: number = 1024 * 1024

/**
 * Silence after which either side stores where it stands, in milliseconds: well before an object can sleep, and not for each
 * entry. One that is stopped while entries come loses its sockets too, and needs no place.
 */
export const SETTLE_MS = 1000

/** What a relay is told. */
export interface Update {
  /** The name of the relay's object, which the room's can be told from. */
  readonly relay: string
  /** The name of the history. */
  readonly epoch: string
  /** The oldest entry that a new reader may get. */
  readonly kept: number
  /** The first entry that it carries; without entries, the one that comes next. */
  readonly first: number
  /** The JSON texts of its entries. */
  readonly lines: readonly string[]
  /** The last entry that the relay is known to have had; absent when the room has forgotten. */
  readonly acknowledged?: number | undefined
  /** How many watchers the room thinks that it has: a relay in whose sleep one left does not notice. */
  readonly watchers: number
}

/** Where a relay stands. */
export interface RelayPlace {
  readonly epoch: string
  /** The last entry that it has. */
  readonly head: number
  /** The oldest entry that one of its watchers wants; the one after the last when nobody is behind. */
  readonly wanted: number
  /** Its watchers, those included that are not counted as clients. */
  readonly watchers: number
}

/** What a relay says of itself. */
export interface RelayReport extends RelayPlace {
  /** The name of its object. */
  readonly relay: string
  /** Its clients, by credential. */
  readonly clients: Readonly<Record<string, number>>
  /** How many that the room had sent have come since the last report. */
  readonly arrived: number
}

/** What it is answered. */
export interface RoomAnswer {
  /** Brings it to the last entry that the room has. */
  readonly update: Update
  /** Clients in other places. */
  readonly total: number
  /** Those of its own credentials in other places. */
  readonly same: Readonly<Record<string, number>>
}

/** What stands at a place in the room. */
export type Fetched =
  | {
      readonly next: number
      readonly batch?: { readonly bytes: Uint8Array; readonly id: string; readonly count: number }
    }
  | Overtaken

/** What a relay can ask the room. */
export interface RoomOfRelays {
  /** Tells who is watching, and asks for what is new. */
  exchange(report: RelayReport): Promise<RoomAnswer>
  /** What stands at a place, nothing of it after `last`. What it is for is kept while the relay's watchers want it. */
  readFor(relay: string, next: number, filter: FilterQuery, last: number): Promise<Fetched>
  /** Where the last `tail` entries up to `head` begin that match. */
  tailStartFor(tail: number, filter: FilterQuery, head: number): Promise<number>
}

/** What the room can tell a relay. */
export interface RelayOfRoom {
  /** Takes entries, gives them to its watchers, and says where it stands. */
  publish(update: Update): Promise<RelayPlace>
}
