/** The open entry, beside the list. */
import type { JSX } from 'preact'
import { copy, entryJson, filterBy, linkTo, moveSelection, showAround, toggleOpen } from '../model/actions.ts'
import { levelName, parseEntry, stackOf } from '../model/entry.ts'
import { highlighter, now, opened, selection } from '../model/state.ts'
import { formatAgo, formatClock } from '../model/time.ts'
import { GAP } from '../wire/protocol.ts'
import { Icon } from './icons.tsx'
import { JsonTree } from './json-tree.tsx'
import { Text } from './text.tsx'

/** Most of a message that is looked for, in UTF-16 units: a filter is to stay readable. */
const MAX_PHRASE = 200

/** The selected entry with all that it has. */
export function Detail(): JSX.Element | null {
  const chosen = selection.value
  if (!opened.value || chosen === undefined || chosen.level === GAP) return null
  const entry = parseEntry(chosen.line)
  const time = Date.parse(entry.ts)
  const stack = stackOf(entry.context)
  return (
    <aside class="detail" aria-label="Entry">
      <header class={`detail-head l${chosen.level}`}>
        <span class="level">{levelName(chosen.level)}</span>
        <span class="detail-time">
          {formatClock(time, 'local', 0)} <small>{formatAgo(now.value - time)}</small>
        </span>
        <button
          type="button"
          class="tool"
          aria-label="Previous entry"
          title="Previous (↑)"
          onClick={() => moveSelection(-1)}
        >
          <Icon name="up" />
        </button>
        <button type="button" class="tool" aria-label="Next entry" title="Next (↓)" onClick={() => moveSelection(1)}>
          <Icon name="down" />
        </button>
        <button
          type="button"
          class="tool"
          aria-label="Close the entry"
          title="Close (Esc)"
          onClick={() => toggleOpen(false)}
        >
          <Icon name="close" />
        </button>
      </header>
      <div class="detail-actions">
        <button
          type="button"
          title="Entries before and after, without the filter (a)"
          onClick={() => void showAround(chosen.id)}
        >
          <Icon name="around" /> Show around it
        </button>
        <button type="button" title="Copy as JSON (c)" onClick={() => void copy(entryJson(chosen), 'Entry')}>
          <Icon name="copy" /> Copy JSON
        </button>
        <button
          type="button"
          title="Copy a link to this entry (l)"
          onClick={() => void copy(linkTo(chosen.id), 'Link')}
        >
          <Icon name="link" /> Copy link
        </button>
      </div>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by the keyboard */}
      <section class="detail-body" tabIndex={0} aria-label="Content of the entry">
        <section>
          <h2>
            Message
            <button
              type="button"
              class="inline"
              title="Only entries with this message"
              aria-label="Only entries with this message"
              onClick={() => filterBy(['message'], phraseOf(entry.first))}
            >
              <Icon name="plus" />
            </button>
          </h2>
          <pre class="message">
            {entry.message === '' ? <em>(empty)</em> : <Text text={entry.message} highlighter={highlighter.value} />}
          </pre>
        </section>
        {stack !== undefined && !entry.message.includes(stack) && (
          <section>
            <h2>Stack</h2>
            <pre class="stack">
              <Text text={stack} highlighter={highlighter.value} />
            </pre>
          </section>
        )}
        <section>
          <h2>Context</h2>
          {Object.keys(entry.context).length === 0 ? (
            <p class="none">None.</p>
          ) : (
            <JsonTree
              key={chosen.id}
              value={entry.context}
              highlighter={highlighter.value}
              onFilter={filterByContext}
            />
          )}
        </section>
        <dl class="facts">
          <dt>UTC</dt>
          <dd>{entry.ts}</dd>
          <dt>Id</dt>
          <dd>{chosen.id}</dd>
        </dl>
      </section>
    </aside>
  )
}

function filterByContext(path: readonly (string | number)[], value: unknown, negate: boolean): void {
  filterBy(['context', ...path], value, negate)
}

/** The beginning of a message, without half of a character at its end: an address cannot carry one. */
function phraseOf(message: string): string {
  return message.slice(0, MAX_PHRASE).replace(/[\uD800-\uDBFF]$/, '')
}
