/** What stands where no entry is: how to send the first one, or why the filter shows none. */
import type { JSX } from 'preact'
import { clearFilter, copy } from '../model/actions.ts'
import { applied, levels, loading, range, revision, session, shelf } from '../model/state.ts'
import { base } from '../model/streams.ts'
import { formatCount } from '../model/time.ts'
import { Icon } from './icons.tsx'

/** Shown when there is no row. */
export function Empty(): JSX.Element | null {
  void revision.value
  const { rows, store } = shelf.value
  if (rows.length > 0 || loading.value || session.value !== 'in') return null
  if (applied.value !== '' || levels.value !== 0 || range.value !== undefined) {
    return (
      <div class="empty">
        <h2>No entry matches</h2>
        <p>
          {store.size > 0 && `${formatCount(store.size)} held, none of these levels and this time. `}
          New ones that match appear here as they come.
        </p>
        <button type="button" class="is-main" onClick={clearFilter}>
          Show everything
        </button>
      </div>
    )
  }
  return (
    <div class="empty">
      <div class="pulse" aria-hidden="true" />
      <h2>Waiting for the first entry</h2>
      <p>This page is connected and shows entries as they come. Send one:</p>
      <Line text={curlLine()} name="curl line" />
      <p>or pipe a program into edgetail:</p>
      <Line text="node app.js 2>&1 | npx edgetail" name="pipe line" />
    </div>
  )
}

function Line({ text, name }: { text: string; name: string }): JSX.Element {
  return (
    <div class="line">
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by the keyboard */}
      <pre tabIndex={0}>{text}</pre>
      <button
        type="button"
        class="tool"
        aria-label={`Copy the ${name}`}
        title="Copy"
        onClick={() => void copy(text, 'Line')}
      >
        <Icon name="copy" />
      </button>
    </div>
  )
}

/** With the name of the token's variable: the page does not know the token any more, and should not. */
function curlLine(): string {
  const url = `${location.origin}${base}/logs`
  return `curl -H "Authorization: Bearer $EDGETAIL_TOKEN" -H 'Content-Type: application/json' \\\n  -d '{"level":"info","message":"hello edgetail","context":{"from":"curl"}}' ${url}`
}
