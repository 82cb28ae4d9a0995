/** The foot of the page: how the connection does, and what is held. */
import type { JSX } from 'preact'
import { now, rate, revision, shelf, status, vitals } from '../model/state.ts'
import { formatAgo, formatCount, formatSpan } from '../model/time.ts'
import { dialogOf } from './dialogs.tsx'
import { rateText } from './top-bar.tsx'

/** The line at the bottom. */
export function StatusBar(): JSX.Element {
  void revision.value
  const { store, rows, older } = shelf.value
  const measured = vitals.value
  const isLive = status.value.state === 'live'
  const heard = Math.max(measured?.lastByteAt ?? 0, measured?.lastHeartbeatAt ?? 0)
  return (
    <footer class="foot">
      <span title="Over the last five seconds">
        <b>{rateText(isLive ? rate.value : 0)}</b> in
      </span>
      <span title="Time from an entry’s own time to its arrival here, by the server’s clock; median of the last ones">
        delay <b>{measured?.delayMs === undefined ? '–' : formatSpan(measured.delayMs)}</b>
      </span>
      <span class="wide" title="When the server last sent anything: an entry, or the comment that it sends in silence">
        heard <b>{heard === 0 ? '–' : formatAgo(Math.max(0, now.value - heard))}</b>
      </span>
      {measured !== undefined && measured.lastHeartbeatAt > 0 && (
        <span class="wide">
          heartbeat <b>{formatAgo(Math.max(0, now.value - measured.lastHeartbeatAt))}</b>
        </span>
      )}
      {measured !== undefined && measured.tabs > 1 && (
        <span class="wide" title="Tabs with the same filter share one connection">
          <b>{measured.tabs}</b> tabs, one connection
        </span>
      )}
      <span class="spring" />
      {rows.length !== store.size && (
        <span class="wide">
          <b>{formatCount(rows.length)}</b> rows
        </span>
      )}
      <button
        type="button"
        class="held"
        title="Most entries held; change it in the settings"
        onClick={() => dialogOf('settings')}
      >
        <b>{formatCount(store.size)}</b> of {formatCount(store.capacity)} held
        {store.size > 0 && older === null && <span class="wide">, all that is stored</span>}
      </button>
    </footer>
  )
}
