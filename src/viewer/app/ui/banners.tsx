/** What has to be said above the list, in a line each: nothing pops up and nothing covers the log. */
import type { JSX } from 'preact'
import { clearFilter, goLive, leaveAround } from '../model/actions.ts'
import { resume, retryNow } from '../model/feed.ts'
import { settings } from '../model/settings.ts'
import { around, following, missed, now, paused, selection, status, vitals } from '../model/state.ts'
import { formatClock, formatCount, plural } from '../model/time.ts'
import { Icon } from './icons.tsx'

/** All that there is to say now. */
export function Banners(): JSX.Element {
  return (
    <div class="banners">
      <Down />
      <Held />
      <Paused />
      <Neighbours />
    </div>
  )
}

function Down(): JSX.Element | null {
  const current = status.value
  if (current.state === 'refused') {
    return (
      <div class="banner is-bad">
        <Icon name="warn" />
        <span>{current.reason}</span>
        {current.code === 'invalid_query' && (
          <button type="button" onClick={clearFilter}>
            Clear the filter
          </button>
        )}
        <button type="button" onClick={retryNow}>
          Try again
        </button>
      </div>
    )
  }
  // It stays during a try, so that the list below does not jump.
  if ((current.state !== 'waiting' && current.state !== 'connecting') || current.since === undefined) return null
  const since = formatClock(current.since, settings.value.time === 'utc' ? 'utc' : 'local', 0).slice(0, 8)
  const left = current.state === 'waiting' ? Math.max(0, Math.ceil((current.until - now.value) / 1000)) : 0
  return (
    <div class="banner is-warning">
      <Icon name="warn" />
      <span>
        {current.state === 'waiting' ? current.reason : ''} Not live since {since}.{' '}
        {left > 0 ? `Next try in ${left} s` : 'Trying now'}; what the server stores meanwhile comes then.
      </span>
      <button type="button" onClick={retryNow}>
        Try now
      </button>
    </div>
  )
}

function Held(): JSX.Element | null {
  const held = vitals.value?.held ?? 'no'
  if (held === 'no') return null
  return (
    <div class="banner is-warning">
      <Icon name="warn" />
      <span>
        {held === 'start'
          ? 'The server answers, but its stream does not begin: a proxy holds it back, or other tabs take all of the browser’s connections.'
          : 'Entries come in bursts, as if a proxy held them back (or whoever sends them).'}{' '}
        In nginx set <code>proxy_buffering off</code> for this path; elsewhere turn off buffering and compression of{' '}
        <code>text/event-stream</code>.
      </span>
    </div>
  )
}

function Paused(): JSX.Element | null {
  if (!paused.value) return null
  const { entries, errors } = missed.value
  return (
    <div class="banner is-paused">
      <Icon name="pause" />
      <span>
        <strong>Paused.</strong> {entries === 0 ? 'Nothing new' : `${formatCount(entries)} new`}
        {errors > 0 && <strong class="errors">, {plural(errors, 'error')}</strong>}
      </span>
      <button
        type="button"
        onClick={() => {
          following.value = false
          resume()
        }}
      >
        Resume here
      </button>
      <button type="button" class="is-main" onClick={goLive}>
        Go live
      </button>
    </div>
  )
}

function Neighbours(): JSX.Element | null {
  const shown = around.value
  if (shown === undefined) return null
  const { store, rows } = shown.shelf
  const chosen = selection.value
  const time = store.time(chosen?.id === shown.id ? chosen.position : rows.position(0))
  return (
    <div class="banner is-around">
      <Icon name="around" />
      <span>
        <strong>Around {formatClock(time, settings.value.time === 'utc' ? 'utc' : 'local', 0)}</strong>, without the
        filter
      </span>
      <button type="button" class="is-main" onClick={leaveAround}>
        Back to the list
      </button>
    </div>
  )
}
