/** A JSON value as a tree that folds. Branches are drawn when they are opened, so a large context costs what is looked at. */
import { useSignal } from '@preact/signals'
import type { JSX } from 'preact'
import type { Highlighter } from '../model/query.ts'
import { Icon } from './icons.tsx'
import { Marked } from './text.tsx'

/** Levels that are open at first. */
const OPEN_DEPTH = 2

/** Branches with more members than this are closed at first. */
const OPEN_MEMBERS = 20

/** Members that are drawn at once. */
const STEP = 100

/** A place in the value. */
type Path = readonly (string | number)[]

interface TreeProps {
  readonly value: unknown
  readonly highlighter: Highlighter
  readonly onFilter: (path: Path, value: unknown, negate: boolean) => void
}

/** The members of an object or an array. */
export function JsonTree({ path = [], value, ...rest }: TreeProps & { readonly path?: Path }): JSX.Element {
  const shown = useSignal(STEP)
  const members: [string | number, unknown][] = Array.isArray(value)
    ? [...value.entries()]
    : Object.entries(value as object)
  return (
    <ul class="tree">
      {members.slice(0, shown.value).map(([name, member]) => (
        <Member key={name} path={[...path, name]} value={member} {...rest} />
      ))}
      {members.length > shown.value && (
        <li>
          <button
            type="button"
            class="more"
            onClick={() => {
              shown.value += STEP
            }}
          >
            {members.length - shown.value} more
          </button>
        </li>
      )}
    </ul>
  )
}

function Member({ path, value, highlighter, onFilter }: TreeProps & { readonly path: Path }): JSX.Element {
  const name = String(path.at(-1))
  const isBranch = typeof value === 'object' && value !== null
  const size = isBranch ? Object.keys(value).length : 0
  const open = useSignal(path.length < OPEN_DEPTH + 1 && size <= OPEN_MEMBERS)
  if (isBranch && size > 0) {
    return (
      <li>
        <button
          type="button"
          class="branch"
          aria-expanded={open.value}
          onClick={() => {
            open.value = !open.value
          }}
        >
          <span class="twist" aria-hidden="true">
            {open.value ? '▾' : '▸'}
          </span>
          <span class="key">{name}</span>
          <span class="size">{Array.isArray(value) ? `[${size}]` : `{${size}}`}</span>
        </button>
        {open.value && <JsonTree path={path} value={value} highlighter={highlighter} onFilter={onFilter} />}
      </li>
    )
  }
  const label = `${path.join('.')} ${typeof value === 'string' ? value.slice(0, 60) : JSON.stringify(value)}`
  return (
    <li class="leaf">
      <span class="key">{name}</span>
      <span class={`value is-${value === null ? 'null' : typeof value}`}>
        <Marked text={typeof value === 'string' ? value : JSON.stringify(value)} highlighter={highlighter} />
      </span>
      {!isBranch && (
        <span class="leaf-actions">
          <button
            type="button"
            class="inline"
            title="Only entries with this value"
            aria-label={`Only entries with ${label}`}
            onClick={() => onFilter(path, value, false)}
          >
            <Icon name="plus" />
          </button>
          <button
            type="button"
            class="inline"
            title="Leave out entries with this value"
            aria-label={`Leave out entries with ${label}`}
            onClick={() => onFilter(path, value, true)}
          >
            <Icon name="minus" />
          </button>
        </span>
      )}
    </li>
  )
}
