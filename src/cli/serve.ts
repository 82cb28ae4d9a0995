/** `edgetail`: serves, and reads what is piped into it. Its own words go to standard error. */
import { randomBytes } from 'node:crypto'
import { closeOnSignals, type Server, startServer } from '../node/server.ts'
import { readSettings } from '../settings.ts'
import type { Arguments } from './args.ts'
import { followInput, isPiped } from './stdin.ts'

/** Runs until a signal, or with `--exit` until the input has ended. */
export async function serve({ exit, settings: given }: Arguments): Promise<void> {
  const settings = readSettings({ ...process.env, ...given })
  const hasToken = [settings.token, settings.readToken, settings.writeToken].some((token) => token !== undefined)
  const generated = hasToken ? undefined : randomBytes(24).toString('base64url')
  const piped = isPiped()
  const server = await startServer({ ...settings, token: settings.token ?? generated, logRequests: !piped })
  closeOnSignals(server)
  greet(server, settings.base, generated)

  if (!piped) {
    server.monitor.log('info', `edgetail is listening on ${server.origin}${settings.base}`, {
      node: process.version,
      retain: settings.retain,
      maxClients: settings.maxClients,
    })
    return
  }
  await followInput(process.stdin, process.stdout, (records) => server.monitor.source.append(records))
  if (!exit) return
  await server.close()
  process.exit(0)
}

function greet({ origin }: Server, base: string, generated: string | undefined): void {
  const url = `${origin}${base}`
  // A fragment stays in the browser: it reaches no server's log. With a token of the user's own, it is not ours to print.
  const token = generated ?? '$EDGETAIL_TOKEN'
  process.stderr.write(
    `edgetail is listening. Watch in the browser:\n\n  ${url}${generated ? `#token=${generated}` : ''}\n\n` +
      `or in a terminal:\n\n  curl -N -H "Authorization: Bearer ${token}" ${url}/stream\n\n`,
  )
}
