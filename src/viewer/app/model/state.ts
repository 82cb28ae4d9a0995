/** What the page knows and shows, as signals: whoever reads one is drawn again when it changes. */
import { computed, type ReadonlySignal, type Signal, signal } from '@preact/signals'
import type { Status, Vitals } from '../wire/protocol.ts'
import { type Buckets, createBuckets } from './buckets.ts'
import { type Highlighter, highlighterOf } from './query.ts'
import { Rows } from './rows.ts'
import { settings } from './settings.ts'
import { EntryStore } from './store.ts'

/** Whether there is a session; unknown until the server has said. */
export const session: Signal<'unknown' | 'in' | 'out'> = signal('unknown')

/** Why the sign-in is shown again; empty at first. */
export const signInNote: Signal<string> = signal('')

export const status: Signal<Status> = signal({ state: 'connecting', since: undefined })

export const vitals: Signal<Vitals | undefined> = signal(undefined)

/** The clock, each second: for what says how long ago or how soon. */
export const now: Signal<number> = signal(Date.now())

/** What stands in the filter box. */
export const draft: Signal<string> = signal('')

/** The filter that what is shown passed. */
export const applied: Signal<string> = signal('')

/** What is wrong with the draft, in the server's words. */
export const filterFault: Signal<string> = signal('')

/** Entries of a new filter are on their way. */
export const loading: Signal<boolean> = signal(true)

/** A bit for each level that is shown; 0 for all. */
export const levels: Signal<number> = signal(0)

/** Only entries from this stretch are shown, in milliseconds since the epoch. */
export const range: Signal<readonly [number, number] | undefined> = signal(undefined)

/** Keeps to the newest entry. */
export const following: Signal<boolean> = signal(true)

export const paused: Signal<boolean> = signal(false)

/** Entries and errors. */
export interface Tally {
  readonly entries: number
  readonly errors: number
}

export const NONE: Tally = { entries: 0, errors: 0 }

/** What came since the view left the live end or was paused. */
export const missed: Signal<Tally> = signal(NONE)

/** What came while the tab was in the background. */
export const unseen: Signal<Tally> = signal(NONE)

/** Entries per second, over the last few. */
export const rate: Signal<number> = signal(0)

/** The selected entry. */
export interface Selection {
  readonly id: string
  readonly position: number
  readonly level: number
  readonly line: string
}

export const selection: Signal<Selection | undefined> = signal(undefined)

/** The selected entry is open beside the list. */
export const opened: Signal<boolean> = signal(false)

/** A list: what is held, and on which rows it is shown. */
export interface Shelf {
  readonly store: EntryStore
  readonly rows: Rows
  readonly buckets: Buckets
  /** Where the page before the first entry ends; null when nothing older is stored. */
  older: string | null
  /** Rows that show all their lines, by position, with how many those are beyond the first. */
  readonly unfolded: Map<number, number>
}

/** The entries that the filter let through. */
export const live: Signal<Shelf> = signal(createShelf(settings.peek().hold))

/** An entry with its neighbours, without the filter; covers the live list while it is there. */
export interface Around {
  readonly id: string
  readonly shelf: Shelf
}

export const around: Signal<Around | undefined> = signal(undefined)

/** The list that is shown. */
export const shelf: ReadonlySignal<Shelf> = computed(() => around.value?.shelf ?? live.value)

/** Counts every change of what the lists hold or show. */
export const revision: Signal<number> = signal(0)

/** What the filter marks. */
export const highlighter: ReadonlySignal<Highlighter> = computed(() => highlighterOf(applied.value))

/** Which dialog is open. */
export const dialog: Signal<'help' | 'settings' | undefined> = signal(undefined)

/** A word on what was just done, such as "Copied". */
export const notice: Signal<string> = signal('')

/** Makes an empty list. */
export function createShelf(capacity: number): Shelf {
  const buckets = createBuckets()
  const unfolded = new Map<number, number>()
  const store = new EntryStore(capacity, {
    added: (position) => buckets.add(store.time(position), store.level(position)),
    removed: (position) => {
      buckets.remove(store.time(position), store.level(position))
      unfolded.delete(position)
    },
  })
  return { store, rows: new Rows(store, rowChoice()), buckets, older: null, unfolded }
}

/** What is chosen to be shown of the live list. */
export function rowChoice(): { levels: number; range: readonly [number, number] | undefined; collapse: boolean } {
  return { levels: levels.peek(), range: range.peek(), collapse: settings.peek().collapse }
}

/** Says that what the lists hold or show is another. */
export function touch(): void {
  revision.value++
}
