/** The token: from the link, from the environment, or asked for without showing it. */
import { createInterface } from 'node:readline'
import { Writable } from 'node:stream'
import { MonitorError } from '../errors.ts'

/**
 * Finds the token to read with.
 *
 * @param fromLink - of a link that was pasted
 * @returns undefined when the person pressed Ctrl-C at the question
 * @throws MonitorError `unauthorized` when there is none and nobody to ask
 */
export async function findToken(fromLink: string | undefined): Promise<string | undefined> {
  const { EDGETAIL_TOKEN, EDGETAIL_READ_TOKEN } = process.env
  // One that is set to nothing is a script whose secret store gave nothing: asking is better than sending it.
  const known = fromLink || EDGETAIL_TOKEN || EDGETAIL_READ_TOKEN
  if (known) return known
  if (!process.stdin.isTTY || !process.stderr.isTTY) {
    throw new MonitorError(
      'unauthorized',
      'There is no token. Set EDGETAIL_TOKEN, or run this in a terminal to be asked.',
    )
  }
  const answer = await ask('Token: ')
  if (answer === '') throw new MonitorError('unauthorized', 'No token was given.')
  return answer
}

/** Asks on standard error, since the output may go into a file. Undefined at Ctrl-C, empty at the end of the input. */
function ask(question: string): Promise<string | undefined> {
  process.stderr.write(question)
  // readline edits and echoes the line; nobody sees what goes nowhere.
  const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() })
  const lines = createInterface({ input: process.stdin, output: nowhere, terminal: true })
  return new Promise((resolve) => {
    const answer = (text: string | undefined): void => {
      lines.removeAllListeners('close')
      // Gives the terminal its own mode back.
      lines.close()
      process.stderr.write('\n')
      resolve(text)
    }
    lines.once('line', (line) => answer(line.trim()))
    lines.once('SIGINT', () => answer(undefined))
    lines.once('close', () => answer(''))
  })
}
