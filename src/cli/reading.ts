/** What `tail` and `logs` share: how they find the server, how they print, how they are stopped. */
import type { ReadArguments } from './args.ts'
import { jsonPrinter, type Printer, textPrinter } from './print.ts'
import { createRemote, parseAddress, type Remote } from './remote.ts'
import { findToken } from './token-prompt.ts'

/** How long output that nobody takes holds up a stop, in milliseconds. */
const LAST_LINES_MS = 1000

/** The monitor at an address; undefined when the person pressed Ctrl-C instead of giving a token. */
export async function openRemote(url: string): Promise<Remote | undefined> {
  const { base, token: fromLink } = parseAddress(url)
  const token = await findToken(fromLink)
  return token === undefined ? undefined : createRemote(base, token)
}

/** The printer that was asked for. */
export function printerFor({ json, color }: ReadArguments): Printer {
  return json ? jsonPrinter() : textPrinter(color && isColourWanted(process.env, process.stdout.isTTY))
}

/**
 * Whether to use colours: `FORCE_COLOR` (https://force-color.org) wins over `NO_COLOR` (https://no-color.org), as in Node, and
 * both over what the output is.
 */
export function isColourWanted(env: Readonly<Record<string, string | undefined>>, isTerminal: boolean): boolean {
  const { FORCE_COLOR, NO_COLOR, TERM } = env
  if (FORCE_COLOR) return FORCE_COLOR !== '0' && FORCE_COLOR !== 'false'
  return !NO_COLOR && isTerminal && TERM !== 'dumb'
}

/**
 * Aborts at Ctrl-C or SIGTERM.
 *
 * @param giveUp - ends the program; called at a second signal, and when the output takes nothing more
 */
export function stopOnSignals(stop: AbortController, giveUp: () => never): void {
  const end = (): void => {
    if (stop.signal.aborted) giveUp()
    stop.abort()
    setTimeout(giveUp, LAST_LINES_MS).unref()
  }
  process.on('SIGINT', end).on('SIGTERM', end)
}

/** Says something on standard error, which is not part of the output. */
export function say(sentence: string): void {
  process.stderr.write(`edgetail: ${sentence}\n`)
}

/** A connection that was lost, in words. */
export function describeLoss({ reason, retryInMs }: { readonly reason: string; readonly retryInMs: number }): string {
  return `${reason} Connecting again in ${Math.ceil(retryInMs / 1000)} s.`
}
