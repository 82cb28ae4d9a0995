/**
 * One process on one core, simulated: posts come, entries gather, flushes go out. It follows `createPacer` of `src/pacer.ts`: a
 * flush that took so long is followed by a window at least as long, of 200 ms at most, and while flushes are short and small by one
 * some times as long.
 * So how many flushes there are, and with them the cost of a delivery and its delay, depends on the load, which no multiplication
 * shows.
 */

/** Longest window of the pacer, in milliseconds (`MAX_WINDOW_MS` there). */
const MAX_WINDOW_MS = 200

/** Bytes of a flush above which no longer window is worth it (`ENOUGH_BYTES` there). */
const ENOUGH_BYTES = 64 * 1024

/** Most bytes of one batch (`MAX_BATCH_BYTES` of `src/segment.ts`): of more, each client is written several. */
const BATCH_BYTES = 64 * 1024

/** Places among the clients at which the delay is noted: the first gets a flush before the last. */
const PLACES = [0.1, 0.3, 0.5, 0.7, 0.9]

/** Posts that are simulated at the most. */
const MAX_POSTS = 40_000

/** What work takes, in microseconds of CPU unless said otherwise. */
export interface Costs {
  /** A post, beside its entries. */
  readonly postUs: number
  /** An entry: parsed, checked, serialised, kept. */
  readonly entryUs: number
  /** One write to one client, however small. */
  readonly clientUs: number
  /** A byte to one client, in nanoseconds. */
  readonly byteNs: number
  /** An entry that another process wrote. */
  readonly readUs: number
  /** A write to the store, in this process. */
  readonly writeUs: number
  /** A write to the store, in the store. */
  readonly storeUs: number
  /** From the start of a write to its answer beyond that, in microseconds of time. */
  readonly roundTripUs: number
  /**
   * How long entries are gathered, in costs of the shorter of the last two flushes, and at the most in milliseconds, where that is more
   * than the last one's cost: `Gathering` of `src/pacer.ts`, and for Redis `GATHERING` of `src/sources/redis-feed.ts`.
   */
  readonly gatherFactor: number
  readonly maxGatherMs: number
}

/** How long entries are gathered after a flush, in milliseconds, the one before which took `lastMs`. */
export function windowAfter(
  flushMs: number,
  lastMs: number,
  bytes: number,
  { gatherFactor, maxGatherMs }: Pick<Costs, 'gatherFactor' | 'maxGatherMs'>,
): number {
  const worthMs = bytes < ENOUGH_BYTES ? Math.min(gatherFactor * Math.min(flushMs, lastMs), maxGatherMs) : 0
  return Math.min(Math.max(flushMs, worthMs), MAX_WINDOW_MS)
}

/** What is done to the process. */
export interface Load {
  readonly clients: number
  readonly entriesPerPost: number
  readonly bytesPerEntry: number
  /** Posts a second, at random; or one sender that waits for each answer, and so long after it, in milliseconds. */
  readonly arrivals: { readonly postsPerSecond: number } | { readonly pauseMs: number; readonly posts: number }
  /** Entries a second that come from other processes. @default 0 */
  readonly foreignPerSecond?: number
  /** Whether the store has no core of its own, as in the benchmark. @default false */
  readonly sharesCore?: boolean
}

/** What came of it. */
export interface Outcome {
  /** Cores used by the process, and by the store for it. */
  readonly cpu: number
  readonly storeCpu: number
  /** CPU of both for each entry at each client, in microseconds. */
  readonly perDeliveryUs: number
  readonly flushesPerSecond: number
  readonly writesPerSecond: number
  readonly entriesPerSecond: number
  readonly p50Ms: number
  readonly p99Ms: number
  /** More comes than can be done. */
  readonly isFull: boolean
}

interface Post {
  readonly at: number
  readonly entries: number
}

/** Runs a load. The same load has the same outcome each time. */
export function simulate(costs: Costs, load: Load): Outcome {
  const { clients, entriesPerPost, bytesPerEntry, arrivals, foreignPerSecond = 0, sharesCore = false } = load
  const isOpen = 'postsPerSecond' in arrivals
  const rate = isOpen ? arrivals.postsPerSecond : 0
  // Longer than that where hardly anything comes: a delay is of something that came.
  const seconds = isOpen
    ? Math.max(Math.min(20, Math.max(2, MAX_POSTS / Math.max(rate, 1e-9))), 5 / Math.max(rate + foreignPerSecond, 1e-9))
    : Number.POSITIVE_INFINITY
  const posts = isOpen ? Math.ceil(rate * seconds) : arrivals.posts
  const random = createRandom()
  const gap = (): number => (-Math.log(1 - random()) * 1000) / rate
  const hasStore = costs.storeUs > 0
  const postMs = (costs.postUs + costs.entryUs * entriesPerPost) / 1000

  let now = 0
  let busyMs = 0
  let storeMs = 0
  let posted = 0
  let nextPost = posts > 0 ? (isOpen ? gap() : 0) : Number.POSITIVE_INFINITY
  let waiting: Post[] = []
  let writing: { readonly posts: readonly Post[]; readonly until: number } | undefined
  let gathered: Post[] = []
  let takenUntil = 0
  let notBefore = 0
  let lastMs = 0
  let flushes = 0
  let writes = 0
  let delivered = 0
  const delays: [number, number][] = []

  const work = (ms: number): void => {
    now += ms
    busyMs += ms
  }
  const store = (post: Post): void => void gathered.push(post)
  const nextForeign = (): number =>
    foreignPerSecond > 0 ? takenUntil + 1000 / foreignPerSecond : Number.POSITIVE_INFINITY

  // The time is bounded too: a load beyond what can be done would go on for long after its last post.
  while (isOpen ? now < seconds * 1000 : posted < posts || gathered.length > 0 || writing !== undefined) {
    const turn = now
    let isIdle = true
    if (writing !== undefined && writing.until <= turn) {
      isIdle = false
      for (const post of writing.posts) store(post)
      writing = undefined
      if (!isOpen && posted < posts) nextPost = now + arrivals.pauseMs
    }
    while (nextPost <= turn) {
      isIdle = false
      work(postMs)
      const post = { at: nextPost, entries: entriesPerPost }
      posted++
      if (hasStore) waiting.push(post)
      else store(post)
      if (isOpen) nextPost += gap()
      else nextPost = hasStore || posted >= posts ? Number.POSITIVE_INFINITY : now + arrivals.pauseMs
    }
    if (writing === undefined && waiting.length > 0) {
      isIdle = false
      work(costs.writeUs / 1000)
      writes++
      storeMs += costs.storeUs / 1000
      if (sharesCore) now += costs.storeUs / 1000
      writing = { posts: waiting, until: now + (costs.roundTripUs + (sharesCore ? 0 : costs.storeUs)) / 1000 }
      waiting = []
    }
    const hasForeign = nextForeign() <= now
    if ((gathered.length > 0 || hasForeign) && notBefore <= now) {
      isIdle = false
      const began = now
      const foreign = hasForeign ? Math.floor(((now - takenUntil) * foreignPerSecond) / 1000) : 0
      const own = gathered.reduce((sum, { entries }) => sum + entries, 0)
      const bytes = (own + foreign) * bytesPerEntry
      const batches = Math.max(1, Math.ceil(bytes / BATCH_BYTES))
      const flushMs = (clients * (batches * costs.clientUs + (bytes * costs.byteNs) / 1000)) / 1000
      work((foreign * costs.readUs) / 1000 + flushMs)
      for (const place of PLACES) {
        const at = began + flushMs * place
        for (const post of gathered) delays.push([at - post.at, post.entries])
        // They come evenly: what is noted is the delay of ten of them, for their share each.
        for (let share = 0.05; foreign > 0 && share < 1; share += 0.1) {
          const came = takenUntil + (Math.max(1, foreign * share) * 1000) / foreignPerSecond
          delays.push([at - came, foreign / 10])
        }
      }
      if (foreign > 0) takenUntil += (foreign * 1000) / foreignPerSecond
      delivered += own + foreign
      gathered = []
      flushes++
      // No more than its cost after a lone entry.
      notBefore = now + windowAfter(flushMs, own + foreign > 1 ? lastMs : 0, bytes, costs)
      lastMs = flushMs
    }
    if (isIdle) {
      const flush = gathered.length > 0 ? notBefore : Number.POSITIVE_INFINITY
      const foreign = Math.max(nextForeign(), notBefore)
      now = Math.max(now + 1e-6, Math.min(nextPost, writing?.until ?? Number.POSITIVE_INFINITY, flush, foreign))
    }
  }

  delays.sort(([one], [other]) => one - other)
  const [p50Ms, p99Ms] = [percentile(delays, 0.5), percentile(delays, 0.99)]
  const due = isOpen ? rate * seconds * entriesPerPost + foreignPerSecond * seconds : delivered
  return {
    cpu: busyMs / now,
    storeCpu: storeMs / now,
    perDeliveryUs: ((busyMs + storeMs) * 1000) / Math.max(1, delivered * clients),
    flushesPerSecond: (flushes * 1000) / now,
    writesPerSecond: (writes * 1000) / now,
    entriesPerSecond: (delivered * 1000) / now,
    p50Ms,
    p99Ms,
    isFull: busyMs / now > 0.98 || delivered < due * 0.8 - entriesPerPost * 10,
  }
}

function percentile(sorted: readonly (readonly [number, number])[], share: number): number {
  const total = sorted.reduce((sum, [, weight]) => sum + weight, 0)
  let left = total * share
  for (const [value, weight] of sorted) {
    left -= weight
    if (left <= 0) return value
  }
  return sorted.at(-1)?.[0] ?? 0
}

/** Numbers from 0 to 1 that are the same in each run (mulberry32). */
function createRandom(): () => number {
  let state = 1
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296
  }
}
