/**
 * Reads Prometheus text and OpenMetrics, and refuses what a scraper would: names, labels and numbers that are none, a sample
 * without its family, one that comes twice, families that are mixed, buckets that do not rise or do not end at infinity.
 */

/** A family of samples. */
interface Family {
  readonly type: string
  readonly help: string
  /** By name and labels, as in `name{label="value"}`, in the order of the labels' names. */
  readonly samples: Map<string, number>
}

/** What was read. */
export interface Exposition {
  readonly families: Map<string, Family>
  /** The value of a sample by {@link Family.samples}; undefined when it is not there. */
  value(sample: string): number | undefined
}

const NAME = /^[a-zA-Z_:][a-zA-Z0-9_:]*$/
const SAMPLE = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)$/
const LABEL = /([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\[\\"n])*)"(,|$)/y
const NUMBER = /^(?:[+-]?Inf|NaN|[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?)$/

/** Reads one answer. @throws Error naming the line that is wrong */
export function readExposition(text: string, format: 'text' | 'openmetrics'): Exposition {
  const families = new Map<string, Family>()
  const ends = format === 'openmetrics' ? '# EOF\n' : ''
  if (!text.endsWith(`\n${ends}`)) throw new Error('The last line does not end, or is not the end.')
  const lines = text.slice(0, text.length - ends.length - 1).split('\n')
  let open: { name: string; help: string; family?: Family } | undefined
  for (const line of lines) {
    const wrong = (why: string): Error => new Error(`${why}: ${line}`)
    const comment = /^# (HELP|TYPE) (\S+) (.*)$/.exec(line)
    if (comment !== null) {
      const [, keyword, name = '', rest = ''] = comment
      if (!NAME.test(name)) throw wrong('No name')
      if (keyword === 'HELP') {
        if (families.has(name)) throw wrong('A family comes twice')
        open = { name, help: unescaped(rest) }
      } else {
        if (open?.name !== name) throw wrong('A type without its help')
        if (!['counter', 'gauge', 'histogram'].includes(rest)) throw wrong('No type')
        open.family = { type: rest, help: open.help, samples: new Map() }
        families.set(name, open.family)
      }
      continue
    }
    const [, name = '', labels = '', number = ''] = SAMPLE.exec(line) ?? []
    if (name === '' || !NUMBER.test(number)) throw wrong('No sample')
    if (open?.family === undefined) throw wrong('No family is open')
    if (!suffixes(open.family.type, format).some((suffix) => name === open?.name + suffix))
      throw wrong('Another family')
    const key = `${name}${readLabels(labels, wrong)}`
    if (open.family.samples.has(key)) throw wrong('A sample comes twice')
    open.family.samples.set(key, readNumber(number))
  }
  for (const [name, family] of families) if (family.type === 'histogram') checkHistogram(name, family)
  return {
    families,
    value: (sample) => {
      for (const { samples } of families.values()) if (samples.has(sample)) return samples.get(sample)
      return undefined
    },
  }
}

function suffixes(type: string, format: 'text' | 'openmetrics'): string[] {
  if (type === 'histogram') return ['_bucket', '_sum', '_count']
  return type === 'counter' && format === 'openmetrics' ? ['_total'] : ['']
}

function readLabels(text: string, wrong: (why: string) => Error): string {
  if (text === '') return ''
  const labels: [string, string][] = []
  for (LABEL.lastIndex = 0; LABEL.lastIndex < text.length; ) {
    const match = LABEL.exec(text)
    if (match === null) throw wrong('No label')
    labels.push([match[1] as string, match[2] as string])
  }
  if (new Set(labels.map(([name]) => name)).size !== labels.length) throw wrong('A label comes twice')
  labels.sort(([one], [other]) => (one < other ? -1 : 1))
  return `{${labels.map(([name, value]) => `${name}=${JSON.stringify(unescaped(value))}`).join(',')}}`
}

function unescaped(text: string): string {
  return text.replace(/\\([\\"n])/g, (_, escaped) => (escaped === 'n' ? '\n' : escaped))
}

function readNumber(text: string): number {
  return Number(text.replace('Inf', 'Infinity'))
}

function checkHistogram(name: string, { samples }: Family): void {
  let below = 0
  let bound = Number.NEGATIVE_INFINITY
  for (const [key, value] of samples) {
    const [, le] = /_bucket\{le="([^"]+)"\}$/.exec(key) ?? []
    if (le === undefined) continue
    if (value < below || readNumber(le) <= bound) throw new Error(`Buckets do not rise: ${key}`)
    below = value
    bound = readNumber(le)
  }
  if (bound !== Number.POSITIVE_INFINITY) throw new Error(`${name} has no infinite bucket.`)
  if (samples.get(`${name}_count`) !== below) throw new Error(`The buckets of ${name} do not end at its count.`)
}
