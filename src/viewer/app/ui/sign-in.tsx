/** Asks for the token, which is traded for a cookie and forgotten. */
import type { JSX } from 'preact'
import { useEffect, useRef } from 'preact/hooks'
import { signIn } from '../model/feed.ts'
import { signInNote } from '../model/state.ts'
import { DEFAULT_STREAM, stream } from '../model/streams.ts'
import { Mark } from './icons.tsx'

/** The form. */
export function SignIn(): JSX.Element {
  const field = useRef<HTMLInputElement>(null)
  useEffect(() => field.current?.focus(), [])

  function onSubmit(event: Event): void {
    event.preventDefault()
    const input = field.current as HTMLInputElement
    const token = input.value.trim()
    input.value = ''
    if (token !== '') void signIn(token).then(() => field.current?.focus())
  }

  return (
    <main class="sign-in">
      <form onSubmit={onSubmit}>
        <Mark />
        <h1>edgetail</h1>
        <p>
          Live logs{stream.value === DEFAULT_STREAM ? '' : ` of ${stream.value}`}. Sign in with the token of this
          server.
        </p>
        <input
          ref={field}
          type="password"
          aria-label="Token"
          placeholder="Token"
          autocomplete="current-password"
          aria-describedby="sign-in-note"
          required
        />
        <button type="submit">Sign in</button>
        <p id="sign-in-note" class="note" role="alert">
          {signInNote.value}
        </p>
        <p class="hint">
          It is the one that you were given, or the server's <code>EDGETAIL_TOKEN</code>. Where no token is set, the
          server prints a link with one when it starts.
        </p>
      </form>
    </main>
  )
}
