/**
 * The Worker and its objects: what is billed and what becomes full. The room stores entries and tells its watchers and its
 * relays; a relay tells its own watchers; a Worker holds each stream. See docs/workers.md for the design.
 */
import type { Count, WorkersCosts } from './measurements.ts'
import { windowAfter } from './pacing.ts'
import { type Bill, billOf } from './prices.ts'

/** Least time between two transactions under load (`COMMIT_MS` of the room), in milliseconds. */
const COMMIT_MS = 10

/** Watchers of one object (`EDGETAIL_ROOM_CLIENTS`). */
const OBJECT_CLIENTS = 4000

/** Requests a second that one object takes, by Cloudflare's documentation: a soft limit. */
const OBJECT_REQUESTS = 1000

/** Share of a core after which an object counts as full. */
const FULL = 0.8

/** A stream is ended after so many seconds, and its client comes again. */
const STREAM_S = 3420

/** `Gathering` of `src/pacer.ts`. */
const GATHERING = { gatherFactor: 4, maxGatherMs: 65 }

/** How long an object stays active beyond its own work for a commit, in milliseconds: the storage confirms, a timer fires. Assumed. */
const COMMIT_ACTIVE_MS = 20

/** What the room does for its store at a commit and a flush: a row, and later its deletion; looks at the first and the last rows. */
const ROWS_WRITTEN = 2
const ROWS_READ = 6

/** Hours of a month. */
const HOURS = 730

/** What is asked. */
export interface WorkersLoad {
  readonly watchers: number
  readonly entriesPerSecond: number
  readonly entriesPerPost: number
  readonly bytesPerEntry: number
  /** Share of the month in which it is so. @default 1 */
  readonly share?: number
}

/** What it takes. */
export interface WorkersPlan {
  readonly relays: number
  readonly commitsPerSecond: number
  readonly flushesPerSecond: number
  /** Share of its one core that the room uses, and the busiest relay. */
  readonly roomCpu: number
  readonly relayCpu: number
  readonly bill: Bill
  /** The first limit that is passed; undefined when none is. */
  readonly limit: string | undefined
}

/** Plans for a load. */
export function planWorkers(costs: WorkersCosts, load: WorkersLoad): WorkersPlan {
  const { watchers, entriesPerSecond, entriesPerPost, bytesPerEntry, share = 1 } = load
  const posts = entriesPerSecond / entriesPerPost
  const commits = Math.min(posts, 1000 / COMMIT_MS)
  const relays = Math.max(0, Math.ceil(watchers / OBJECT_CLIENTS) - 1)
  const here = Math.min(watchers, OBJECT_CLIENTS)
  // Half of what a post and a message cost is the object's.
  const storing = (posts * costs.postUs + entriesPerSecond * costs.entryUs) / 2e6
  const flushes = flushesOf(commits, (flushes) => {
    const entries = entriesPerSecond / flushes
    return { us: flushUs(costs, here, relays, entries, bytesPerEntry), bytes: entries * bytesPerEntry }
  })
  const telling = flushUs(costs, here, relays, entriesPerSecond / Math.max(flushes, 1e-9), bytesPerEntry)
  const roomCpu = storing + (flushes * telling) / 1e6
  const relayed = flushUs(costs, here, 0, entriesPerSecond / Math.max(flushes, 1e-9), bytesPerEntry)
  const relayCpu = relays === 0 ? 0 : (flushes * (relayed + costs.postUs / 2)) / 1e6

  const seconds = HOURS * 3600 * share
  const openings = (watchers / STREAM_S) * seconds
  const activeMs = (busy: number, events: number): number => Math.min(1, busy + (events * COMMIT_ACTIVE_MS) / 1000)
  const messages = watchers * flushes * seconds
  const deliveredBytes = watchers * entriesPerSecond * bytesPerEntry * seconds
  const bill = billOf({
    workerRequests: posts * seconds + openings,
    workerCpuMs:
      ((posts * costs.postUs + entriesPerSecond * costs.entryUs) / 2e3) * seconds +
      (messages * costs.messageUs) / 2e3 +
      (deliveredBytes * costs.byteNs) / 2e6,
    objectRequests: posts * seconds + relays * flushes * seconds + openings * (relays > 0 ? 2 : 1),
    objectSeconds: (activeMs(roomCpu, commits) + relays * activeMs(relayCpu, flushes)) * seconds,
    rowsWritten: commits * ROWS_WRITTEN * seconds,
    rowsRead: (commits + flushes) * ROWS_READ * seconds,
  })
  const limit =
    posts > OBJECT_REQUESTS
      ? 'posts a second to one object: send in batches'
      : roomCpu > FULL
        ? storing > FULL
          ? 'the room stores: split the log into rooms'
          : 'the room tells: fewer entries (filters, sampling), or rooms'
        : relayCpu > FULL
          ? 'a relay tells: fewer entries (filters, sampling)'
          : undefined
  return { relays, commitsPerSecond: commits, flushesPerSecond: flushes, roomCpu, relayCpu, bill, limit }
}

/** A flush of one object to its watchers and relays, in microseconds. */
function flushUs(
  costs: WorkersCosts,
  watchers: number,
  relays: number,
  entries: number,
  bytesPerEntry: number,
): number {
  const bytes = entries * bytesPerEntry
  return watchers * (costs.messageUs / 2 + (bytes * costs.byteNs) / 2000) + relays * (costs.postUs / 2 + bytes * 0.001)
}

/** How many flushes a second there are: one for each commit, as far as the room does not wait longer after each. */
function flushesOf(commits: number, flush: (perSecond: number) => { us: number; bytes: number }): number {
  let flushes = commits
  for (let round = 0; round < 40; round++) {
    const { us, bytes } = flush(Math.max(flushes, 1e-9))
    const most = 1000 / (us / 1000 + windowAfter(us / 1000, us / 1000, bytes, GATHERING))
    flushes = (flushes + Math.min(commits, most)) / 2
  }
  return flushes
}

/**
 * Rows, or commands that write, that a load of the benchmark takes at the least and at the most. One sender that waits for each
 * answer has a write for each post; of several, those posts share one that come while a write is under way, or within the least
 * time between two.
 */
export function writesOf({ entries, entriesPerPost, senders }: Omit<Count, 'writes'>): [number, number] {
  const posts = entries / entriesPerPost
  return [posts / senders, posts]
}
