/** The page as a whole. */
import type { JSX } from 'preact'
import { session, status } from '../model/state.ts'
import { Announcer } from './announcer.tsx'
import { Banners } from './banners.tsx'
import { Detail } from './detail.tsx'
import { Dialogs } from './dialogs.tsx'
import { Empty } from './empty.tsx'
import { EntryList } from './entry-list.tsx'
import { Histogram } from './histogram.tsx'
import { SignIn } from './sign-in.tsx'
import { StatusBar } from './status-bar.tsx'
import { TopBar } from './top-bar.tsx'

/** Sign-in, or the log. */
export function App(): JSX.Element {
  if (session.value === 'out') return <SignIn />
  // For the moment until the server has said whether there is a session; one that cannot be reached says nothing.
  if (session.value === 'unknown' && status.value.state === 'connecting') return <main class="blank" aria-busy="true" />
  return (
    <div class="page">
      <TopBar />
      <Banners />
      <main class="main">
        <div class="column">
          <Histogram />
          <div class="list-area">
            <EntryList />
            <Empty />
          </div>
        </div>
        <Detail />
      </main>
      <StatusBar />
      <Announcer />
      <Dialogs />
    </div>
  )
}
