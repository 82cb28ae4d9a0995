/** The keyboard. Everything that the mouse can do has a key, and `?` shows them. */
import {
  clearFilter,
  copy,
  download,
  entryJson,
  fold,
  goLive,
  goToError,
  leaveAround,
  linkTo,
  list,
  moveSelection,
  selectFirst,
  setRange,
  showAround,
  toggleLevel,
  toggleOpen,
  togglePause,
} from './actions.ts'
import { resetDraft } from './feed.ts'
import { applied, around, dialog, draft, opened, range, selection, session } from './state.ts'

/** One key, as the help shows it. */
export interface KeyHelp {
  readonly keys: readonly string[]
  readonly does: string
}

/** All keys, by what they are for. */
export const KEY_HELP: readonly { readonly title: string; readonly keys: readonly KeyHelp[] }[] = [
  {
    title: 'Move',
    keys: [
      { keys: ['↑', '↓'], does: 'previous, next entry (also k, j)' },
      { keys: ['e', 'E'], does: 'next, previous error' },
      { keys: ['PgUp', 'PgDn'], does: 'a page' },
      { keys: ['Home'], does: 'the oldest entry' },
      { keys: ['End', 'g'], does: 'the live end' },
    ],
  },
  {
    title: 'Entry',
    keys: [
      { keys: ['Enter'], does: 'open, close' },
      { keys: ['→', '←'], does: 'unfold, fold its lines' },
      { keys: ['a'], does: 'show what was around it' },
      { keys: ['c'], does: 'copy as JSON' },
      { keys: ['l'], does: 'copy a link to it' },
    ],
  },
  {
    title: 'View',
    keys: [
      { keys: ['/'], does: 'filter' },
      { keys: ['1', '…', '6'], does: 'only trace … fatal' },
      { keys: ['0'], does: 'no filter, all levels, all time' },
      { keys: ['Space'], does: 'pause, resume' },
      { keys: ['d'], does: 'download what is shown' },
      { keys: ['s'], does: 'settings' },
      { keys: ['Esc'], does: 'close, one step back' },
      { keys: ['?'], does: 'this help' },
    ],
  },
]

/** Starts to listen. */
export function listenToKeys(): void {
  document.addEventListener('keydown', (event) => {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return
    if (session.peek() !== 'in' || dialog.peek() !== undefined) return
    const target = event.target as HTMLElement
    if (isTyping(target)) return
    // A button or a link does with Enter and Space what it is there for.
    const isControl = target.closest('button, a, summary, [role=slider]') !== null
    if (isControl && (event.key === 'Enter' || event.key === ' ')) return
    if (target.closest('[role=slider]') && event.key.startsWith('Arrow')) return
    if (press(event.key)) event.preventDefault()
  })
}

/** Does what a key is for. Says whether it is for anything. */
function press(key: string): boolean {
  const chosen = selection.peek()
  if (key === 'ArrowUp' || key === 'k') moveSelection(-1)
  else if (key === 'ArrowDown' || key === 'j') moveSelection(1)
  else if (key === 'PageUp') moveSelection(-list.page())
  else if (key === 'PageDown') moveSelection(list.page())
  else if (key === 'Home') selectFirst()
  else if (key === 'End' || key === 'g' || key === 'G') goLive()
  else if (key === 'e') goToError(1)
  else if (key === 'E') goToError(-1)
  else if (key === 'Enter') toggleOpen()
  else if (key === ' ') togglePause()
  else if (key === '/') focusFilter()
  else if (key === '?') dialog.value = 'help'
  else if (key === 's') dialog.value = 'settings'
  else if (key === 'd') download('ndjson')
  else if (key === '0') clearFilter()
  else if (/^[1-6]$/.test(key)) toggleLevel(Number(key) - 1)
  else if (key === 'Escape') stepBack()
  else if (chosen === undefined) return false
  else if (key === 'ArrowRight') fold(chosen.position, true)
  else if (key === 'ArrowLeft') fold(chosen.position, false)
  else if (key === 'a') void showAround(chosen.id)
  else if (key === 'c') void copy(entryJson(chosen), 'Entry')
  else if (key === 'l') void copy(linkTo(chosen.id), 'Link')
  else return false
  return true
}

/** Closes what was opened last. */
function stepBack(): void {
  if (opened.peek()) toggleOpen(false)
  else if (around.peek() !== undefined) leaveAround()
  else if (draft.peek() !== applied.peek()) resetDraft()
  else if (range.peek() !== undefined) setRange(undefined)
  else selection.value = undefined
}

/** Goes to the filter box. */
function focusFilter(): void {
  const box = document.getElementById('filter') as HTMLInputElement | null
  box?.focus()
  box?.select()
}

function isTyping(target: HTMLElement): boolean {
  return target.matches('input, textarea, select') || target.isContentEditable
}
