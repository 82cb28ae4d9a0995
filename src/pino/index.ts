/**
 * The transport for pino: `pino({ transport: { target: 'edgetail/pino', options: { url, token } } })`. It runs in a worker
 * thread, so that the program only hands its lines over; they are sent as they are, and the monitor reads pino. The program holds on to its logger:
 * pino ends the thread of one that was collected, without a word to any transport.
 */
import { writeSync } from 'node:fs'
import type { Transform } from 'node:stream'
import build from 'pino-abstract-transport'
import { resolveSender, type SendOptions } from '../client/push.ts'
import { createSender } from '../client/sender.ts'
import { MonitorError } from '../errors.ts'
import { normalizeEntry } from '../normalize.ts'

/** Options of the transport. Those that are left out have the push client's defaults. */
export interface PinoTransportOptions extends Omit<SendOptions, 'url'> {
  /** The monitor's base, such as `https://logs.example.com/monitor`. @default EDGETAIL_URL */
  readonly url?: string | undefined
  /** A token that may write. @default EDGETAIL_TOKEN */
  readonly token?: string | undefined
}

/** Longest time that an exiting program waits for its last entries, in milliseconds: with the thread's own start below 5 s. */
const CLOSE_MS = 4000

/**
 * Longest line that is sent as it is, in UTF-16 units. A longer one is cut to an entry's limits here, since the monitor would
 * refuse the whole request for a line beyond its own.
 */
const MAX_LINE_LENGTH = 64 * 1024

/** The fields in which the monitor looks for a time. */
const TIME = /"(?:ts|time|timestamp|@timestamp)":/

/** What a line is for the library, which would parse it otherwise. */
const UNPARSED = {}

/**
 * Makes the transport; pino calls it in the worker thread.
 *
 * @throws MonitorError `invalid_setting` when an option cannot be used; pino tells it as the transport's `error` event
 */
export default function pinoTransport(options: PinoTransportOptions = {}): Transform {
  const { url = process.env.EDGETAIL_URL, token = process.env.EDGETAIL_TOKEN } = options
  if (url === undefined || url === '') {
    throw new MonitorError(
      'invalid_setting',
      "edgetail/pino: url is missing. Set the option url, or EDGETAIL_URL, to the monitor's base, such as http://127.0.0.1:8787/monitor.",
    )
  }
  const sender = createSender(resolveSender({ ...options, url, token }, { onError: report }))
  const stream = build(
    (lines) => {
      lines.on('data', (line: string) => sender.send(toEntry(line)))
    },
    { parse: 'lines', parseLine: () => UNPARSED, metadata: false, close: () => sender.close(CLOSE_MS) },
  )
  // What `logger.flush(callback)` waits for.
  return Object.assign(stream, { flush: () => sender.flush(CLOSE_MS) })
}

/** The line as it is sent. One without a time gets it now: it may wait for long. */
function toEntry(line: string): string {
  if (line.length <= MAX_LINE_LENGTH && TIME.test(line)) return line
  try {
    return normalizeEntry(JSON.parse(line)).json
  } catch {
    // A program's own formatter may write anything. The text itself is still worth seeing.
    return normalizeEntry({ message: line }).json
  }
}

/** Not `console`: a thread's goes through the program's own, which does not listen any more when it ends. */
function report(error: unknown): void {
  try {
    writeSync(2, `edgetail/pino: ${(error as Error).message}\n`)
  } catch {
    // Standard error is closed: there is nobody to tell.
  }
}
