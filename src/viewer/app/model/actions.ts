/** What the user can do with the list: by click and by key it is the same. */
import { batch as together } from '@preact/signals'
import { GAP, type Past } from '../wire/protocol.ts'
import { readAddress, type ViewAddress, writeAddress } from './address.ts'
import { plainText } from './ansi.ts'
import { foldedLines, type GapNote, gapSentence, levelName, parseEntry } from './entry.ts'
import { applyFilter, chooseRows, loadOlder, pause, readPast, resume } from './feed.ts'
import { valueTerm, withTerm } from './query.ts'
import {
  applied,
  around,
  createShelf,
  draft,
  filterFault,
  following,
  levels,
  live,
  loading,
  missed,
  NONE,
  notice,
  opened,
  paused,
  range,
  type Selection,
  selection,
  shelf,
  touch,
} from './state.ts'
import { DEFAULT_STREAM, pathOf, stream } from './streams.ts'

/** Entries on either side that "show around it" begins with, and takes more of. */
const NEIGHBOURS = 100

/** Most entries that are shown around one. */
const MAX_AROUND = 5000

/** Graver than this is an error. */
const ERROR = 4

/** Most lines that a row unfolds to; the open entry has them all. */
const MAX_FOLDED = 200

/** How long a notice stays, in milliseconds. */
const NOTICE_MS = 2500

/** What the list does to bring a position into sight. Set by the list. */
export const list: { reveal: (position: number, where: 'near' | 'middle') => void; page: () => number } = {
  reveal: () => {},
  page: () => 10,
}

let noticeTimer: ReturnType<typeof setTimeout> | undefined

/** Says what was done. */
function announce(text: string): void {
  notice.value = text
  clearTimeout(noticeTimer)
  noticeTimer = setTimeout(() => {
    notice.value = ''
  }, NOTICE_MS)
}

/** Selects the entry at a position. */
export function select(position: number, where: 'near' | 'middle' | 'stay' = 'near'): void {
  const { store } = shelf.peek()
  if (position < store.start || position >= store.end) return
  together(() => {
    selection.value = {
      id: store.id(position),
      position,
      level: store.level(position),
      line: store.line(position),
    }
    if (position < store.end - 1) following.value = false
  })
  if (where !== 'stay') list.reveal(position, where)
}

/** Moves the selection by rows. */
export function moveSelection(by: number): void {
  const { rows } = shelf.peek()
  if (rows.length === 0) return
  const chosen = selection.peek()
  const from = chosen === undefined ? (by > 0 ? -1 : rows.length) : rows.rowAt(chosen.position)
  select(rows.position(Math.min(rows.length - 1, Math.max(0, from + by))))
}

/** Selects the first entry that is held. */
export function selectFirst(): void {
  const { rows } = shelf.peek()
  if (rows.length > 0) select(rows.position(0))
}

/** Goes to the live end and stays there. */
export function goLive(): void {
  together(() => {
    around.value = undefined
    if (range.peek() !== undefined) setRange(undefined)
    resume()
    selection.value = undefined
    following.value = true
    missed.value = NONE
    touch()
  })
}

/** The next or the previous error from the selection, or from the end where nothing is selected. */
export function goToError(step: 1 | -1): void {
  const { store, rows } = shelf.peek()
  const chosen = selection.peek()
  const from = chosen === undefined ? (step > 0 ? -1 : rows.length) : rows.rowAt(chosen.position)
  for (let row = from + step; row >= 0 && row < rows.length; row += step) {
    const position = rows.position(row)
    const level = store.level(position)
    if (level >= ERROR && level !== GAP) {
      select(position, 'middle')
      return
    }
  }
  announce(step > 0 ? 'No later error.' : 'No earlier error.')
}

/** Goes to what happened in a stretch of time: its first error, or its first entry. */
export function goToTime(from: number, to: number): void {
  const { store, rows } = shelf.peek()
  let first: number | undefined
  for (let row = 0; row < rows.length; row++) {
    const position = rows.position(row)
    const time = store.time(position)
    const level = store.level(position)
    if (time < from || time >= to || level === GAP) continue
    first ??= position
    if (level >= ERROR) {
      first = position
      break
    }
  }
  if (first === undefined) {
    announce('Nothing shown at this time.')
    return
  }
  following.value = false
  select(first, 'middle')
}

/** Opens or closes the selected entry. */
export function toggleOpen(open = !opened.peek()): void {
  opened.value = open && selection.peek() !== undefined
}

/** Shows all lines of an entry on its row, or one. */
export function fold(position: number, open?: boolean): void {
  const { store, unfolded } = shelf.peek()
  if (store.level(position) === GAP) return
  const extra = Math.min(MAX_FOLDED, foldedLines(parseEntry(store.line(position))).length) - 1
  const isOpen = unfolded.has(position)
  if (extra < 1 || open === isOpen) return
  if (isOpen) unfolded.delete(position)
  else unfolded.set(position, extra)
  touch()
}

/** Stops and goes on. */
export function togglePause(): void {
  if (paused.peek()) resume()
  else pause()
}

/** Shows one level, or takes it away again; none chosen is all. */
export function toggleLevel(rank: number): void {
  levels.value ^= 1 << rank
  if (levels.peek() === 0b111111) levels.value = 0
  chooseRows()
}

/** Shows only a stretch of time, or all. */
export function setRange(next: readonly [number, number] | undefined): void {
  together(() => {
    range.value = next
    if (next !== undefined) following.value = false
    chooseRows()
  })
}

/** Filters by a value of an entry, or leaves out what has it. */
export function filterBy(path: readonly (string | number)[], value: unknown, negate = false): void {
  // What is shown passed the filter in force, not one at fault.
  const q = filterFault.peek() === '' ? draft.peek() : applied.peek()
  setFilter(withTerm(q, valueTerm(path, value), negate))
}

/** Puts a filter into the box and applies it. */
function setFilter(q: string): void {
  draft.value = q
  around.value = undefined
  void applyFilter(q)
}

/** Takes filter, levels and range away. */
export function clearFilter(): void {
  together(() => {
    levels.value = 0
    setRange(undefined)
    setFilter('')
  })
}

/** Shows an entry with its neighbours, without the filter. */
export async function showAround(id: string): Promise<void> {
  const shelf = createShelf(MAX_AROUND)
  const page = await readNear(id, NEIGHBOURS)
  const index = page?.batch.ids.indexOf(id) ?? -1
  if (page === undefined || index < 0) return announce('This entry is no longer stored.')
  shelf.store.append(page.batch)
  shelf.older = page.before
  shelf.rows.remake({ levels: 0, range: undefined, collapse: false })
  together(() => {
    following.value = false
    around.value = { id, shelf }
    const position = shelf.store.start + index
    selection.value = {
      id,
      position,
      level: shelf.store.level(position),
      line: shelf.store.line(position),
    }
    touch()
  })
  list.reveal(shelf.store.start + index, 'middle')
}

/** Takes more entries around the one, on the side that was reached. */
export async function moreAround(side: 'older' | 'newer'): Promise<void> {
  const shown = around.peek()
  if (shown === undefined) return
  const { shelf } = shown
  const { store } = shelf
  if (side === 'older') {
    if (shelf.older === null) return
    const past = await readPast({ q: '', tail: NEIGHBOURS, before: shelf.older })
    shelf.older = past.before
    store.prepend(past.batch)
  } else {
    const last = store.id(store.end - 1)
    const page = await readNear(last, NEIGHBOURS)
    const index = page?.batch.ids.indexOf(last) ?? -1
    if (page === undefined || index < 0) return
    if (store.size + NEIGHBOURS <= store.capacity) store.append(page.batch, index + 1)
  }
  shelf.rows.remake()
  touch()
}

/** Goes back from the neighbours to the list. */
export function leaveAround(): void {
  const shown = around.peek()
  if (shown === undefined) return
  around.value = undefined
  const position = live.peek().store.find(shown.id)
  if (position === undefined) goLive()
  else select(position, 'middle')
}

/**
 * An entry with so many on either side. Sequence numbers are dense, so the id that stands so far behind is known; when there is
 * none yet, the newest entries have it.
 */
async function readNear(id: string, count: number): Promise<Past | undefined> {
  const cut = id.lastIndexOf('-')
  const behind = `${id.slice(0, cut)}-${Number(id.slice(cut + 1)) + count + 1}`
  try {
    const page = await readPast({ q: '', tail: 2 * count + 1, before: behind })
    return page.batch.ids.includes(id) ? page : await readPast({ q: '', tail: 2 * count + 1 })
  } catch (error) {
    announce(error instanceof Error ? error.message : 'The past cannot be read.')
    return undefined
  }
}

/** Goes to the page of another log, with the same filter, levels and time. */
export function goToStream(name: string): void {
  const { q, levels, range } = viewAddress()
  location.assign(pathOf(name) + writeAddress({ q, levels, range, at: undefined, around: undefined }))
}

/** The address of the view, with an entry where it is given. */
export function linkTo(id?: string): string {
  return `${location.origin}${location.pathname}${writeAddress({ ...viewAddress(), at: id })}`
}

/** The view as the address has it. */
export function viewAddress(): ViewAddress {
  return {
    q: applied.value,
    levels: levels.value,
    range: range.value,
    at: opened.value ? selection.value?.id : undefined,
    around: around.value?.id,
  }
}

/** Takes the view of an address; the filter comes with the feed's start. */
export function takeView(fragment: string): ViewAddress {
  const { view } = readAddress(fragment)
  draft.value = view.q
  levels.value = view.levels
  range.value = view.range
  if (view.range !== undefined) following.value = false
  chooseRows()
  return view
}

/** Goes to the entry that a link names, wherever it is. */
export async function openLinked({ at, around: near, range }: ViewAddress): Promise<void> {
  await untilLoaded()
  const id = near ?? at
  if (range !== undefined) {
    await reachBack(range[0])
    const { rows } = live.peek()
    if (rows.length > 0) list.reveal(rows.position(0), 'middle')
  }
  if (id === undefined) return
  const position = near === undefined ? live.peek().store.find(id) : undefined
  if (position !== undefined && live.peek().rows.shows(position)) select(position, 'middle')
  else await showAround(id)
  toggleOpen(true)
}

/** Reads back until a time is reached, or there is nothing more. */
async function reachBack(time: number): Promise<void> {
  for (;;) {
    const { store } = live.peek()
    if (store.size > 0 && store.time(store.start) < time) return
    if (!(await loadOlder().catch(() => false))) return
  }
}

function untilLoaded(): Promise<void> {
  return new Promise((resolve) => {
    const stop = loading.subscribe((busy) => {
      if (busy) return
      queueMicrotask(() => stop())
      resolve()
    })
  })
}

/** An entry as JSON, as `GET /logs` gives it. */
export function entryJson({ id, line }: Pick<Selection, 'id' | 'line'>): string {
  return JSON.stringify({ id, ...(JSON.parse(line) as object) }, null, 2)
}

/** Puts a text on the clipboard. */
export async function copy(text: string, what: string): Promise<void> {
  try {
    await copyText(text)
    announce(`${what} copied.`)
  } catch {
    announce('The browser does not allow copying.')
  }
}

/** Over plain http, but on this machine itself, browsers have no clipboard for pages. */
async function copyText(text: string): Promise<void> {
  if (navigator.clipboard !== undefined) return await navigator.clipboard.writeText(text)
  const area = document.createElement('textarea')
  area.value = text
  area.className = 'offscreen'
  document.body.append(area)
  area.select()
  const done = document.execCommand('copy')
  area.remove()
  if (!done) throw new Error('refused')
}

/** Saves what is shown. */
export function download(form: 'ndjson' | 'text'): void {
  const { store, rows } = shelf.peek()
  const pieces: string[] = []
  for (let position = store.start; position < store.end; position++) {
    if (store.level(position) === GAP || !rows.shows(position)) continue
    const line = store.line(position)
    pieces.push(form === 'ndjson' ? `{"id":${JSON.stringify(store.id(position))},${line.slice(1)}\n` : toText(line))
  }
  const url = URL.createObjectURL(
    new Blob(pieces, { type: form === 'ndjson' ? 'application/x-ndjson' : 'text/plain;charset=utf-8' }),
  )
  const link = document.createElement('a')
  link.href = url
  const name = stream.peek() === DEFAULT_STREAM ? 'edgetail' : `edgetail-${stream.peek()}`
  link.download = `${name}-${new Date().toISOString().slice(0, 19).replaceAll(':', '')}.${form === 'ndjson' ? 'ndjson' : 'txt'}`
  link.click()
  setTimeout(() => URL.revokeObjectURL(url), 10_000)
  announce(`${pieces.length.toLocaleString('en')} entries saved.`)
}

function toText(line: string): string {
  const { ts, level, message, context } = JSON.parse(line) as ReturnType<typeof parseEntry>
  const rest = Object.keys(context).length > 0 ? ` ${JSON.stringify(context)}` : ''
  return `${ts} ${level.toUpperCase().padEnd(5)} ${message}${rest}\n`
}

/** What a screen reader is told of an entry. */
export function spoken(level: number, line: string): string {
  if (level === GAP) return gapSentence(JSON.parse(line) as GapNote)
  return `${levelName(level)}: ${plainText(parseEntry(line).first)}`
}
