/** The name of the log, and the way to the others. */
import type { JSX } from 'preact'
import { goToStream } from '../model/actions.ts'
import { DEFAULT_STREAM, stream, streams } from '../model/streams.ts'

/** A menu where there are several, the name alone where there is no other, nothing where there is only the default one. */
export function StreamMenu(): JSX.Element | null {
  const name = stream.value
  // One that has just come need not be in the list yet.
  const names = [...new Set([...streams.value, name])].sort()
  if (streams.value.length === 0 || names.length === 1) {
    return name === DEFAULT_STREAM ? null : <span class="stream">{name}</span>
  }
  return (
    <select
      class="stream"
      aria-label="Stream"
      title="Stream"
      value={name}
      onChange={({ currentTarget }) => goToStream(currentTarget.value)}
    >
      {names.map((other) => (
        <option key={other} value={other}>
          {other}
        </option>
      ))}
    </select>
  )
}
