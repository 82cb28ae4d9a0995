/**
 * Brings entries from the worker into the list. A new filter begins with an empty list: the stream is opened first, then the
 * past is read, and what both have is taken once; so nothing falls between them.
 */
import { batch as together } from '@preact/signals'
import { type Batch, GAP, type Past, type PastQuery, type Report, type Request } from '../wire/protocol.ts'
import { settings } from './settings.ts'
import {
  applied,
  around,
  createShelf,
  draft,
  filterFault,
  following,
  live,
  loading,
  missed,
  NONE,
  opened,
  paused,
  range,
  rate,
  rowChoice,
  selection,
  session,
  signInNote,
  status,
  touch,
  unseen,
  vitals,
} from './state.ts'
import { EntryStore } from './store.ts'
import { base, loadStreams, streams } from './streams.ts'

/** Entries that a new filter begins with: a few screens. */
const FIRST_PAGE = 300

/** Entries of a further page. */
const PAGE = 1000

/** Entries that are filled in behind by themselves, as many as a server keeps by default. */
const FILL = 10_000

/** Least time between two drawings of new entries, in milliseconds. */
const FLUSH_MS = 60

/** As before, where so many come a second that every drawing changes all rows: nobody reads them, and the machine stays cool. */
const RUSH_FLUSH_MS = 150
const RUSH = 300

/** As before, in a tab that nobody sees. */
const HIDDEN_FLUSH_MS = 500

/** How often the worker hears of us, in milliseconds. */
const HERE_MS = 20_000

/** Wait before a page of the past that was cut off is asked for again, in milliseconds. */
const PAST_RETRY_MS = 1000

/** Codes of refusals that another try does not change. */
const FINAL = new Set(['unauthorized', 'forbidden', 'invalid_query', 'not_found', 'not_configured'])

/** Wait before a worker whose script could not be loaded is started again, in milliseconds. */
const WORKER_RETRY_MS = 3000

/** Errors and worse. */
const ERROR = 4

/** A page of the past that could not be read. */
class FeedError extends Error {
  readonly code: string

  constructor(code: string, message: string) {
    super(message)
    this.code = code
  }
}

/** Tells the tabs of the other logs, which have workers of their own, that the session has begun or ended for them too. */
const others = new BroadcastChannel('edgetail')

let send: (request: Request) => void = () => {}
let turn = 0
let wanted = ''
/** Filters that were asked for. */
let asked = 0
/** The list has to begin anew with the past. */
let needsPast = true
/** Until the past is there nothing can be shown. */
let holding = true
/** What came by the stream before the past was there. */
let early: Batch[] = []
let queue: Batch[] = []
let scheduled = false
let flushedAt = 0
/** What came during a pause. */
let waiting: EntryStore | undefined
let dropped = 0
/** The newest entry that was taken, so that what comes twice is known. */
let newest = { epoch: '', sequence: -1 }
let calls = 0
const pending = new Map<number, { resolve: (past: Past) => void; reject: (error: FeedError) => void }>()
let recent: { at: number; entries: number }[] = []

/** Starts the worker and watches. */
export function startFeed(q: string): void {
  wanted = q
  start()
  setInterval(() => send({ type: 'here' }), HERE_MS)
  setInterval(measureRate, 1000)
  addEventListener('online', () => send({ type: 'retry' }))
  others.onmessage = ({ data }: MessageEvent<'retry' | 'sign-out'>) => send({ type: data })
  addEventListener('pagehide', () => send({ type: 'leave' }))
  addEventListener('pageshow', ({ persisted }: PageTransitionEvent) => {
    if (persisted) watch(wanted)
  })
  document.addEventListener('visibilitychange', () => {
    if (!document.hidden) {
      unseen.value = NONE
      if (session.peek() === 'in') void loadStreams()
    }
    schedule()
  })
}

/** Tries at once what waits to be tried. */
export function retryNow(): void {
  send({ type: 'retry' })
}

/** Goes over to another filter; one that the server refuses changes nothing but the note under the box. */
export async function applyFilter(q: string): Promise<void> {
  const filter = q.trim()
  filterFault.value = ''
  if (filter === wanted) {
    asked++
    return
  }
  const own = ++asked
  try {
    await readPast({ q: filter, tail: 0 })
  } catch (error) {
    if (own !== asked) return
    if (error instanceof FeedError && error.code === 'invalid_query') {
      filterFault.value = error.message
      return
    }
  }
  if (own === asked) watch(filter)
}

/** Ends the session for every tab. */
export async function signOut(): Promise<void> {
  await fetch(`${base}/session`, { method: 'DELETE' }).catch(() => undefined)
  send({ type: 'sign-out' })
  others.postMessage('sign-out')
}

/** Trades a token for a session. The token is not kept. */
export async function signIn(token: string): Promise<void> {
  signInNote.value = ''
  let answer: Response
  try {
    answer = await fetch(`${base}/session`, { method: 'POST', headers: { Authorization: `Bearer ${token}` } })
  } catch {
    signInNote.value = 'The server cannot be reached.'
    return
  }
  if (answer.ok) {
    session.value = 'in'
    send({ type: 'retry' })
    others.postMessage('retry')
    return
  }
  const { error } = (await answer.json().catch(() => ({}))) as { error?: { message: string } }
  together(() => {
    session.value = 'out'
    signInNote.value = error?.message ?? `The server answered ${answer.status}.`
  })
}

/**
 * Reads a page of the past.
 *
 * @throws FeedError
 */
export function readPast(query: PastQuery): Promise<Past> {
  return new Promise((resolve, reject) => {
    const call = ++calls
    pending.set(call, { resolve, reject })
    send({ type: 'past', call, base, query })
  })
}

/** Reads the page before the first entry that is held, if there is room for it. Says whether anything came. */
export async function loadOlder(size: number = PAGE): Promise<boolean> {
  const shelf = live.peek()
  const { store, older } = shelf
  const room = store.capacity - store.size
  if (older === null || room === 0) return false
  const past = await readPast({ q: applied.peek(), tail: Math.min(size, room), before: older })
  // Another filter, or a page that was read twice.
  if (live.peek() !== shelf || shelf.older !== older) return false
  store.prepend(past.batch)
  shelf.older = past.before
  shelf.rows.remake()
  touch()
  return past.batch.ids.length > 0
}

/** Lets the list stand still while entries go on coming in. */
export function pause(): void {
  if (paused.peek()) return
  drain()
  waiting = new EntryStore(settings.peek().hold)
  dropped = 0
  together(() => {
    paused.value = true
    missed.value = NONE
  })
}

/** Shows what came meanwhile. */
export function resume(): void {
  if (!paused.peek()) return
  const came = waiting as EntryStore
  waiting = undefined
  together(() => {
    paused.value = false
    if (dropped > 0) shelve(gapBatch('paused', dropped))
    shelve(came.slice(came.start, came.end))
    if (following.peek()) missed.value = NONE
    touch()
  })
}

/** Makes the list anew with another capacity; the newest entries stay. */
export function resize(capacity: number): void {
  const before = live.peek()
  if (before.store.capacity === capacity) return
  const next = createShelf(capacity)
  const { store } = before
  next.older = before.older
  if (store.size > capacity) next.older = store.id(store.end - capacity)
  next.store.append(store.slice(Math.max(store.start, store.end - capacity), store.end))
  next.rows.grow()
  together(() => {
    live.value = next
    keepSelection()
    touch()
  })
}

/** Starts the worker, until it does. Its script may be cut off on the way like anything else. */
function start(): void {
  const script = `${base}/viewer.js?${document.documentElement.dataset.build}`
  let port: Pick<Worker, 'postMessage'> & { onmessage: ((event: MessageEvent<Report>) => void) | null }
  const failed = (): void => {
    const now = Date.now()
    const until = now + WORKER_RETRY_MS
    status.value = {
      state: 'waiting',
      until,
      since: now,
      attempts: 1,
      reason: 'The page’s worker could not be loaded.',
    }
    setTimeout(start, WORKER_RETRY_MS)
  }
  if (typeof SharedWorker === 'function') {
    const shared = new SharedWorker(script, { name: 'edgetail' })
    shared.onerror = failed
    port = shared.port
  } else {
    const own = new Worker(script)
    own.onerror = failed
    port = own
  }
  port.onmessage = ({ data }) => receive(data)
  send = (request) => port.postMessage(request)
  watch(wanted)
}

function watch(q: string): void {
  wanted = q
  turn++
  needsPast = true
  holding = true
  loading.value = true
  early = []
  queue = []
  send({ type: 'watch', base, q, turn })
}

function receive(report: Report): void {
  if (report.type === 'past') pending.get(report.call)?.resolve(report.past)
  else if (report.type === 'past-failed') pending.get(report.call)?.reject(new FeedError(report.code, report.reason))
  else if (report.type === 'unknown') watch(wanted)
  else if (report.turn === turn) {
    if (report.type === 'entries') take(report.batch)
    else if (report.type === 'vitals') vitals.value = report.vitals
    else receiveStatus(report.status)
  }
  if ('call' in report) pending.delete(report.call)
}

function receiveStatus(next: typeof status.value): void {
  together(() => {
    if (next.state === 'refused' && next.code === 'invalid_query' && wanted !== '') {
      // By a link: the filter cannot be used, the rest of the view can.
      filterFault.value = next.reason
      watch('')
      return
    }
    status.value = next
    // Where this log cannot be had, such as a stream for which there is no place, others may.
    if (next.state === 'waiting' && streams.peek().length === 0) void loadStreams()
    const isOut = next.state === 'signed-out' || (next.state === 'refused' && next.code === 'forbidden')
    if (next.state === 'live') {
      session.value = 'in'
      void loadStreams()
      signInNote.value = ''
      if (needsPast) void begin()
    } else if (isOut) {
      // The first visit needs no reason why.
      const wasIn = session.peek() === 'in'
      if (next.state === 'refused' || (wasIn && signInNote.peek() === '')) signInNote.value = next.reason
      empty()
      selection.value = undefined
      opened.value = false
      around.value = undefined
      session.value = 'out'
      needsPast = true
      holding = true
    } else if (next.state === 'waiting' && needsPast && applied.peek() !== wanted) {
      // No row of the old filter stays while the new one cannot be had.
      empty()
      applied.value = wanted
    }
  })
}

/** Nothing of a log stays on the screen or in memory. */
function empty(): void {
  queue = []
  early = []
  waiting = undefined
  newest = { epoch: '', sequence: -1 }
  paused.value = false
  live.value = createShelf(settings.peek().hold)
  missed.value = NONE
  touch()
}

/** Positions are those of a list: in another one the selected entry has another, or none. */
function keepSelection(): void {
  const chosen = selection.peek()
  if (chosen === undefined || around.peek() !== undefined) return
  const position = live.peek().store.find(chosen.id)
  selection.value = position === undefined ? undefined : { ...chosen, position }
  if (position === undefined) opened.value = false
}

/** Begins a filter's list with the newest of the past, then fills in behind. */
async function begin(): Promise<void> {
  needsPast = false
  const own = turn
  let past: Past | undefined
  while (past === undefined) {
    try {
      past = await readPast({ q: wanted, tail: FIRST_PAGE })
    } catch (error) {
      const { code, message } = error as FeedError
      if (own === turn && FINAL.has(code)) {
        needsPast = true
        receiveStatus({ state: code === 'unauthorized' ? 'signed-out' : 'refused', code, reason: message })
      } else await new Promise((resolve) => setTimeout(resolve, PAST_RETRY_MS))
    }
    if (own !== turn || needsPast) return
  }
  together(() => {
    const came = early
    empty()
    holding = false
    applied.value = wanted
    loading.value = false
    live.peek().older = past.before
    following.value = range.peek() === undefined
    shelve(withoutKnown(past.batch))
    for (const batch of came) admit(batch)
    keepSelection()
    touch()
  })
  const shelf = live.peek()
  while (shelf === live.peek() && shelf.store.size < FILL && shelf.older !== null) {
    await new Promise((resolve) => setTimeout(resolve, 30))
    if (!(await loadOlder().catch(() => false))) break
  }
}

function take(batch: Batch): void {
  recent.push({ at: performance.now(), entries: batch.ids.length })
  if (holding) early.push(batch)
  else {
    queue.push(batch)
    schedule()
  }
}

function schedule(): void {
  if (scheduled || queue.length === 0) return
  scheduled = true
  const pace = document.hidden ? HIDDEN_FLUSH_MS : rate.peek() > RUSH ? RUSH_FLUSH_MS : FLUSH_MS
  const wait = pace - (performance.now() - flushedAt)
  const flush = (): void => {
    scheduled = false
    flushedAt = performance.now()
    drain()
  }
  if (document.hidden) setTimeout(flush, Math.max(0, wait))
  else if (wait > 0) setTimeout(() => requestAnimationFrame(flush), wait)
  else requestAnimationFrame(flush)
}

/** Takes what has come. */
function drain(): void {
  const came = queue
  queue = []
  if (came.length === 0) return
  together(() => {
    for (const batch of came) admit(batch)
    if (!paused.peek()) touch()
  })
}

/** Takes what was not there before, and counts it. */
function admit(batch: Batch): void {
  const fresh = withoutKnown(batch)
  const { length } = fresh.ids
  if (length === 0) return
  let entries = 0
  let errors = 0
  for (const level of fresh.levels) {
    if (level !== GAP) entries++
    if (level === ERROR || level === ERROR + 1) errors++
  }
  if (waiting !== undefined) dropped += waiting.append(fresh)
  else shelve(fresh)
  const add = (tally: typeof missed.value): typeof missed.value => ({
    entries: tally.entries + entries,
    errors: tally.errors + errors,
  })
  if (paused.peek() || !following.peek()) missed.value = add(missed.peek())
  if (document.hidden) unseen.value = add(unseen.peek())
}

/** Puts rows into the list. */
function shelve(batch: Batch): void {
  const shelf = live.peek()
  if (shelf.store.append(batch) > 0) shelf.older = shelf.store.id(shelf.store.start) || null
  shelf.rows.grow()
}

function withoutKnown(batch: Batch): Batch {
  const keep: number[] = []
  for (const [at, id] of batch.ids.entries()) {
    const cut = id.lastIndexOf('-')
    const epoch = id.slice(0, cut)
    const sequence = Number(id.slice(cut + 1))
    if (batch.levels[at] !== GAP) {
      if (epoch === newest.epoch && sequence <= newest.sequence) continue
      newest = { epoch, sequence }
    }
    keep.push(at)
  }
  if (keep.length === batch.ids.length) return batch
  const pick = <Value>(column: ArrayLike<Value>): Value[] => keep.map((at) => column[at] as Value)
  return {
    ids: pick(batch.ids),
    times: Float64Array.from(pick(batch.times)),
    levels: Uint8Array.from(pick(batch.levels)),
    signatures: Uint32Array.from(pick(batch.signatures)),
    lines: pick(batch.lines),
  }
}

/** A row of our own that says what is missing. */
function gapBatch(reason: string, count: number): Batch {
  return {
    ids: [''],
    times: Float64Array.of(Date.now()),
    levels: Uint8Array.of(GAP),
    signatures: Uint32Array.of(0),
    lines: [JSON.stringify({ reason, dropped: count })],
  }
}

/** Over the last five seconds: a second alone would flicker. */
function measureRate(): void {
  const from = performance.now() - 5000
  recent = recent.filter(({ at }) => at > from)
  rate.value = recent.reduce((sum, { entries }) => sum + entries, 0) / 5
}

/** Shows other levels or another range of the live list. */
export function chooseRows(): void {
  live.peek().rows.remake(rowChoice())
  touch()
}

/** Puts repeats on one row, or on rows of their own. */
export function chooseRowsOf(collapse: boolean): void {
  if (live.peek().rows.choice.collapse !== collapse) chooseRows()
}

/** Puts the filter that is in force back into the box. */
export function resetDraft(): void {
  draft.value = applied.peek()
  filterFault.value = ''
}
