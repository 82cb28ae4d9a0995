/**
 * The push client: a program's entries, sent to a monitor elsewhere. It needs nothing but `fetch`, and so runs on Node, Workers,
 * Bun, Deno and in browsers.
 */
import { type ErrorReporter, MonitorError } from '../errors.ts'
import type { Level } from '../log.ts'
import { type LevelMethods, type Logger, levelMethods } from '../logger.ts'
import { createRecord, normalizeEntry } from '../normalize.ts'
import { unheard } from '../reentry.ts'
import { snapshot } from '../snapshot.ts'
import { onExit } from './exit.ts'
import type { Fetch } from './post.ts'
import { createSender, KEEPALIVE_LENGTH, type PushStats, type Sender, type SenderSettings } from './sender.ts'

/** What a sender needs to know, by options that can be copied to another thread. */
export interface SendOptions {
  /** The monitor's base, such as `https://logs.example.com/monitor`. */
  readonly url: string
  /**
   * A token that may write. It leaves only in the `Authorization` header. In a page's script everybody can read it: give pages
   * a write token or none.
   * @default none, for a monitor with a sign-in of its own
   */
  readonly token?: string | undefined
  /** Entries that may wait; beyond, the oldest are dropped. The batch under way is not counted. @default 100000 */
  readonly maxBufferEntries?: number | undefined
  /**
   * What they may take, in bytes; beyond, the oldest are dropped. Measured as the length of their JSON text, so that a character
   * beyond ASCII counts as one or two.
   * @default 16777216
   */
  readonly maxBufferBytes?: number | undefined
  /**
   * What a request may take, in bytes before zipping, measured alike. A receiver that finds it too large is sent less.
   * @default 262144, in a page 20480
   */
  readonly batchBytes?: number | undefined
  /** Time for which entries are collected before they leave, in milliseconds. @default 200 */
  readonly flushMs?: number | undefined
  /** Time that a request may take, in milliseconds. @default 5000 */
  readonly timeoutMs?: number | undefined
  /** Zips what is larger than 4 KiB. @default true where the runtime has CompressionStream */
  readonly gzip?: boolean | undefined
}

/** Options of {@link createPushClient}. */
export interface PushClientOptions extends SendOptions {
  /** Sends a request, such as that of a service binding. @default fetch */
  readonly fetch?: Fetch | undefined
  /**
   * Keeps a Worker alive until what was logged is sent: pass `waitUntil` of `cloudflare:workers`. Without it what is logged
   * just before the answer may be lost with the request.
   */
  readonly waitUntil?: ((promise: Promise<unknown>) => void) | undefined
  /**
   * Told when the monitor cannot be reached or refuses entries: each kind at once, and then at most once a minute with the
   * number of entries that it cost. What it prints is not captured. Neither the token nor an entry is in what it gets.
   * @default console.error
   */
  readonly onError?: ErrorReporter | undefined
}

/** A push client. */
export interface PushClient extends Logger, LevelMethods {
  /**
   * Logs an object with an entry's fields, or those of pino, winston and the like. What is no object is counted as refused and
   * told to `onError`.
   */
  push(entry: unknown): void
  /** How many entries wait, and how many met which end. */
  stats(): PushStats
  /**
   * Sends now. Resolves when the monitor has what was logged before, or refused it, or when the time is over; then the rest
   * stays and is sent later. Never rejects.
   *
   * @param withinMs - in milliseconds @default 5000
   */
  flush(withinMs?: number): Promise<void>
  /**
   * Flushes and ends. What is not delivered in time is told to `onError`. Idempotent; never rejects.
   *
   * @param withinMs - in milliseconds @default 5000
   */
  close(withinMs?: number): Promise<void>
}

/** Longest time that a program is held up when it ends, in milliseconds. */
const EXIT_MS = 5000

/**
 * Makes a push client. Nothing of it throws or waits from here on. Entries go out in order, are repeated until the monitor has
 * answered, and are stored once, as the monitor knows a repeat by its `Idempotency-Key`. It does not keep a program alive; when
 * a Node program has nothing left to do, it delivers what waits, which takes at most five seconds. `process.exit` and an
 * uncaught error leave it no time: `await close()` before.
 *
 * @throws MonitorError `invalid_setting` when an option cannot be used
 * @example
 * const client = createPushClient({ url: 'http://127.0.0.1:8787/monitor', token })
 * client.error('payment failed', { orderId })
 */
export function createPushClient(options: PushClientOptions): PushClient {
  const sender = createSender(
    resolveSender(options, {
      fetch: options.fetch,
      waitUntil: options.waitUntil,
      onError: options.onError ?? reportToConsole,
    }),
  )
  const takeOff = options.waitUntil === undefined ? onExit(sender, EXIT_MS) : () => {}

  const log = (level: Level, message: string, context?: unknown): void => {
    trySend(sender, () => createRecord(level, message, context).json)
  }
  return {
    log,
    ...levelMethods(log),
    push: (entry) => trySend(sender, () => normalizeEntry(snapshot(entry)).json),
    stats: sender.stats,
    flush: (withinMs = EXIT_MS) => sender.flush(withinMs),
    close(withinMs = EXIT_MS) {
      takeOff()
      return sender.close(withinMs)
    },
  }
}

/**
 * Checks options and fills in defaults.
 *
 * @throws MonitorError `invalid_setting` naming the option
 */
export function resolveSender(
  options: SendOptions,
  { fetch, waitUntil, onError }: Pick<PushClientOptions, 'fetch' | 'waitUntil'> & { readonly onError: ErrorReporter },
): SenderSettings {
  const { maxBufferEntries = 100_000, maxBufferBytes = 16 * 1024 * 1024, flushMs = 200, timeoutMs = 5000 } = options
  // A page's last words fit 64 KiB, and a batch cannot be divided once it has a key.
  const isPage = typeof (globalThis as { document?: unknown }).document === 'object'
  const { batchBytes = isPage ? KEEPALIVE_LENGTH : 256 * 1024 } = options
  const numbers = { maxBufferEntries, maxBufferBytes, batchBytes, flushMs, timeoutMs }
  for (const [name, value] of Object.entries(numbers)) {
    if (!Number.isFinite(value) || value < (name === 'flushMs' ? 0 : 1)) {
      throw new MonitorError('invalid_setting', `${name} is a number from ${name === 'flushMs' ? 0 : 1}.`)
    }
  }
  // The value is left out: it may hold a typing error of a token.
  if (options.token !== undefined && !/^[\x21-\x7e]{1,4096}$/.test(options.token)) {
    throw new MonitorError('invalid_setting', 'token is 1 to 4096 visible ASCII characters without blanks.')
  }
  const canZip = typeof CompressionStream === 'function'
  return {
    ...numbers,
    target: targetOf(options.url),
    token: options.token,
    gzip: canZip && options.gzip !== false,
    // Looked up when it is used, since programs patch it, and called as nobody's method.
    fetch: fetch ?? ((url, init) => globalThis.fetch(url, init)),
    waitUntil,
    onError: (error, stage) => unheard(() => onError(error, stage)),
  }
}

/** Sends what `toJson` makes. An entry that cannot be made is counted and told, not thrown. */
function trySend(sender: Sender, toJson: () => string): void {
  let json: string
  try {
    json = toJson()
  } catch (error) {
    const reason = error instanceof MonitorError ? error.message : 'It cannot be read.'
    sender.refuse(new MonitorError('invalid_entry', `An entry cannot be sent. ${reason}`, { cause: error }))
    return
  }
  sender.send(json)
}

function targetOf(url: unknown): string {
  const base = typeof url === 'string' && URL.canParse(url) ? new URL(url) : undefined
  const isUsable =
    base !== undefined &&
    (base.protocol === 'http:' || base.protocol === 'https:') &&
    base.username === '' &&
    base.password === '' &&
    base.search === '' &&
    base.hash === ''
  // Not quoted either: people paste the link with the token in its fragment.
  if (!isUsable) {
    throw new MonitorError(
      'invalid_setting',
      "url is the monitor's base, such as http://127.0.0.1:8787/monitor, without a user, a query or a fragment.",
    )
  }
  return `${base.href.replace(/\/+$/, '')}/logs`
}

function reportToConsole(error: unknown): void {
  console.error(`edgetail: ${(error as Error).message}`)
}
