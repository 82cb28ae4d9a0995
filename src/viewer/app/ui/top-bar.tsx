/** The top of the page: filter, levels, and what can be done with all of it. */
import type { JSX, TargetedEvent } from 'preact'
import { useRef } from 'preact/hooks'
import { download, setRange, toggleLevel, togglePause } from '../model/actions.ts'
import { levelName } from '../model/entry.ts'
import { applyFilter, retryNow, signOut } from '../model/feed.ts'
import { splitAtFault } from '../model/query.ts'
import { settings } from '../model/settings.ts'
import {
  applied,
  around,
  dialog,
  draft,
  filterFault,
  levels,
  loading,
  now,
  paused,
  range,
  rate,
  revision,
  shelf,
  status,
} from '../model/state.ts'
import { formatClock, formatCount, formatSpan } from '../model/time.ts'
import { Icon, Mark } from './icons.tsx'
import { StreamMenu } from './stream-menu.tsx'

/** Pause after the last key before a filter is applied, in milliseconds. */
const TYPING_MS = 300

/** The bar. */
export function TopBar(): JSX.Element {
  return (
    <header class="top">
      <div class="brand">
        <Mark />
        <h1>edgetail</h1>
        <StreamMenu />
      </div>
      <ConnectionPill />
      <FilterBox />
      <Levels />
      <div class="actions">
        <button
          type="button"
          class={`tool${paused.value ? ' is-on' : ''}`}
          aria-pressed={paused.value}
          title="Pause, resume (Space)"
          onClick={togglePause}
        >
          <Icon name={paused.value ? 'play' : 'pause'} />
          <span class="tool-name">{paused.value ? 'Resume' : 'Pause'}</span>
        </button>
        <details class="menu">
          <summary class="tool" title="Download what is shown (d)" aria-label="Download">
            <Icon name="download" />
          </summary>
          <div class="menu-items">
            <button type="button" onClick={(event) => choose(event, () => download('ndjson'))}>
              Download NDJSON
            </button>
            <button type="button" onClick={(event) => choose(event, () => download('text'))}>
              Download text
            </button>
          </div>
        </details>
        <button
          type="button"
          class="tool"
          title="Settings (s)"
          aria-label="Settings"
          onClick={() => openDialog('settings')}
        >
          <Icon name="settings" />
        </button>
        <button
          type="button"
          class="tool for-keys"
          title="Keys (?)"
          aria-label="Keys"
          onClick={() => openDialog('help')}
        >
          <Icon name="help" />
        </button>
        <button type="button" class="tool" title="Sign out" aria-label="Sign out" onClick={() => void signOut()}>
          <Icon name="exit" />
        </button>
      </div>
    </header>
  )
}

function openDialog(name: 'settings' | 'help'): void {
  dialog.value = name
}

function choose(event: Event, action: () => void): void {
  ;(event.currentTarget as HTMLElement).closest('details')?.removeAttribute('open')
  action()
}

/** How the connection is, in two words. */
function ConnectionPill(): JSX.Element {
  const current = status.value
  const [kind, text] = describe()
  return (
    <button
      type="button"
      class={`connection is-${kind}`}
      title={
        current.state === 'waiting' || current.state === 'refused'
          ? `${current.reason} Click to try now.`
          : 'Connection'
      }
      onClick={retryNow}
    >
      <span class="dot" aria-hidden="true" />
      <span id="state" role="status">
        {text}
      </span>
      {current.state === 'live' && <span class="rate">{rateText(rate.value)}</span>}
    </button>
  )
}

function describe(): [kind: string, text: string] {
  const current = status.value
  if (current.state === 'live') return ['live', 'live']
  if (current.state === 'connecting') return ['waiting', 'connecting']
  if (current.state === 'waiting') {
    const left = Math.max(0, current.until - now.value)
    // After half a minute it is no hiccup any more.
    const isGone = now.value - current.since > 30_000
    return [isGone ? 'gone' : 'waiting', `${isGone ? 'server gone, ' : ''}reconnecting in ${Math.ceil(left / 1000)} s`]
  }
  return current.state === 'signed-out' ? ['gone', 'signed out'] : ['gone', 'refused']
}

/** `12/s`, with a digit where it is slow. */
export function rateText(perSecond: number): string {
  return `${perSecond >= 10 || perSecond === 0 ? formatCount(Math.round(perSecond)) : perSecond.toFixed(1)}/s`
}

function FilterBox(): JSX.Element {
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined)

  function onInput({ currentTarget }: TargetedEvent<HTMLInputElement>): void {
    draft.value = currentTarget.value
    clearTimeout(timer.current)
    timer.current = setTimeout(() => void applyFilter(draft.peek()), TYPING_MS)
  }

  function onKeyDown(event: KeyboardEvent): void {
    if (event.key === 'Enter') {
      clearTimeout(timer.current)
      void applyFilter(draft.peek())
    } else if (event.key === 'Escape' || event.key === 'ArrowDown') {
      if (event.key === 'Escape' && draft.peek() !== '') draft.value = applied.peek()
      document.getElementById('list')?.focus()
      event.preventDefault()
    }
  }

  function clear(): void {
    draft.value = ''
    void applyFilter('')
    document.getElementById('filter')?.focus()
  }

  const fault = filterFault.value
  const parts = splitAtFault(draft.value, fault)
  return (
    <div class="filter">
      <div class={`filter-box${fault === '' ? '' : ' has-fault'}`}>
        <Icon name="search" />
        <input
          id="filter"
          type="search"
          value={draft.value}
          placeholder={FILTER_HINT}
          aria-label="Filter"
          aria-invalid={fault !== ''}
          aria-describedby={fault === '' ? undefined : 'filter-fault'}
          autocomplete="off"
          autocapitalize="off"
          spellcheck={false}
          onInput={onInput}
          onKeyDown={onKeyDown}
        />
        {loading.value && <span class="spinner" aria-hidden="true" />}
        {range.value !== undefined && <RangeChip />}
        {draft.value !== '' && (
          <button type="button" class="inline" aria-label="Clear the filter" onClick={clear}>
            <Icon name="close" />
          </button>
        )}
        <kbd title="Press / to filter">/</kbd>
      </div>
      {fault !== '' && (
        <p id="filter-fault" class="fault" role="alert">
          {parts !== undefined && <code>{parts.join('▸')}</code>}
          {fault}
        </p>
      )}
    </div>
  )
}

const FILTER_HINT = 'Filter: words, "a phrase", level>=warn, -noise, field:value'

function RangeChip(): JSX.Element {
  const [from, to] = range.value as readonly [number, number]
  const style = settings.value.time === 'utc' ? 'utc' : 'local'
  return (
    <button type="button" class="range-chip" title="Show all time again" onClick={() => setRange(undefined)}>
      {formatClock(from, style, 0).slice(0, 8)} – {formatClock(to, style, 0).slice(0, 8)}
      <span class="range-span">{formatSpan(to - from)}</span>
      <Icon name="close" />
    </button>
  )
}

/** The levels with how many entries of each are held; pressed ones are shown alone. */
function Levels(): JSX.Element {
  void revision.value
  const { totals } = shelf.value.buckets
  return (
    <fieldset class="levels" aria-label="Levels">
      {totals.map((total, rank) => (
        <button
          type="button"
          key={rank}
          disabled={around.value !== undefined}
          class={`chip l${rank}${levels.value !== 0 && (levels.value & (1 << rank)) === 0 ? ' is-off' : ''}`}
          aria-pressed={(levels.value & (1 << rank)) !== 0}
          title={`Only ${levelName(rank)} (${rank + 1})`}
          onClick={() => toggleLevel(rank)}
        >
          <span class="level">{levelName(rank)}</span>
          <span class="number">{short(total)}</span>
        </button>
      ))}
    </fieldset>
  )
}

/** `999`, `1.2k`, `100k`: as wide as before when it grows. */
function short(count: number): string {
  if (count < 1000) return String(count)
  return count < 10_000 ? `${(Math.floor(count / 100) / 10).toFixed(1)}k` : `${Math.floor(count / 1000)}k`
}
