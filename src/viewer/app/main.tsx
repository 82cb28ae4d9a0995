/** The page's beginning: the token out of the address first, then the session, then the feed. */
import { effect } from '@preact/signals'
import { render } from 'preact'
import { openLinked, takeView, viewAddress } from './model/actions.ts'
import { readAddress, writeAddress } from './model/address.ts'
import { applyFilter, chooseRowsOf, resize, signIn, startFeed } from './model/feed.ts'
import { listenToKeys } from './model/keys.ts'
import { settings } from './model/settings.ts'
import { loading, now } from './model/state.ts'
import { showInTitle } from './model/title.ts'
import { App } from './ui/app.tsx'

async function start(): Promise<void> {
  // Preact moves elements with it where it is there; Chromium 156 then leaves what is inside them with the style of before, so
  // that an error would look like what stood on its row. `test/real/viewer.test.ts` has it.
  delete (Element.prototype as { moveBefore?: unknown }).moveBefore
  const { token } = readAddress(location.hash)
  const view = takeView(location.hash)
  // Before anything else can fail: the token must not stay in the address, nor in the history.
  history.replaceState(null, '', location.pathname + location.search + writeAddress(view))
  render(<App />, document.getElementById('app') as HTMLElement)
  if (token !== undefined) await signIn(token)
  startFeed(view.q)
  listenToKeys()
  showInTitle()
  setInterval(() => {
    now.value = Date.now()
  }, 1000)
  await openLinked(view)
  effect(() => {
    const address = writeAddress(viewAddress())
    // A link that is still being followed must not be overwritten by what is not there yet.
    if (!loading.value && address !== location.hash)
      history.replaceState(null, '', location.pathname + location.search + address)
  })
  effect(() => resize(settings.value.hold))
  effect(() => chooseRowsOf(settings.value.collapse))
  addEventListener('hashchange', () => void follow())
}

/** A link that was opened in this very tab. */
async function follow(): Promise<void> {
  const { token } = readAddress(location.hash)
  const view = takeView(location.hash)
  history.replaceState(null, '', location.pathname + location.search + writeAddress(view))
  if (token !== undefined) await signIn(token)
  await applyFilter(view.q)
  await openLinked(view)
}

void start()
