/**
 * Appends on their way from a Worker to its log room. One call is under way at a time; what other requests append meanwhile
 * leaves together with the next, since a call costs the room the same with one entry or with a thousand.
 *
 * On Workers what a request has begun runs in its name, and ends with it: neither a timer nor an answer comes to one whose
 * client has left. So each call is made by a request that has something in it, and `waitUntil` keeps every request until its
 * own is stored. Should one be gone all the same, the others notice by themselves.
 */
import type { Append } from '../group-commit.ts'

/** Most characters of entries in one call, but for an append that is larger by itself. */
const MAX_CALL_LENGTH = 4 * 1024 * 1024

/**
 * How often a request that waits looks by itself whether it is its turn, in milliseconds. It is woken otherwise, but not by one
 * that is gone. Without a timer of its own it would count as hung, besides.
 */
const LOOK_MS = 50

/** Longest wait for an answer, in milliseconds: `waitUntil` keeps nothing for longer than that after the answer. */
const ANSWER_MS = 30_000

/** What an append is answered. */
interface Stored {
  readonly ids: readonly string[]
  /** The answer of the first use of its key. */
  readonly answer: string
}

/** What came of an append. */
export type AppendOutcome =
  | Stored
  | {
      /** Why it was refused. */
      readonly error: string
    }

/** Options of {@link RoomWriter}. */
export interface RoomWriterOptions {
  /** Stores appends, in order. */
  send(appends: readonly Append[]): Promise<readonly AppendOutcome[]>
  /** Keeps alive what a request has begun when it ends. */
  waitUntil(promise: Promise<unknown>): void
}

interface Item {
  readonly append: Append
  readonly length: number
  /** When nobody waits for it any more, in milliseconds since the epoch. */
  readonly due: number
  outcome: AppendOutcome | undefined
  /** Resolves a promise of its own request, which goes on in that request's name. */
  wake(): void
}

/** Writes to one room. */
export class RoomWriter {
  readonly #options: RoomWriterOptions
  #waiting: Item[] = []
  /** Until when the call that is under way may take; undefined when none is. */
  #busyUntil: number | undefined

  constructor(options: RoomWriterOptions) {
    this.#options = options
  }

  /**
   * Resolves when it is stored.
   *
   * @throws whatever the call failed with; nobody can tell then whether it was stored
   */
  append(append: Append): Promise<Stored> {
    const stored = this.#store(append)
    // Whoever waits for it is told.
    this.#options.waitUntil(stored.catch(() => {}))
    return stored
  }

  async #store(append: Append): Promise<Stored> {
    const length = append.lines.reduce((sum, line) => sum + line.length, 0)
    const item: Item = { append, length, due: Date.now() + ANSWER_MS, outcome: undefined, wake: () => {} }
    this.#waiting.push(item)
    while (item.outcome === undefined) {
      if (Date.now() > item.due) {
        this.#waiting = this.#waiting.filter((waiting) => waiting !== item)
        throw new Error('The log room did not answer in time.')
      }
      if (this.#isFree && this.#waiting.includes(item)) this.#send()
      await wait(item)
    }
    if ('error' in item.outcome) throw new Error(item.outcome.error)
    return item.outcome
  }

  get #isFree(): boolean {
    return this.#busyUntil === undefined || Date.now() > this.#busyUntil
  }

  /** Sends what waits, in the name of the request that runs now. */
  #send(): void {
    const items = this.#take()
    const until = Date.now() + ANSWER_MS
    this.#busyUntil = until
    void this.#call(items).then((outcomes) => {
      for (const [index, item] of items.entries()) {
        item.outcome = outcomes[index] ?? { error: 'The log room left out an answer.' }
        item.wake()
      }
      // Another may have taken over, when this one was given up.
      if (this.#busyUntil === until) this.#busyUntil = undefined
      this.#waiting[0]?.wake()
    })
  }

  async #call(items: readonly Item[]): Promise<readonly AppendOutcome[]> {
    try {
      return await this.#options.send(items.map(({ append }) => append))
    } catch (error) {
      return items.map(() => ({ error: String(error) }))
    }
  }

  #take(): Item[] {
    let count = 0
    let length = 0
    for (const item of this.#waiting) {
      length += item.length
      if (count > 0 && length > MAX_CALL_LENGTH) break
      count++
    }
    return this.#waiting.splice(0, count)
  }
}

/** Waits until it is woken, or for a moment. */
async function wait(item: Item): Promise<void> {
  const { promise, resolve } = ofThisRequest()
  item.wake = resolve
  const timer = setTimeout(resolve, LOOK_MS)
  await promise
  clearTimeout(timer)
}

/**
 * A promise that another request may resolve: whoever waits for it goes on in the name of this one. `new Promise` makes such a one
 * only until V8 has optimised the code around it. From then on what waits goes on in the other request's name, where it has none
 * of its own I/O, and the request fails or hangs (workerd 2026-10-23: `ReduceJSCreatePromise` of TurboFan, the same in Maglev,
 * leaves the mark of the request out). What a builtin makes is always marked.
 */
function ofThisRequest(): Resolvers {
  // Asked for by name, since only Workers run this: Node 20 lacks it, so that nothing else may use it.
  return (Promise as unknown as { withResolvers(): Resolvers }).withResolvers()
}

interface Resolvers {
  readonly promise: Promise<void>
  resolve(): void
}
