/** The viewer page, in one piece: no other file is loaded, so it works under any path. */

const STYLE = `
:root { color-scheme: light dark; font: 13px/1.45 ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; }
body { margin: 0; display: flex; flex-direction: column; height: 100vh; }
header { display: flex; gap: 1em; align-items: center; padding: .5em 1em; border-bottom: 1px solid #8885; }
header b { font-size: 1.1em; }
#state { opacity: .75; }
#state::before { content: '\\25cf  '; color: #999; }
#state[data-state=live]::before { color: #2a9d4a; }
#state[data-state=waiting]::before { color: #d98e04; }
header button { margin-left: auto; font: inherit; }
form { display: flex; gap: .5em; margin: 20vh auto; }
form input { font: inherit; width: 24em; padding: .3em; }
[hidden] { display: none !important; }
main { flex: 1; overflow: auto; padding: .5em 0; }
ol { list-style: none; margin: 0; padding: 0; }
li { display: grid; grid-template-columns: 15em 4em 1fr; gap: 1em; padding: .1em 1em; }
li:hover { background: #8882; }
li > span { white-space: pre-wrap; overflow-wrap: anywhere; }
li time, li small { opacity: .65; }
li time { white-space: nowrap; }
li small { font-size: 1em; }
li b { font-weight: 600; }
.warn b { color: #b26a00; } .error b, .fatal b { color: #d1242f; } .fatal b { text-decoration: underline; }
.trace, .debug { opacity: .7; } .note { font-style: italic; }
@media (prefers-color-scheme: dark) { .warn b { color: #e3a34b; } .error b, .fatal b { color: #ff7b72; } }
@media (max-width: 40em) { li { grid-template-columns: auto 1fr; } li > span { grid-column: 1 / -1; } header { flex-wrap: wrap; } }
`

const SCRIPT = `
const MAX_ROWS = 2000
const base = location.pathname.replace(/\\/+$/, '')
const $ = (id) => document.getElementById(id)
let source

function show(signedIn) {
  $('sign-in').hidden = signedIn
  $('log').hidden = $('sign-out').hidden = !signedIn
}

function say(state, text) {
  $('state').dataset.state = state
  $('state').textContent = text
}

async function signIn(token) {
  const answer = await fetch(base + '/session', { method: 'POST', headers: { Authorization: 'Bearer ' + token } })
  if (answer.ok) return connect()
  const { error } = await answer.json().catch(() => ({ error: { message: 'The server answered ' + answer.status } }))
  ask(error.message)
}

function ask(text) {
  source?.close()
  show(false)
  say('out', text)
  $('token').focus()
}

async function connect() {
  source?.close()
  show(true)
  say('waiting', 'connecting')
  source = new EventSource(base + '/stream')
  source.onopen = () => say('live', 'live')
  source.addEventListener('log', (event) => add(JSON.parse(event.data)))
  source.addEventListener('gap', (event) => {
    const { reason, dropped } = JSON.parse(event.data)
    note((dropped === null ? 'Entries' : dropped + ' entries') + ' are missing here (' + reason + ').')
  })
  source.onerror = async (event) => {
    if (event.data) return note(JSON.parse(event.data).message)
    if (source.readyState !== EventSource.CLOSED) return say('waiting', 'reconnecting')
    // EventSource gives up on any answer that is not a stream and does not say which it was.
    const answer = await fetch(base + '/logs?tail=0').catch(() => undefined)
    if (answer?.status === 401 || answer?.status === 403) return ask('Sign in with the token.')
    say('waiting', 'the server refuses, trying again')
    setTimeout(connect, 3000)
  }
}

function add({ ts, level, message, context }) {
  const fields = Object.keys(context).length > 0 ? ' ' + JSON.stringify(context) : ''
  row(level, [['time', ts.slice(0, 10) + ' ' + ts.slice(11, 23)], ['b', level], ['span', message, fields]])
}

function note(text) {
  row('note', [['time', ''], ['b', ''], ['span', text]])
}

function row(kind, cells) {
  const log = $('log')
  const following = log.scrollHeight - log.scrollTop - log.clientHeight < 40
  const item = document.createElement('li')
  item.className = kind
  for (const [tag, text, dim] of cells) {
    const cell = document.createElement(tag)
    cell.textContent = text
    if (dim) cell.append(Object.assign(document.createElement('small'), { textContent: dim }))
    item.append(cell)
  }
  $('rows').append(item)
  if ($('rows').childElementCount > MAX_ROWS) $('rows').firstElementChild.remove()
  if (following) log.scrollTop = log.scrollHeight
}

$('sign-in').onsubmit = (event) => {
  event.preventDefault()
  signIn($('token').value.trim())
  $('token').value = ''
}
$('sign-out').onclick = async () => {
  await fetch(base + '/session', { method: 'DELETE' })
  $('rows').replaceChildren()
  ask('Signed out.')
}

const fromLink = new URLSearchParams(location.hash.slice(1)).get('token')
if (fromLink) {
  history.replaceState(null, '', location.pathname + location.search)
  signIn(fromLink)
} else connect()
`

/**
 * The page's HTML.
 *
 * @param nonce - of this answer's Content-Security-Policy
 */
export function renderPage(nonce: string): string {
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta name="referrer" content="no-referrer">
<title>edgetail</title>
<link rel="icon" href="data:,">
<style nonce="${nonce}">${STYLE}</style>
<header><b>edgetail</b> <span id="state" role="status"></span> <button id="sign-out" hidden>Sign out</button></header>
<form id="sign-in" hidden><input id="token" type="password" placeholder="Token" aria-label="Token" autocomplete="current-password" required><button>Sign in</button></form>
<main id="log" hidden tabindex="0"><ol id="rows" role="log"></ol></main>
<script nonce="${nonce}">${SCRIPT}</script>
</html>
`
}
