/** `edgetail`: serves, and reads what is piped into it and the files that it is given. Its own words go to standard error. */
import { randomBytes } from 'node:crypto'
import { closeOnSignals, type Server, STOP_MS, startServer } from '../node/server.ts'
import { readSettings, type Settings } from '../settings.ts'
import type { LogSource } from '../source.ts'
import type { ServeArguments } from './args.ts'
import type { Append } from './feed.ts'
import { openFiles } from './follow/index.ts'
import { readNames } from './follow/names.ts'
import { followInput, isPiped } from './stdin.ts'

/** How long a stop waits for the input to end, in milliseconds. */
const LAST_WORDS_MS = 3000

/** Runs until a signal, or with `--exit` until the input has ended. */
export async function serve({ exit, files, fromStart, settings: given }: ServeArguments): Promise<void> {
  const settings = readSettings({ ...process.env, ...given })
  const hasToken = [settings.token, settings.readToken, settings.writeToken].some((token) => token !== undefined)
  const generated = hasToken ? undefined : randomBytes(24).toString('base64url')
  const piped = isPiped()
  const names = readNames(files)
  const isAlone = !piped && files.length === 0
  const server = await startServer({ ...settings, token: settings.token ?? generated, logRequests: isAlone })
  let input: Promise<void> = Promise.resolve()
  let following: Promise<void> = Promise.resolve()
  const stopFollowing = new AbortController()
  let stopping = false
  const appendTo = (source: LogSource): Append => {
    return async (records) => {
      // What comes after the last words is passed through, but nobody is there to watch it.
      if (!stopping) await source.append(records)
    }
  }
  closeOnSignals({
    async close() {
      // Ctrl-C reaches the program before the pipe too, and what it says as it stops is worth reading.
      const asked = performance.now()
      stopFollowing.abort()
      await Promise.race([
        Promise.all([input, following]),
        new Promise((resolve) => setTimeout(resolve, LAST_WORDS_MS)),
      ])
      stopping = true
      await server.close(STOP_MS - (performance.now() - asked))
    },
  })
  const opened = await openFiles(names, {
    fromStart,
    append: appendTo(server.monitor.sourceOf('file')),
    report: (sentence) => void process.stderr.write(`edgetail: ${sentence}\n`),
  })
  greet(server, settings, generated)

  if (isAlone) {
    server.monitor.log('info', `edgetail is listening on ${server.origin}${settings.base}`, {
      node: process.version,
      retain: settings.retain,
      maxClients: settings.maxClients,
    })
    return
  }
  following = opened.follow(stopFollowing.signal)
  if (piped) input = followInput(process.stdin, process.stdout, appendTo(server.monitor.sourceOf('stdin')))
  if (exit && piped) {
    await Promise.race([input, following.then(() => input)])
    stopFollowing.abort()
  }
  await Promise.all([input, following])
  if (!exit || stopping) return
  await server.close()
  process.exit(0)
}

function greet({ origin }: Server, settings: Settings, generated: string | undefined): void {
  if (generated === undefined && settings.token === undefined && settings.readToken === undefined) {
    process.stderr.write(
      `edgetail is listening on ${origin}${settings.base}. Only EDGETAIL_WRITE_TOKEN is set, so nobody can watch: set ` +
        'EDGETAIL_READ_TOKEN too, or EDGETAIL_TOKEN for both.\n',
    )
    return
  }
  // All addresses are none that a browser could open.
  const isOpen = settings.host === '0.0.0.0' || settings.host === '::'
  const url = `${isOpen ? origin.replace(/\/\/.*:/, '//127.0.0.1:') : origin}${settings.base}`
  if (isOpen) {
    process.stderr.write(
      'edgetail listens on all addresses, unencrypted: have a proxy with TLS in front of it where others share the network.\n',
    )
  }
  // A fragment stays in the browser: it reaches no server's log. With a token of the user's own, it is not ours to print.
  const token = generated ?? (settings.token === undefined ? '$EDGETAIL_READ_TOKEN' : '$EDGETAIL_TOKEN')
  process.stderr.write(
    `edgetail is listening. Watch in the browser:\n\n  ${url}${generated ? `#token=${generated}` : ''}\n\n` +
      `or in a terminal:\n\n  curl -N -H "Authorization: Bearer ${token}" ${url}/stream\n\n`,
  )
}
