/** One row of the list. Drawn again only when something of its own changed. */
import { Component, type JSX } from 'preact'
import { foldedLines, type GapNote, gapSentence, levelName, parseEntry, previewContext } from '../model/entry.ts'
import type { Highlighter } from '../model/query.ts'
import { formatClock, formatCount, formatDay, type TimeStyle } from '../model/time.ts'
import { GAP } from '../wire/protocol.ts'
import { Marked, Text } from './text.tsx'

/** Longest text of a row, in characters: more than fits on any screen. The open entry has all. */
const MAX_SHOWN = 1000

/** What a row shows. Plain values, so that two can be compared. */
export interface RowProps {
  readonly position: number
  /** Place in the list from 1, and how many there are, for screen readers. */
  readonly place: number
  readonly total: number
  readonly line: string
  readonly time: number
  readonly level: number
  /** Entries on the row. */
  readonly count: number
  readonly isSelected: boolean
  /** Shows all lines. */
  readonly isUnfolded: boolean
  readonly highlighter: Highlighter
  readonly timeStyle: TimeStyle
  readonly showDay: boolean
  readonly showContext: boolean
  /** The clock, where the time is relative to it; else 0. */
  readonly now: number
}

/** A row. */
export class EntryRow extends Component<RowProps> {
  override shouldComponentUpdate(next: Readonly<RowProps>): boolean {
    for (const name of Object.keys(next) as (keyof RowProps)[]) if (next[name] !== this.props[name]) return true
    return false
  }

  override render({ level }: RowProps): JSX.Element {
    return level === GAP ? this.#gap() : this.#entry()
  }

  #gap(): JSX.Element {
    const { line, position, isSelected, place, total } = this.props
    return (
      // biome-ignore lint/a11y/useFocusableInteractive: the list has the focus and names the row by aria-activedescendant
      <div
        class="row gap"
        id={`e${position}`}
        role="option"
        aria-selected={isSelected}
        aria-posinset={place}
        aria-setsize={total}
      >
        <span class="gap-text">{gapSentence(JSON.parse(line) as GapNote)}</span>
      </div>
    )
  }

  #entry(): JSX.Element {
    const { position, place, total, line, time, level, count, isSelected, isUnfolded, highlighter } = this.props
    const { timeStyle, showDay, showContext, now } = this.props
    const entry = parseEntry(line)
    const lines = foldedLines(entry)
    const more = lines.length - 1
    const context = showContext && !isUnfolded ? previewContext(entry.context) : ''
    return (
      // biome-ignore lint/a11y/useFocusableInteractive: as above
      <div
        class={`row l${level}${isSelected ? ' selected' : ''}${isUnfolded ? ' unfolded' : ''}`}
        id={`e${position}`}
        role="option"
        aria-selected={isSelected}
        aria-posinset={place}
        aria-setsize={total}
      >
        <time dateTime={entry.ts} title={entry.ts}>
          {showDay && timeStyle !== 'relative' && <span class="day">{formatDay(time, timeStyle)} </span>}
          {formatClock(time, timeStyle, now)}
        </time>
        <span class="level">{levelName(level)}</span>
        <span class="body">
          {count > 1 && (
            <span class="count" title={`${count} times, last shown`}>
              ×{formatCount(count)}
            </span>
          )}
          {more > 0 && (
            <span class="fold">
              {isUnfolded ? '▾' : '▸'} {more + 1} lines
            </span>
          )}
          {isUnfolded ? (
            <span class="lines">
              <Text text={lines.slice(0, 200).join('\n')} highlighter={highlighter} />
            </span>
          ) : (
            <span class="text">
              <Text text={entry.first.slice(0, MAX_SHOWN)} highlighter={highlighter} />
            </span>
          )}
          {context !== '' && (
            <span class="context">
              <Marked text={context} highlighter={highlighter} />
            </span>
          )}
        </span>
      </div>
    )
  }
}
