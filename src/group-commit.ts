/**
 * Appends that come close together are stored together, in fewer rows and fewer transactions: each of these costs more than
 * the entries in it. An append is answered when it is stored, as if it had come alone.
 */
import type { BatchStore } from './batch-store.ts'
import { nextTurn } from './pacer.ts'

/** Most characters that wait for the next transaction: a program may log without end in one turn. */
const MAX_WAITING = 4 * 1024 * 1024

/** What is to be stored. */
export interface Append {
  /** The JSON texts of its entries. */
  readonly lines: readonly string[]
  /** Stored unless the key was used before. */
  readonly once?: { readonly key: string; readonly answer: string } | undefined
}

/** What came of an append. */
interface Stored {
  readonly ids: readonly string[]
  /** The answer of the first use of its key. */
  readonly answer: string
  /** False when its key was used before. */
  readonly isNew: boolean
}

/** Options of {@link createGroupCommit}. */
export interface GroupCommitOptions<Item extends Append> {
  readonly store: BatchStore
  /** Stores all that is done in it or nothing, and throws what it threw. */
  transaction<Result>(work: () => Result): Result
  /** Called with what was stored, before any of it is answered. */
  onStored(items: readonly Item[], results: readonly Stored[]): void
  /** What an append is refused with when nothing of its transaction was stored. */
  toRefusal(error: unknown): Error
  /** Least time after a transaction of several appends until the next one, in milliseconds. @default 0 */
  readonly intervalMs?: number
}

/** The appends of one store. */
export interface GroupCommit<Item extends Append> {
  /** Resolves when it is stored. */
  append(item: Item): Promise<Stored>
  /** Stores now what waits, so that a program finds in the past what it has just logged. */
  flush(): void
}

interface Waiting<Item> {
  readonly item: Item
  done(result: Stored): void
  failed(error: Error): void
}

/** Makes the queue before a store. */
export function createGroupCommit<Item extends Append>(options: GroupCommitOptions<Item>): GroupCommit<Item> {
  const { store, onStored, toRefusal, intervalMs = 0 } = options
  let waiting: Waiting<Item>[] = []
  let waitingLength = 0
  let notBefore = 0

  /** Not paced like the readers are, or each writer would wait for what they cost. */
  function schedule(): void {
    const wait = notBefore - performance.now()
    if (wait > 1) setTimeout(commit, wait)
    else nextTurn(commit)
  }

  function commit(): void {
    if (waiting.length === 0) return
    const appends = waiting
    waiting = []
    waitingLength = 0
    const items = appends.map(({ item }) => item)
    let results: Stored[]
    try {
      results = options.transaction(() => storeAll(store, items))
    } catch (error) {
      store.reload()
      const refusal = toRefusal(error)
      for (const { failed } of appends) failed(refusal)
      return
    }
    onStored(items, results)
    for (const [index, { done }] of appends.entries()) done(results[index] as Stored)
    // A sender that waits for each answer before it sends again has nothing to gain.
    if (appends.length > 1) notBefore = performance.now() + intervalMs
  }

  return {
    append(item) {
      return new Promise((done, failed) => {
        if (waiting.length === 0) schedule()
        waiting.push({ item, done, failed })
        for (const line of item.lines) waitingLength += line.length
        if (waitingLength > MAX_WAITING) commit()
      })
    },
    flush: commit,
  }
}

/** Appends that follow each other share a row; one with a key has its own, since a row has one key. */
function storeAll(store: BatchStore, items: readonly Append[]): Stored[] {
  const results: Stored[] = []
  for (let from = 0; from < items.length; ) {
    const { lines, once } = items[from] as Append
    if (once !== undefined) {
      const { head } = store
      const answer = store.appendOnce(once.key, lines, once.answer)
      results.push({ ids: [], answer, isNew: store.head > head })
      from++
      continue
    }
    const end = items.findIndex(({ once }, index) => index > from && once !== undefined)
    const together = items.slice(from, end === -1 ? items.length : end)
    const ids = store.append(together.flatMap((item) => item.lines))
    let first = 0
    for (const item of together) {
      results.push({ ids: ids.slice(first, first + item.lines.length), answer: '', isNew: true })
      first += item.lines.length
    }
    from += together.length
  }
  return results
}
