/** `edgetail`: serves, and reads what is piped into it. Its own words go to standard error. */
import { randomBytes } from 'node:crypto'
import { MonitorError } from '../errors.ts'
import { closeOnSignals, type Server, STOP_MS, startServer } from '../node/server.ts'
import { readSettings, type Settings } from '../settings.ts'
import type { ServeArguments } from './args.ts'
import { followInput, isPiped } from './stdin.ts'

/** How long a stop waits for the input to end, in milliseconds. */
const LAST_WORDS_MS = 3000

/** Runs until a signal, or with `--exit` until the input has ended. */
export async function serve({ exit, files, settings: given }: ServeArguments): Promise<void> {
  if (files.length > 0) {
    throw new MonitorError('invalid_setting', `Files cannot be followed yet: ${files[0]}. Pipe it in with tail -F.`)
  }
  const settings = readSettings({ ...process.env, ...given })
  const hasToken = [settings.token, settings.readToken, settings.writeToken].some((token) => token !== undefined)
  const generated = hasToken ? undefined : randomBytes(24).toString('base64url')
  const piped = isPiped()
  const server = await startServer({ ...settings, token: settings.token ?? generated, logRequests: !piped })
  let input: Promise<void> = Promise.resolve()
  let stopping = false
  closeOnSignals({
    async close() {
      // Ctrl-C reaches the program before the pipe too, and what it says as it stops is worth reading.
      const asked = performance.now()
      await Promise.race([input, new Promise((resolve) => setTimeout(resolve, LAST_WORDS_MS))])
      stopping = true
      await server.close(STOP_MS - (performance.now() - asked))
    },
  })
  greet(server, settings, generated)

  if (!piped) {
    server.monitor.log('info', `edgetail is listening on ${server.origin}${settings.base}`, {
      node: process.version,
      retain: settings.retain,
      maxClients: settings.maxClients,
    })
    return
  }
  input = followInput(process.stdin, process.stdout, async (records) => {
    // What comes after the last words is passed through, but nobody is there to watch it.
    if (!stopping) await server.monitor.source.append(records)
  })
  await input
  if (!exit || stopping) return
  await server.close()
  process.exit(0)
}

function greet({ origin }: Server, settings: Settings, generated: string | undefined): void {
  const url = `${origin}${settings.base}`
  // A fragment stays in the browser: it reaches no server's log. With a token of the user's own, it is not ours to print.
  const token = generated ?? (settings.token === undefined ? '$EDGETAIL_READ_TOKEN' : '$EDGETAIL_TOKEN')
  process.stderr.write(
    `edgetail is listening. Watch in the browser:\n\n  ${url}${generated ? `#token=${generated}` : ''}\n\n` +
      `or in a terminal:\n\n  curl -N -H "Authorization: Bearer ${token}" ${url}/stream\n\n`,
  )
}
