/** What `npm run scale` is asked: each option within bounds, and one sentence for what cannot be used. */
import { type ParseArgsConfig, parseArgs } from 'node:util'
import { MonitorError } from '../../src/errors.ts'

/** Usage, as `--help` prints it. */
export const USAGE = `What a number of watchers and a rate of entries take. docs/scale.md explains the figures.

npm run scale                                          the tables of docs/scale.md
npm run scale -- --watchers 1000 --rate 100            one load
npm run scale -- --check [results.json]                the model against what was measured; exits with 1 when it is off
npm run scale -- --fit results.json                    its costs anew, from results of npm run bench

  --watchers  who reads the log at the same time, 1 to 1000000
  --rate      entries a second, 0.001 to 1000000
  --batch     entries in a post, 1 to 10000; without it what senders that batch make of the rate
  --share     share of the month with this load, 0 to 1   (1)
  --help      this text
`

/** A load, or the loads of the tables as far as it is not said. */
export interface AskedLoad {
  readonly command: 'plan'
  readonly watchers: number | undefined
  readonly rate: number | undefined
  readonly batch: number | undefined
  readonly share: number
}

/** What is asked. */
export type ScaleArguments =
  | AskedLoad
  | { readonly command: 'check'; readonly path: string | undefined }
  | { readonly command: 'fit'; readonly path: string }
  | { readonly command: 'help' }

/** What an option may be. Beyond a million nothing can be served, and simulating it takes a machine's memory. */
const BOUNDS = {
  watchers: { least: 1, most: 1_000_000, isWhole: true },
  rate: { least: 0.001, most: 1_000_000, isWhole: false },
  batch: { least: 1, most: 10_000, isWhole: true },
  share: { least: 0, most: 1, isWhole: false },
} as const

const LOAD_OPTIONS = Object.keys(BOUNDS) as (keyof typeof BOUNDS)[]

const HINT = 'npm run scale -- --help lists the options.'

/**
 * Reads the command line.
 *
 * @param args - what follows the script
 * @param env - where npm leaves options that it took for its own
 * @throws MonitorError `invalid_setting` with a sentence for what cannot be used
 */
export function readArguments(args: string[], env: Readonly<Record<string, string | undefined>>): ScaleArguments {
  const { values, positionals } = parse({
    args,
    allowPositionals: true,
    options: {
      watchers: { type: 'string' },
      rate: { type: 'string' },
      batch: { type: 'string' },
      share: { type: 'string' },
      check: { type: 'boolean', default: false },
      fit: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  })
  const { check, fit, help } = values
  if (help) return { command: 'help' }
  const swallowed = [...LOAD_OPTIONS, 'check', 'fit'].find((name) => env[`npm_config_${name}`] !== undefined)
  if (swallowed !== undefined) {
    throw invalid(`npm took --${swallowed} for its own. Put -- before the options: ${example(swallowed)}.`)
  }
  const stray = positionals.slice(check || fit ? 1 : 0)
  if (stray.length > 0) {
    throw invalid(`${stray.join(' ')} belongs to no option. Write npm run scale -- --watchers 1000 --rate 100. ${HINT}`)
  }
  const [path] = positionals
  if (check || fit) {
    const other = LOAD_OPTIONS.find((name) => values[name] !== undefined)
    if (check && fit) throw invalid('--check and --fit go one after the other, not together.')
    if (other !== undefined) throw invalid(`--${other} is of a load, and --${check ? 'check' : 'fit'} takes none.`)
    if (check) return { command: 'check', path }
    if (path === undefined) throw invalid('--fit takes a file of results, such as bench/results/latest.json.')
    return { command: 'fit', path }
  }
  const [watchers, rate, batch, share = 1] = LOAD_OPTIONS.map((name) => toNumber(name, values[name]))
  return { command: 'plan', watchers, rate, batch, share }
}

function example(name: string): string {
  const isLoad = (LOAD_OPTIONS as string[]).includes(name)
  return `npm run scale -- ${isLoad ? '--watchers 1000 --rate 100' : `--${name} bench/results/latest.json`}`
}

function toNumber(name: keyof typeof BOUNDS, text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  const { least, most, isWhole } = BOUNDS[name]
  const value = text.trim() === '' ? Number.NaN : Number(text)
  if (!(value >= least && value <= most) || (isWhole && !Number.isInteger(value))) {
    throw invalid(`--${name} is a ${isWhole ? 'whole ' : ''}number from ${least} to ${most}, not ${text || 'nothing'}.`)
  }
  return value
}

function parse<Config extends ParseArgsConfig>(config: Config): ReturnType<typeof parseArgs<Config>> {
  try {
    return parseArgs(config)
  } catch (error) {
    const { message } = error as Error
    if (message.includes('ambiguous')) throw invalid(`A number after an option has no dash. ${HINT}`, error)
    const [sentence] = message.split(/\.\s/)
    throw invalid(`${sentence}. ${HINT}`, error)
  }
}

function invalid(message: string, cause?: unknown): MonitorError {
  return new MonitorError('invalid_setting', message, { cause })
}
