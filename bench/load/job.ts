/** What the load is told and what it answers, as JSON between two processes. */
import type { Target } from './stream-client.ts'

/** What is done to a server. */
export interface Workload {
  readonly name: string
  /**
   * `flow` publishes to connected clients, `idle` weighs clients that get nothing, `storm` lets clients come back that have
   * missed something.
   */
  readonly kind: 'flow' | 'idle' | 'storm'
  readonly clients: number
  /** Entries in all; in a storm those that each client has missed. */
  readonly entries: number
  /** Entries in one POST. */
  readonly batch: number
  /** Pause between two POSTs, in milliseconds. */
  readonly pauseMs?: number
  /** How many distinct filters the clients have. */
  readonly filters?: number
}

/** A workload, and the server that it is for. */
export interface Job {
  readonly workload: Workload
  readonly stream: Target
  readonly publish: Target
  /** The processes of the server. */
  readonly pids: readonly number[]
  /** Whether the server collects garbage at SIGUSR2. */
  readonly collects: boolean
  /** Whether clients of a storm send the id of the last entry that they had. */
  readonly resumes: boolean
  /** Most time for each part, in milliseconds. */
  readonly timeoutMs: number
}

/** What was measured. */
export interface Measurement {
  /** Receipts of an entry by a client; in a storm the clients that came back, in `idle` those connected. */
  readonly count: number
  readonly wallMs: number
  /** Of the server, for all of `count`. */
  readonly cpuUs: number
  /** From publish to receipt; in a storm from the begin of the connection. 0 where nothing is received. */
  readonly p50Ms: number
  readonly p99Ms: number
  /** Of the server at the end, in KiB; in `idle` what the clients added. */
  readonly rssKb: number
  /** What went wrong, a sentence each; empty when every client had every entry in order. */
  readonly faults: readonly string[]
}
