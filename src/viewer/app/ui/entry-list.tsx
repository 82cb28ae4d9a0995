/**
 * The list: only the rows in sight and some beyond are in the document. It stays at the newest row while it follows; else the
 * row at its top stays where it is, whatever comes in behind, goes in front, or is filtered away.
 */
import { useSignal } from '@preact/signals'
import type { JSX } from 'preact'
import { useLayoutEffect, useRef } from 'preact/hooks'
import { fold, goLive, list, moreAround, select, toggleOpen } from '../model/actions.ts'
import { loadOlder } from '../model/feed.ts'
import { type Layout, layOut } from '../model/layout.ts'
import { markNothing } from '../model/query.ts'
import { settings } from '../model/settings.ts'
import {
  around,
  following,
  highlighter,
  loading,
  missed,
  NONE,
  now,
  paused,
  revision,
  type Shelf,
  selection,
  shelf,
} from '../model/state.ts'
import { formatCount, formatDay, plural } from '../model/time.ts'
import { EntryRow } from './entry-row.tsx'

/** Rows beyond the sight on either side, so that a quick scroll finds them drawn. */
const OVERSCAN = 6

/** Pixels from the top at which older entries are read. */
const NEAR = 400

/** Heights of a row, in pixels: on a wide screen, and where time and message stand on two lines. As in the style. */
const ROW_PX = 24
const NARROW_ROW_PX = 46

/** Height of a further line of an unfolded row, in pixels. As in the style. */
const LINE_PX = 18

const narrow = matchMedia('(max-width: 720px)')

/** The row that stays in its place. */
interface Anchor {
  position: number
  offset: number
}

/** The list with its live end. */
export function EntryList(): JSX.Element {
  const scroller = useRef<HTMLDivElement>(null)
  const anchor = useRef<Anchor>({ position: 0, offset: 0 })
  /** Where the list was put by us, so that it is not taken for the user's doing. */
  const placed = useRef(-1)
  const lastTop = useRef(0)
  const busy = useRef(false)
  const height = useSignal(600)
  const isNarrow = useSignal(narrow.matches)
  const scrolled = useSignal(0)
  void revision.value
  void scrolled.value
  const shown = shelf.value
  const { store, rows, unfolded } = shown
  const rowPx = isNarrow.value ? NARROW_ROW_PX : ROW_PX
  const layout = layoutOf(shown, rowPx)
  const furthest = Math.max(0, layout.height - height.value)
  const atRow = rows.rowAt(anchor.current.position)
  const y = following.value ? furthest : Math.min(furthest, layout.top(atRow) + anchor.current.offset)
  // While it follows nobody scrolls, and every row less is one less to draw anew many times a second.
  const overscan = following.value ? 1 : OVERSCAN
  const first = Math.max(0, layout.rowAt(y) - overscan)
  const last = Math.min(rows.length, layout.rowAt(y + height.value) + 1 + overscan)
  // Rows take turns with a fixed set of elements, so that new entries change texts rather than make elements.
  const pool = Math.ceil(height.value / rowPx) + 2 + 2 * overscan
  const { time: timeStyle, context: showContext } = settings.value
  const today = formatDay(now.value, timeStyle)
  const showDay = rows.length > 0 && formatDay(store.time(rows.position(first)), timeStyle) !== today
  const chosen = selection.value

  useLayoutEffect(() => {
    const element = scroller.current as HTMLDivElement
    const resize = new ResizeObserver(() => {
      height.value = element.clientHeight
    })
    const changed = (): void => {
      isNarrow.value = narrow.matches
    }
    resize.observe(element)
    narrow.addEventListener('change', changed)
    return () => {
      resize.disconnect()
      narrow.removeEventListener('change', changed)
    }
  }, [])

  useLayoutEffect(() => {
    const element = scroller.current as HTMLDivElement
    list.page = () => Math.max(1, Math.floor(element.clientHeight / rowPx) - 2)
    list.reveal = (position, where) => {
      // What was just put on the shelf may not be drawn yet.
      const current = layoutOf(shelf.peek(), rowPx)
      const top = current.top(shelf.peek().rows.rowAt(position))
      const view = element.clientHeight
      const from = following.peek() ? Math.max(0, current.height - view) : element.scrollTop
      if (where === 'near' && top >= from + rowPx && top <= from + view - 2 * rowPx) return
      const wanted = where === 'middle' ? top - view / 3 : top < from + rowPx ? top - rowPx : top - view + 2 * rowPx
      setAnchor(Math.max(0, wanted), current)
      scrolled.value++
    }
    if (Math.abs(element.scrollTop - y) >= 1) {
      element.scrollTop = y
      placed.current = element.scrollTop
      lastTop.current = element.scrollTop
    }
    if (following.peek()) setAnchor(y, layout)
  })

  function setAnchor(at: number, within: Layout): void {
    const row = within.rowAt(at)
    anchor.current = { position: shelf.peek().rows.position(row), offset: at - within.top(row) }
  }

  function onScroll(): void {
    const element = scroller.current as HTMLDivElement
    const { scrollTop } = element
    const isOurs = Math.abs(scrollTop - placed.current) < 1.5
    placed.current = -1
    if (!isOurs) {
      const isUp = scrollTop < lastTop.current - 1
      if (scrollTop >= element.scrollHeight - element.clientHeight - 2) {
        // A list that became shorter, or a window that became higher, moves it up without the user.
        if (!isUp && around.peek() !== undefined) void once(() => moreAround('newer'))
        else if (!isUp && !following.peek()) {
          following.value = true
          if (!paused.peek()) missed.value = NONE
        }
      } else if (isUp && following.peek()) {
        following.value = false
        if (!paused.peek()) missed.value = NONE
      }
      setAnchor(scrollTop, layoutOf(shelf.peek(), rowPx))
    }
    lastTop.current = scrollTop
    if (scrollTop < NEAR) void once(() => (around.peek() === undefined ? loadOlder() : moreAround('older')))
    scrolled.value++
  }

  async function once(load: () => Promise<unknown>): Promise<void> {
    if (busy.current || shelf.peek().older === undefined) return
    busy.current = true
    try {
      await load()
    } catch {
      // Told by the connection's own state; the next scroll tries again.
    } finally {
      busy.current = false
    }
  }

  const children = []
  for (let row = first; row < last; row++) {
    const position = rows.position(row)
    children.push(
      <EntryRow
        key={(row + rows.removed) % pool}
        position={position}
        place={row + 1}
        total={rows.length}
        line={store.line(position)}
        time={store.time(position)}
        level={store.level(position)}
        count={rows.count(row)}
        isSelected={chosen?.position === position && chosen.id === store.id(position)}
        isUnfolded={unfolded.has(position)}
        highlighter={around.value === undefined ? highlighter.value : markNothing}
        timeStyle={timeStyle}
        showDay={showDay}
        showContext={showContext}
        now={timeStyle === 'relative' ? now.value : 0}
      />,
    )
  }
  return (
    <div class="list-frame">
      {/* biome-ignore lint/a11y/useKeyWithClickEvents: the keys are the page's, in keys.ts */}
      <div
        ref={scroller}
        id="list"
        class={`list${loading.value ? ' stale' : ''}${showDay ? ' with-day' : ''}`}
        role="listbox"
        aria-label="Entries"
        aria-busy={loading.value || rows.length === 0}
        aria-activedescendant={chosen === undefined ? undefined : `e${chosen.position}`}
        tabIndex={0}
        onScroll={onScroll}
        onClick={onClick}
      >
        <div class="sizer" style={{ height: `${layout.height}px` }}>
          <div class="window" style={{ transform: `translateY(${layout.top(first)}px)` }}>
            {children}
          </div>
        </div>
      </div>
      <Pill />
    </div>
  )
}

/** A click on a row opens it, or unfolds it. One listener for all rows, which come and go. */
function onClick({ target }: Event): void {
  const row = (target as Element).closest('.row')
  // Whoever marks text to copy it does not want the entry opened.
  if (row === null || getSelection()?.isCollapsed === false) return
  const position = Number(row.id.slice(1))
  select(position, 'stay')
  if ((target as Element).closest('.fold') !== null) fold(position)
  else toggleOpen(true)
}

/** What is new below, and the way there. */
function Pill(): JSX.Element | null {
  const { entries, errors } = missed.value
  if (following.value || paused.value || around.value !== undefined) return null
  return (
    <button type="button" class={`pill${errors > 0 ? ' has-errors' : ''}`} onClick={goLive}>
      {entries === 0 ? 'Go to the live end' : `${formatCount(entries)} new`}
      {errors > 0 && <strong>, {plural(errors, 'error')}</strong>}
      <span aria-hidden="true"> ↓</span>
    </button>
  )
}

function layoutOf({ rows, unfolded }: Shelf, rowPx: number): Layout {
  const extras = [...unfolded]
    .map(([position, lines]) => ({ position, row: rows.rowAt(position), px: lines * LINE_PX }))
    // A row that took a further repeat, or is not shown, is folded again.
    .filter(({ position, row }) => row < rows.length && rows.position(row) === position)
    .sort((a, b) => a.row - b.row)
  return layOut(rows.length, rowPx, extras)
}
