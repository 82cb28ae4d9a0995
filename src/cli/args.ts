/** The command line. */
import { parseArgs } from 'node:util'
import { MonitorError } from '../errors.ts'

/** What the command was asked to do. */
export interface Arguments {
  readonly help: boolean
  readonly version: boolean
  /** End when standard input ends. */
  readonly exit: boolean
  /** Files to follow, as paths and patterns. */
  readonly files: readonly string[]
  /** Read what stands in the files already. */
  readonly fromStart: boolean
  /** Settings given as options; they win over the environment. */
  readonly settings: Readonly<Record<string, string>>
}

/** One screen. */
export const HELP = `edgetail: watch an application's logs live in the browser

  node app.js 2>&1 | edgetail        follow what a program prints; it is passed through unchanged
  edgetail app.log 'logs/*.log'      follow files, also when they are rotated; new ones that match too
  edgetail                           serve; entries come over HTTP (POST /monitor/logs)

Options
  --port <n>     port to listen on, 0 for any free one      (PORT, 8787)
  --host <name>  address to listen on                       (HOST, 127.0.0.1)
  --exit         end when standard input ends
  --from-start   read files from their start, not from their end
  --version      print the version
  --help         print this

Environment
  EDGETAIL_TOKEN          token that reads and writes; without one a random one is made and printed
  EDGETAIL_READ_TOKEN     token that only reads
  EDGETAIL_WRITE_TOKEN    token that only writes
  EDGETAIL_BASE           path of the routes                         (/monitor)
  EDGETAIL_RETAIN         entries kept for those who connect later   (10000)
  EDGETAIL_MAX_CLIENTS    streams open at once                       (1000)
  EDGETAIL_MAX_BODY       largest body of a write, in bytes          (1048576)
  EDGETAIL_HEARTBEAT_MS   silence after which a comment is sent      (20000)
  EDGETAIL_REDACT         paths of secrets beside the usual ones, or off
  EDGETAIL_CORS_ORIGINS   origins whose pages may call, by commas    (none)
  README.md has the rest: limits of uploads and of clients by token, headers of proxies
`

/**
 * Reads the arguments.
 *
 * @throws MonitorError `invalid_setting` for one that is not known
 */
export function readArguments(args: readonly string[]): Arguments {
  try {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        port: { type: 'string' },
        host: { type: 'string' },
        exit: { type: 'boolean', default: false },
        'from-start': { type: 'boolean', default: false },
        version: { type: 'boolean', default: false },
        help: { type: 'boolean', short: 'h', default: false },
      },
    })
    const { port, host, exit, 'from-start': fromStart, version, help } = values
    const settings = { ...(port && { PORT: port }), ...(host && { HOST: host }) }
    return { exit, files: positionals, fromStart, version, help, settings }
  } catch (error) {
    const [sentence] = (error as Error).message.split('. ')
    throw new MonitorError('invalid_setting', `${sentence}. edgetail --help lists the options.`, { cause: error })
  }
}
