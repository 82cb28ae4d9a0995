/** What the page and its worker say to each other. Entries travel as columns: few objects, cheap to copy between threads. */

/** Code of a {@link Batch.levels} row that is no entry but a gap. */
export const GAP = 6

/** Rows in order, oldest first. The same index in every column is one row. */
export interface Batch {
  readonly ids: string[]
  /** When it happened, in milliseconds since the epoch. */
  readonly times: Float64Array
  /** Rank of the level from 0 (`trace`) to 5 (`fatal`), or {@link GAP}. */
  readonly levels: Uint8Array
  /** Equal for entries that differ in their time only. */
  readonly signatures: Uint32Array
  /** JSON text: `{ts, level, message, context}`, of a gap `{reason, dropped}`. */
  readonly lines: string[]
}

/** How the connection of a filter is doing. */
export type Status =
  /** `since` when it was cut off, where this is not the first try. */
  | { readonly state: 'connecting'; readonly since: number | undefined }
  | { readonly state: 'live'; readonly since: number; readonly heartbeatMs: number }
  /** Cut off or refused for now. `until` is the next try, `since` when it was last live or first tried. */
  | {
      readonly state: 'waiting'
      readonly until: number
      readonly since: number
      readonly attempts: number
      readonly reason: string
    }
  | { readonly state: 'signed-out'; readonly reason: string }
  /** Refused for good, such as a filter that the server cannot read. */
  | { readonly state: 'refused'; readonly code: string; readonly reason: string }

/** What is measured of a connection. Times are of this machine's clock, in milliseconds since the epoch. */
export interface Vitals {
  readonly lastByteAt: number
  readonly lastHeartbeatAt: number
  /** Median time from an entry's `ts` to its arrival, by the server's clock, in milliseconds; undefined before the first. */
  readonly delayMs: number | undefined
  /** This machine's clock minus the server's, in milliseconds. */
  readonly skewMs: number
  /** Events come as if something in between held them back. */
  readonly held: 'no' | 'bursts' | 'start'
  /** Tabs that share the connection. */
  readonly tabs: number
}

/** A page of the past. */
export interface Past {
  readonly batch: Batch
  /** Where the page before it ends; null when there is none. */
  readonly before: string | null
}

/** What is read of the past. */
export interface PastQuery {
  readonly q: string
  readonly tail: number
  readonly before?: string | undefined
}

/** From the page to the worker. */
export type Request =
  | { readonly type: 'watch'; readonly base: string; readonly q: string; readonly turn: number }
  | { readonly type: 'past'; readonly call: number; readonly base: string; readonly query: PastQuery }
  /** Try again now: the user asked for it, signed in, or the network is back. */
  | { readonly type: 'retry' }
  | { readonly type: 'sign-out' }
  /** Said every now and then, so that a page that vanished is noticed. */
  | { readonly type: 'here' }
  | { readonly type: 'leave' }

/** From the worker to the page. `turn` is that of the `watch` it belongs to, so that what is late is known. */
export type Report =
  | { readonly type: 'status'; readonly turn: number; readonly status: Status }
  | { readonly type: 'vitals'; readonly turn: number; readonly vitals: Vitals }
  | { readonly type: 'entries'; readonly turn: number; readonly batch: Batch }
  | { readonly type: 'past'; readonly call: number; readonly past: Past }
  | { readonly type: 'past-failed'; readonly call: number; readonly code: string; readonly reason: string }
  /** The worker had given this page up; it has to watch again. */
  | { readonly type: 'unknown' }
