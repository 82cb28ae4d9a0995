/** The command line. The first word chooses what to do: `tail`, `logs`, or, when it is neither, to serve. */
import { type ParseArgsConfig, parseArgs } from 'node:util'
import { MonitorError } from '../errors.ts'
import { LEVELS, type Level, levelNamed } from '../log.ts'
import { DEFAULT_STREAM, isStreamName, STREAM_NAME_RULE } from '../streams.ts'

/** `edgetail [files…]` */
export interface ServeArguments {
  readonly command: 'serve'
  /** Files to follow, as paths and patterns. */
  readonly files: readonly string[]
  /** Read what stands in the files already. */
  readonly fromStart: boolean
  /** End when standard input ends. */
  readonly exit: boolean
  /** The log that what is read goes to. */
  readonly stream: string
  /** Settings given as options; they win over the environment. */
  readonly settings: Readonly<Record<string, string>>
}

/** `edgetail tail <url>` and `edgetail logs <url>` */
export interface ReadArguments {
  readonly command: 'tail' | 'logs'
  /** Where the monitor is, as it was typed. May hold a token. */
  readonly url: string
  /** Past entries to begin with. */
  readonly tail: number
  readonly level: Level | undefined
  readonly q: string | undefined
  /** One JSON object a line instead of text for people. */
  readonly json: boolean
  /** False when `--no-color` was given. */
  readonly color: boolean
}

/** What the command was asked to do. */
export type Arguments = ServeArguments | ReadArguments | { readonly command: 'help' } | { readonly command: 'version' }

/** Past entries that `edgetail tail` begins with: they fit a terminal. */
const DEFAULT_TAIL = 20

/** Most entries that a server is asked for at once. */
const MAX_TAIL = 1_000_000

/** One screen. */
export const HELP: string = `edgetail: watch an application's logs live, in the browser or in a terminal

  node app.js 2>&1 | edgetail        follow what a program prints; it is passed through unchanged
  edgetail app.log 'logs/*.log'      follow files, also rotated ones and new ones that match
  edgetail                           serve; entries come over HTTP (POST /monitor/logs)
  edgetail tail <url>                watch a server, or its stream at <url>/s/<name>
  edgetail logs <url> > file         download what a server has stored, oldest first

Options of edgetail
  --port <n>     port to listen on, 0 for any free one      (PORT, 8787)
  --host <name>  address to listen on                       (HOST, 127.0.0.1)
  --exit         end when standard input ends
  --from-start   read files from their start, not from their end
  --stream <name>  put what is read into this named stream    (default)

Options of tail and logs; the token comes from EDGETAIL_TOKEN or is asked for
  --level <name> only this level and graver ones: ${LEVELS.join(' ')}
  --q <query>    only entries that match
  --tail, -n <n> past entries to begin with                 (tail: 20, logs: all)
  --json         one JSON object a line, with ids
  --no-color     no colours (also NO_COLOR; FORCE_COLOR for colours in a pipe)

  --version      print the version
  --help         print this

Environment
  EDGETAIL_TOKEN          token that reads and writes; without one a random one is made and printed
  EDGETAIL_READ_TOKEN     token that only reads
  EDGETAIL_WRITE_TOKEN    token that only writes
  EDGETAIL_BASE           path of the routes                         (/monitor)
  EDGETAIL_RETAIN         entries kept for those who connect later   (10000)
  EDGETAIL_DATA           file that keeps them through a restart     (memory)
  REDIS_URL               Redis that keeps them for several servers  (memory)
  EDGETAIL_MAX_CLIENTS    streams open at once                       (1000)
  EDGETAIL_MAX_BODY       largest body of a write, in bytes          (1048576)
  EDGETAIL_HEARTBEAT_MS   silence after which a comment is sent      (20000)
  EDGETAIL_REDACT         paths of secrets beside the usual ones, or off
  EDGETAIL_CORS_ORIGINS   origins whose pages may call, by commas    (none)
  README.md has the rest: named streams and their tokens, limits of uploads and clients, proxies
`

const COMMON = {
  version: { type: 'boolean', default: false },
  help: { type: 'boolean', short: 'h', default: false },
} as const

/**
 * Reads the arguments.
 *
 * @throws MonitorError `invalid_setting` for one that is not known or cannot be used
 */
export function readArguments(args: readonly string[]): Arguments {
  const [command, ...rest] = args
  return command === 'tail' || command === 'logs' ? readReadArguments(command, rest) : readServeArguments(args)
}

function readServeArguments(args: readonly string[]): Arguments {
  const { values, positionals } = parse({
    args: [...args],
    allowPositionals: true,
    options: {
      ...COMMON,
      port: { type: 'string' },
      host: { type: 'string' },
      exit: { type: 'boolean', default: false },
      'from-start': { type: 'boolean', default: false },
      stream: { type: 'string', default: DEFAULT_STREAM },
    },
  })
  const { port, host, exit, stream, version, help, 'from-start': fromStart } = values
  if (help || version) return { command: help ? 'help' : 'version' }
  if (!isStreamName(stream)) throw invalid(`--stream is a name: ${STREAM_NAME_RULE}.`)
  const settings = { ...(port && { PORT: port }), ...(host && { HOST: host }) }
  return { command: 'serve', files: positionals, fromStart, exit, stream, settings }
}

function readReadArguments(command: 'tail' | 'logs', args: string[]): Arguments {
  const { values, positionals } = parse({
    args,
    allowPositionals: true,
    options: {
      ...COMMON,
      level: { type: 'string' },
      q: { type: 'string' },
      tail: { type: 'string', short: 'n', default: String(command === 'tail' ? DEFAULT_TAIL : MAX_TAIL) },
      json: { type: 'boolean', default: false },
      'no-color': { type: 'boolean', default: false },
      // No option of these, but where one looks for it after `edgetail --stream`.
      stream: { type: 'string' },
    },
  })
  const { level, q, tail, json, stream, version, help, 'no-color': noColor } = values
  if (help || version) return { command: help ? 'help' : 'version' }
  if (stream !== undefined) {
    const name = isStreamName(stream) ? stream : '<name>'
    throw invalid(`A stream is a part of the address of ${command}, as in http://127.0.0.1:8787/monitor/s/${name}.`)
  }
  const [url] = positionals
  if (url === undefined || positionals.length > 1) {
    throw invalid(`${command} takes one address, such as http://127.0.0.1:8787/monitor.`)
  }
  const known = level === undefined ? undefined : levelNamed(level)
  if (level !== undefined && known === undefined) throw invalid(`--level is one of ${LEVELS.join(', ')}.`)
  if (!/^\d{1,7}$/.test(tail) || Number(tail) > MAX_TAIL) {
    throw invalid(`--tail is a whole number from 0 to ${MAX_TAIL}.`)
  }
  return { command, url, tail: Number(tail), level: known, q, json, color: !noColor }
}

function parse<Config extends ParseArgsConfig>(config: Config): ReturnType<typeof parseArgs<Config>> {
  try {
    return parseArgs(config)
  } catch (error) {
    const { message } = error as Error
    if (message.includes('ambiguous')) {
      throw invalid('A value that begins with a dash is written with an equals sign, as in --q=-word.', error)
    }
    const [sentence] = message.split(/\.\s/)
    throw invalid(`${sentence}. edgetail --help lists the options.`, error)
  }
}

function invalid(message: string, cause?: unknown): MonitorError {
  return new MonitorError('invalid_setting', message, { cause })
}
