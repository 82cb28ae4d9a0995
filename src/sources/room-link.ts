/**
 * The private hop between the Worker, which holds a client's response, and the Durable Object, which holds the entries: a
 * hibernatable WebSocket, so that the object may sleep while watchers wait. Clients never see it.
 *
 * The object sends batches as binary messages, which are events already encoded, and everything else as JSON. It never sends
 * more than one batch of the past unasked: when more is stored it says `more`, and goes on when the Worker says it back.
 */
import { MonitorError } from '../errors.ts'
import type { FilterQuery } from '../filter/filter.ts'
import { levelNamed } from '../log.ts'
import type { Checkpoint, Gap } from '../source.ts'

/** Sent by the Worker at each heartbeat, and answered without waking the object. */
export const PING = 'ping'
export const PONG = 'pong'

/** Both ways: there is more, and: send it. */
export const MORE = 'more'

/** The header of the answer to a subscription that says where it starts, as JSON of {@link Opened}. */
export const OPENED_HEADER = 'edgetail-opened'

/** Where a subscription starts. */
export interface Opened {
  readonly resumed: boolean
  /** The position before the first item; absent when the first item is a gap. */
  readonly id?: string | undefined
}

/** The status of an object that has no place for a watcher. The room says in a header where there is one. */
export const ELSEWHERE = 307

/** The header of that answer, as JSON of {@link Route}. */
export const ROUTE_HEADER = 'edgetail-route'

/** Where a watcher goes for whom the room has no place. */
export interface Route {
  /** The number of the relay that expects it. */
  readonly relay: number
  /** Relays that have places for others. */
  readonly free: readonly number[]
  /** Relays that there are: after a storm each of them may have places. */
  readonly all: readonly number[]
}

/** What the object sends as text beside `more` and `pong`. */
export type Control = Gap | Checkpoint

/** A subscription as it is asked for. */
export interface RoomRequest {
  readonly after?: string | undefined
  readonly tail?: number | undefined
  readonly filter?: FilterQuery | undefined
  /** As in `SubscribeOptions`. */
  readonly maxClients?: number | undefined
  readonly maxPerCredential?: number | undefined
  readonly credential?: string | undefined
  /** The name of the room's object, from a Worker that can go on to a relay. */
  readonly room?: string | undefined
  /** The name of the relay's object that is asked. */
  readonly relay?: string | undefined
  /** Whether the room has sent it there. */
  readonly sent?: boolean | undefined
}

/** The name of a relay's object. */
export function relayName(room: string, relay: number): string {
  return `${room}/relay-${relay}`
}

/** The name of the room's object that a relay belongs to. */
export function roomOf(relay: string): string {
  return relay.slice(0, relay.lastIndexOf('/'))
}

/** The address of a subscription. Only its query means anything. */
export function encodeRequest({ filter, ...rest }: RoomRequest): URL {
  const url = new URL('https://log-room/subscribe')
  const values = { level: filter?.level, q: filter?.q, ...rest }
  for (const [name, value] of Object.entries(values)) if (value !== undefined) url.searchParams.set(name, String(value))
  return url
}

/** Reads what {@link encodeRequest} wrote. */
export function decodeRequest(url: URL): RoomRequest {
  const text = (name: string): string | undefined => url.searchParams.get(name) ?? undefined
  const number = (name: string): number | undefined => (url.searchParams.has(name) ? Number(text(name)) : undefined)
  return {
    after: text('after'),
    tail: number('tail'),
    filter: { level: levelNamed(text('level') ?? ''), q: text('q') },
    maxClients: number('maxClients'),
    maxPerCredential: number('maxPerCredential'),
    credential: text('credential'),
    room: text('room'),
    relay: text('relay'),
    sent: text('sent') === 'true',
  }
}

/** The source's own failure, with what caused it. */
export function unavailable(cause: unknown): MonitorError {
  return new MonitorError('source_unavailable', 'The log source cannot be reached. Try again in a moment.', { cause })
}
