/**
 * From the environment to options, by the same names on both runtimes: environment variables on Node, vars and secrets on
 * Workers. Options given in code go through the same checks.
 */
import * as v from 'valibot'
import { MonitorError } from './errors.ts'
import { DEFAULT_REDACT_PATHS, isRedactPath, REDACT_MESSAGE } from './redact.ts'
import { placeInTokens, readTokenList, type StreamToken, tokenList, tokenText } from './token-list.ts'

/** The headers of a proxy that can be trusted. */
const PROXY_HEADERS = [
  'x-forwarded-for',
  'x-forwarded-proto',
  'x-forwarded-host',
  'x-real-ip',
  'cf-connecting-ip',
] as const

/** One of them. */
export type ProxyHeader = (typeof PROXY_HEADERS)[number]

/** Options of a monitor that a setting can give. */
export interface MonitorSettings {
  /** Reads and writes. `EDGETAIL_TOKEN` */
  readonly token?: string | undefined
  /** Reads only. `EDGETAIL_READ_TOKEN` */
  readonly readToken?: string | undefined
  /** Writes only. `EDGETAIL_WRITE_TOKEN` */
  readonly writeToken?: string | undefined
  /**
   * Further tokens, each with its rights and the named streams that it is limited to. `EDGETAIL_TOKENS`, as a JSON array
   * @default none
   */
  readonly tokens?: readonly StreamToken[] | undefined
  /**
   * Named streams beside the default log, where the monitor has a place for them; 0 for none. `EDGETAIL_MAX_STREAMS` @default 100
   */
  readonly maxStreams?: number | undefined
  /** Streams open at once; further ones get 503. `EDGETAIL_MAX_CLIENTS` @default 1000 */
  readonly maxClients?: number | undefined
  /** Largest body of a write in bytes, compressed or not. `EDGETAIL_MAX_BODY` @default 1048576 */
  readonly maxBody?: number | undefined
  /**
   * Streams open at once with one credential, so that one that leaked cannot take all places.
   * `EDGETAIL_MAX_CLIENTS_PER_TOKEN` @default maxClients
   */
  readonly maxClientsPerToken?: number | undefined
  /**
   * Unzipped bytes for each byte sent of a gzip body, beyond the first MiB. Logs reach 20, a bomb 1000.
   * `EDGETAIL_MAX_GZIP_RATIO` @default 100
   */
  readonly maxGzipRatio?: number | undefined
  /**
   * Time that a body may take until its last byte, in milliseconds: one that trickles holds a connection for nothing.
   * `EDGETAIL_BODY_TIMEOUT_MS` @default 30000
   */
  readonly bodyTimeoutMs?: number | undefined
  /**
   * Headers of a proxy in front that are believed: `x-forwarded-for`, `x-forwarded-proto`, `x-forwarded-host`, `x-real-ip`,
   * `cf-connecting-ip`. Name only what your proxy sets itself, since clients can send any of them.
   * `EDGETAIL_TRUSTED_HEADERS`, separated by commas @default none
   */
  readonly trustedHeaders?: readonly ProxyHeader[] | undefined
  /** Silence on a stream after which a comment is sent, in milliseconds. `EDGETAIL_HEARTBEAT_MS` @default 20000 */
  readonly heartbeatMs?: number | undefined
  /**
   * Paths of secrets that are taken out of entries before they are stored, beside `DEFAULT_REDACT_PATHS`; false takes out
   * nothing, also none of those. `EDGETAIL_REDACT`, separated by commas, or `off`
   */
  readonly redact?: readonly string[] | false | undefined
  /** Origins whose pages may call with credentials. `EDGETAIL_CORS_ORIGINS`, separated by commas @default none */
  readonly corsOrigins?: readonly string[] | undefined
}

/** Settings with every default filled in. */
export interface ResolvedMonitorSettings extends MonitorSettings {
  readonly tokens: readonly StreamToken[]
  readonly maxStreams: number
  readonly maxClients: number
  readonly maxBody: number
  readonly maxGzipRatio: number
  readonly bodyTimeoutMs: number
  readonly heartbeatMs: number
  readonly corsOrigins: readonly string[]
  readonly redact: readonly string[] | false
  readonly trustedHeaders: readonly ProxyHeader[]
}

/** Everything that the environment sets. */
export interface Settings extends ResolvedMonitorSettings {
  /** `PORT`, 0 takes any free one. @default 8787 */
  readonly port: number
  /** `HOST` @default 127.0.0.1 */
  readonly host: string
  /** Path under which the routes are mounted, without a slash at its end. `EDGETAIL_BASE` @default /monitor */
  readonly base: string
  /** Entries kept for those who connect later. `EDGETAIL_RETAIN` @default 10000 */
  readonly retain: number
  /** Most characters of JSON text kept for them. `EDGETAIL_RETAIN_BYTES` @default 67108864 (64 Mi); on Workers no limit */
  readonly retainBytes?: number | undefined
  /** Longest time that an entry is kept in a file or a Durable Object, in milliseconds. `EDGETAIL_RETAIN_MS` @default none */
  readonly retainMs?: number | undefined
  /** File that entries are kept in, on Node. `EDGETAIL_DATA` @default none: they are kept in memory */
  readonly data?: string | undefined
  /** What an answered write survives: the process, or also a power cut (`full`). `EDGETAIL_DATA_SYNC` @default normal */
  readonly dataSync: 'normal' | 'full'
  /** Redis that entries are kept in, on Node, shared with other processes. `REDIS_URL` @default none */
  readonly redisUrl?: string | undefined
  /** Name of the log in Redis. `EDGETAIL_REDIS_KEY` @default edgetail */
  readonly redisKey: string
  /**
   * Streams that one Durable Object serves, the log room or a relay, on Workers. `EDGETAIL_ROOM_CLIENTS` @default 4000
   */
  readonly roomClients: number
}

function text(pattern: RegExp, message: string): v.GenericSchema<string> {
  return v.pipe(v.string(message), v.regex(pattern, message))
}

function wholeNumber(min: number, max: number): v.GenericSchema<number> {
  const message = `is a whole number from ${min} to ${max}`
  return v.pipe(v.number(message), v.integer(message), v.minValue(min, message), v.maxValue(max, message))
}

const originsMessage = 'lists origins such as https://ops.example.com, separated by commas'
const origin: v.GenericSchema<string> = v.custom<string>(
  (value) => typeof value === 'string' && URL.canParse(value) && new URL(value).origin === value,
  originsMessage,
)

const trustedMessage = `lists headers of ${PROXY_HEADERS.join(', ')}, separated by commas`

const redactPath = v.pipe(v.string(REDACT_MESSAGE), v.check(isRedactPath, REDACT_MESSAGE))

const monitorSettings = {
  token: v.optional(tokenText),
  readToken: v.optional(tokenText),
  writeToken: v.optional(tokenText),
  tokens: v.optional(tokenList, []),
  maxStreams: v.optional(wholeNumber(0, 10_000), 100),
  maxClients: v.optional(wholeNumber(1, 1_000_000), 1000),
  maxBody: v.optional(wholeNumber(1, 256 * 1024 * 1024), 1024 * 1024),
  maxClientsPerToken: v.optional(wholeNumber(1, 1_000_000)),
  // Deflate itself ends at 1032.
  maxGzipRatio: v.optional(wholeNumber(1, 1032), 100),
  bodyTimeoutMs: v.optional(wholeNumber(10, 600_000), 30_000),
  // Below 10 ms the heartbeats themselves would be the load; beyond a day no proxy keeps a silent stream.
  heartbeatMs: v.optional(wholeNumber(10, 86_400_000), 20_000),
  trustedHeaders: v.optional(v.array(v.picklist(PROXY_HEADERS, trustedMessage), trustedMessage), []),
  redact: v.pipe(
    v.optional(v.union([v.array(redactPath, REDACT_MESSAGE), v.literal(false)], REDACT_MESSAGE), []),
    v.transform((paths) => paths && [...DEFAULT_REDACT_PATHS, ...paths]),
  ),
  corsOrigins: v.optional(v.array(origin, originsMessage), []),
}

const monitorSchema: v.GenericSchema<unknown, ResolvedMonitorSettings> = v.object(monitorSettings)

const settings: v.GenericSchema<unknown, Settings> = v.object({
  ...monitorSettings,
  port: v.optional(wholeNumber(0, 65535), 8787),
  host: v.optional(text(/^[\w.:%-]+$/, 'is a host name or an address'), '127.0.0.1'),
  base: v.optional(
    v.pipe(
      text(
        /^\/(?:[\w~-][\w.~-]*(?:\/[\w~-][\w.~-]*)*\/*)?$/,
        'is a path such as /monitor: a slash before each part, which has letters, digits and -._~',
      ),
      v.transform((path) => path.replace(/\/+$/, '')),
    ),
    '/monitor',
  ),
  retain: v.optional(wholeNumber(1, 10_000_000), 10_000),
  retainBytes: v.optional(wholeNumber(1, Number.MAX_SAFE_INTEGER)),
  retainMs: v.optional(wholeNumber(1, Number.MAX_SAFE_INTEGER)),
  data: v.optional(text(/^[^\0]+$/, 'is the path of a file')),
  dataSync: v.optional(v.picklist(['normal', 'full'], 'is normal or full'), 'normal'),
  redisUrl: v.optional(text(/^rediss?:\/\/./, 'is a URL such as redis://127.0.0.1:6379')),
  redisKey: v.optional(text(/^[\w.:-]{1,200}$/, 'is 1 to 200 letters, digits and .:_-'), 'edgetail'),
  // An object takes 32,768 sockets, of which those need room whose Workers are gone and not yet missed.
  roomClients: v.optional(wholeNumber(1, 30_000), 4000),
})

/** The names in the environment, and how their text is read. */
const VARIABLES = {
  token: ['EDGETAIL_TOKEN', String],
  readToken: ['EDGETAIL_READ_TOKEN', String],
  writeToken: ['EDGETAIL_WRITE_TOKEN', String],
  tokens: ['EDGETAIL_TOKENS', readTokenList],
  maxStreams: ['EDGETAIL_MAX_STREAMS', toNumber],
  maxClients: ['EDGETAIL_MAX_CLIENTS', toNumber],
  maxBody: ['EDGETAIL_MAX_BODY', toNumber],
  maxClientsPerToken: ['EDGETAIL_MAX_CLIENTS_PER_TOKEN', toNumber],
  maxGzipRatio: ['EDGETAIL_MAX_GZIP_RATIO', toNumber],
  bodyTimeoutMs: ['EDGETAIL_BODY_TIMEOUT_MS', toNumber],
  heartbeatMs: ['EDGETAIL_HEARTBEAT_MS', toNumber],
  trustedHeaders: ['EDGETAIL_TRUSTED_HEADERS', (text) => toList(text.toLowerCase())],
  redact: ['EDGETAIL_REDACT', (text) => (text === 'off' ? false : toList(text))],
  corsOrigins: ['EDGETAIL_CORS_ORIGINS', toList],
  port: ['PORT', toNumber],
  host: ['HOST', String],
  base: ['EDGETAIL_BASE', String],
  retain: ['EDGETAIL_RETAIN', toNumber],
  retainBytes: ['EDGETAIL_RETAIN_BYTES', toNumber],
  retainMs: ['EDGETAIL_RETAIN_MS', toNumber],
  data: ['EDGETAIL_DATA', String],
  dataSync: ['EDGETAIL_DATA_SYNC', String],
  redisUrl: ['REDIS_URL', String],
  redisKey: ['EDGETAIL_REDIS_KEY', String],
  roomClients: ['EDGETAIL_ROOM_CLIENTS', toNumber],
} satisfies Record<keyof Settings, readonly [string, (text: string) => unknown]>

/**
 * Reads the settings.
 *
 * @param env - `process.env`, or the bindings of a Worker (whose numbers may be numbers)
 * @throws MonitorError `invalid_setting` naming the first variable that cannot be used and what it should be
 */
export function readSettings(env: Readonly<Record<string, unknown>>): Settings {
  const input: Record<string, unknown> = {}
  for (const [key, [name, read]] of Object.entries(VARIABLES)) {
    const value = env[name]
    if (value !== undefined) input[key] = typeof value === 'string' ? read(value) : value
  }
  return check(settings, input, (key) => VARIABLES[key as keyof Settings][0])
}

/**
 * Checks options given in code and fills in defaults.
 *
 * @throws MonitorError `invalid_setting` naming the option
 */
export function resolveMonitorSettings(options: MonitorSettings): ResolvedMonitorSettings {
  return check(monitorSchema, options, (key) => key)
}

function check<Schema extends v.GenericSchema>(
  schema: Schema,
  input: unknown,
  nameOf: (key: string) => string,
): v.InferOutput<Schema> {
  const result = v.safeParse(schema, input)
  if (result.success) return result.output
  const [issue] = result.issues
  // The value is left out: it may be a token.
  const [first, ...rest] = issue.path?.map(({ key }) => key) ?? []
  throw new MonitorError(
    'invalid_setting',
    `${nameOf(String(first))}${first === 'tokens' ? placeInTokens(rest, issue.message) : ''} ${issue.message}.`,
  )
}

function toNumber(text: string): number {
  return /^\d+$/.test(text) ? Number(text) : Number.NaN
}

function toList(text: string): string[] {
  return text
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== '')
}
