/**
 * Which object serves a reader: the log room while it has places, then one of its relays. The room is asked for the first; after
 * that a Worker remembers for a while which relays have places, so that not everyone who comes back passes through the room.
 */
import { ELSEWHERE, encodeRequest, ROUTE_HEADER, type RoomRequest, type Route, relayName } from './room-link.ts'

/** The room itself, where otherwise the number of a relay stands. */
export const AT_ROOM = 0

/** How long it is remembered which relays have places, in milliseconds. */
const REMEMBER_MS = 30_000

const NONE = { free: [], all: [] }

/** An object that can be asked for a socket. */
export interface SocketStub {
  fetch(url: URL, init: { headers: Record<string, string> }): Promise<Response>
}

/** An answer, and whose. */
export interface Routed {
  readonly response: Response
  readonly at: number
}

/** The ways to one room. */
export class RoomRoute {
  readonly #name: string
  readonly #room: () => SocketStub
  readonly #relay: ((name: string) => SocketStub) | undefined
  #known: Pick<Route, 'free' | 'all'> = NONE
  #until = 0

  /** @param relay - reaches a relay by name; absent where there are none */
  constructor(name: string, room: () => SocketStub, relay: ((name: string) => SocketStub) | undefined) {
    this.#name = name
    this.#room = room
    this.#relay = relay
  }

  /**
   * Asks for a socket.
   *
   * @param at - where it was before
   */
  async open(request: RoomRequest, at?: number): Promise<Routed> {
    for (const guess of at === undefined ? this.#guesses() : [at]) {
      if (guess === AT_ROOM) continue
      const response = await this.#ask(guess, request, false)
      if (response.status !== ELSEWHERE) return { response, at: guess }
    }
    const room = this.#relay === undefined ? undefined : this.#name
    const response = await this.#room().fetch(encodeRequest({ ...request, room }), {
      headers: { Upgrade: 'websocket' },
    })
    if (response.status !== ELSEWHERE) return { response, at: AT_ROOM }
    const route = JSON.parse(response.headers.get(ROUTE_HEADER) ?? '{}') as Route
    const { relay } = route
    this.#known = route
    this.#until = Date.now() + REMEMBER_MS
    return { response: await this.#ask(relay, request, true), at: relay }
  }

  async #ask(number: number, request: RoomRequest, sent: boolean): Promise<Response> {
    const relay = relayName(this.#name, number)
    const url = encodeRequest({ ...request, relay, sent })
    try {
      // Only asked where the room has named one, to those who can reach it.
      return await (this.#relay as (name: string) => SocketStub)(relay).fetch(url, {
        headers: { Upgrade: 'websocket' },
      })
    } catch (error) {
      this.#known = NONE
      throw error
    }
  }

  /** Any relay first, since after a storm all have places, then one that had some. The room is asked when both are full. */
  #guesses(): Set<number> {
    const { all, free } = Date.now() > this.#until ? NONE : this.#known
    return new Set([all, free].flatMap((relays) => relays[Math.floor(Math.random() * relays.length)] ?? []))
  }
}
