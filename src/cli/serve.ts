/** `edgetail`: serves, and reads what is piped into it and the files that it is given. Its own words go to standard error. */
import { randomBytes } from 'node:crypto'
import { MonitorError } from '../errors.ts'
import { closeOnSignals, type Server, STOP_MS, startServer } from '../node/server.ts'
import { readSettings, type Settings } from '../settings.ts'
import type { LogSource } from '../source.ts'
import { allowsStream, DEFAULT_STREAM } from '../streams.ts'
import type { ServeArguments } from './args.ts'
import { type Append, tellFailures } from './feed.ts'
import { openFiles } from './follow/index.ts'
import { readNames } from './follow/names.ts'
import { followInput, isPiped } from './stdin.ts'

/** How long a stop waits for the input to end, in milliseconds. */
const LAST_WORDS_MS = 3000

/** Runs until a signal, or with `--exit` until the input has ended. */
export async function serve({ exit, files, fromStart, stream, settings: given }: ServeArguments): Promise<void> {
  const settings = readSettings({ ...process.env, ...given })
  const { token, readToken, writeToken, tokens } = settings
  const hasToken = tokens.length > 0 || [token, readToken, writeToken].some((token) => token !== undefined)
  const generated = hasToken ? undefined : randomBytes(24).toString('base64url')
  const piped = isPiped()
  const names = readNames(files)
  const isAlone = !piped && files.length === 0
  if (stream !== DEFAULT_STREAM && settings.maxStreams === 0) {
    throw new MonitorError('invalid_setting', 'EDGETAIL_MAX_STREAMS is 0, so there is no place for --stream. Raise it.')
  }
  const server = await startServer({
    ...settings,
    token: token ?? generated,
    logRequests: isAlone,
    async prepare(monitor) {
      // A listener's place lasts as that of an entry does, which is to come: without one nothing is begun.
      const stop = new AbortController()
      if (stream !== DEFAULT_STREAM) await monitor.stream(stream).source.subscribe({ tail: 0, signal: stop.signal })
      stop.abort()
    },
  })
  const log = server.monitor.stream(stream)
  let input: Promise<void> = Promise.resolve()
  let following: Promise<void> = Promise.resolve()
  const stopFollowing = new AbortController()
  let stopping = false
  const report = (sentence: string): void => void process.stderr.write(`edgetail: ${sentence}\n`)
  const appendTo = (source: LogSource): Append => {
    return tellFailures(async (records) => {
      // What comes after the last words is passed through, but nobody is there to watch it.
      if (!stopping) await source.append(records)
    }, report)
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
    append: appendTo(log.sourceOf('file')),
    report,
  })
  greet(server, settings, stream, generated)

  if (isAlone) {
    server.monitor.log('info', `edgetail is listening on ${server.origin}${settings.base}`, {
      node: process.version,
      retain: settings.retain,
      maxClients: settings.maxClients,
    })
    return
  }
  following = opened.follow(stopFollowing.signal)
  if (piped) input = followInput(process.stdin, process.stdout, appendTo(log.sourceOf('stdin')))
  if (exit && piped) {
    await Promise.race([input, following.then(() => input)])
    stopFollowing.abort()
  }
  await Promise.all([input, following])
  if (!exit || stopping) return
  await server.close()
  process.exit(0)
}

function greet({ origin }: Server, settings: Settings, stream: string, generated: string | undefined): void {
  const limited = settings.tokens.find(({ rights }) => rights.includes('read'))
  if ([generated, settings.token, settings.readToken, limited].every((reader) => reader === undefined)) {
    process.stderr.write(
      `edgetail is listening on ${origin}${settings.base}. No token that reads is set, so nobody can watch: set ` +
        'EDGETAIL_READ_TOKEN too, or EDGETAIL_TOKEN for both.\n',
    )
    return
  }
  // A fragment stays in the browser: it reaches no server's log. With a token of the user's own, it is not ours to print.
  const own = settings.token !== undefined ? '$EDGETAIL_TOKEN' : settings.readToken && '$EDGETAIL_READ_TOKEN'
  const known = generated ?? own
  // All addresses are none that a browser could open.
  const isOpen = settings.host === '0.0.0.0' || settings.host === '::'
  const seen = known !== undefined || allowsStream(limited?.streams, stream) ? stream : '<name>'
  const below = seen === DEFAULT_STREAM ? '' : `/s/${seen}`
  const url = `${isOpen ? origin.replace(/\/\/.*:/, '//127.0.0.1:') : origin}${settings.base}${below}`
  if (isOpen) {
    process.stderr.write(
      'edgetail listens on all addresses, unencrypted: have a proxy with TLS in front of it where others share the network.\n',
    )
  }
  const token = known ?? '<one of EDGETAIL_TOKENS>'
  process.stderr.write(
    `edgetail is listening. Watch in the browser:\n\n  ${url}${generated ? `#token=${generated}` : ''}\n\n` +
      `or in a terminal:\n\n  curl -N -H "Authorization: Bearer ${token}" ${url}/stream\n\n`,
  )
}
