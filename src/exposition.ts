/**
 * Counters, gauges and histograms, and how they are written down for Prometheus: its text format
 * (https://prometheus.io/docs/instrumenting/exposition_formats/) and OpenMetrics 1.0
 * (https://github.com/prometheus/OpenMetrics/blob/main/specification/OpenMetrics.md).
 *
 * Of our own, since prom-client, on which Hono's middleware stands too, is a third of the whole Worker and needs Node's modules:
 * a Worker with an older compatibility date could not be built any more. The tests compare what is written here with what
 * prom-client writes. A label's values are named when a metric is made, so that no metric grows with what clients send.
 */

/** The values that each label may have. */
type LabelValues = Readonly<Record<string, readonly string[]>>

/** One value for each label. */
type Labels<Values extends LabelValues> = { readonly [Name in keyof Values]: Values[Name][number] }

/** A count that rises. */
interface Counter<Values extends LabelValues> {
  /** @param by - 0 or more */
  add(labels: Labels<Values>, by?: number): void
}

/** How many values lie under each of some bounds. */
interface Histogram {
  /** @param times - how often it was seen */
  observe(value: number, times?: number): void
}

/** How metrics are written down. */
export type ExpositionFormat = 'text' | 'openmetrics'

/** The media type of each. */
export const EXPOSITION_TYPES: Readonly<Record<ExpositionFormat, string>> = {
  text: 'text/plain; version=0.0.4; charset=utf-8',
  openmetrics: 'application/openmetrics-text; version=1.0.0; charset=utf-8',
}

/** A value that is known when it is asked for; undefined leaves its metric out. */
interface Reading {
  readonly name: string
  readonly help: string
  /** A counter has a name that ends with `_total`. */
  readonly type: 'gauge' | 'counter'
  readonly value: number | undefined
}

/** Metrics that are counted in one place and written down together. */
export interface Registry {
  /** @param name - ends with `_total`, as OpenMetrics has it */
  counter<const Values extends LabelValues>(name: string, help: string, values: Values): Counter<Values>
  /** @param bounds - the upper ones, rising, without the infinite one */
  histogram(name: string, help: string, bounds: readonly number[]): Histogram
  /** Writes down all of them, in the order in which they were made, and then what was read just now. */
  render(format: ExpositionFormat, readings: readonly Reading[]): string
}

/** One line with a value. */
interface Sample {
  readonly suffix: string
  /** In braces, or nothing. */
  readonly labels: string
  readonly value: number
}

interface Metric {
  readonly name: string
  readonly help: string
  readonly type: 'counter' | 'gauge' | 'histogram'
  samples(format: ExpositionFormat): Iterable<Sample>
}

/** Makes an empty registry. */
export function createRegistry(): Registry {
  const metrics: Metric[] = []
  return {
    counter(name, help, values) {
      const names = Object.keys(values)
      // By the bare values: written down as labels they are only when somebody asks, and counted with every request.
      const keyOf = (labels: Readonly<Record<string, string>>): string => names.map((name) => labels[name]).join('\n')
      // From the start all are there: a rate cannot be told of a series that begins with its first event.
      const series = new Map(
        combinations(values).map((labels) => [keyOf(labels), { labels: writeLabels(names, labels), value: 0 }]),
      )
      metrics.push({
        name,
        help,
        type: 'counter',
        samples: () => Array.from(series.values(), ({ labels, value }) => ({ suffix: '', labels, value })),
      })
      return {
        add(labels, by = 1) {
          const counted = series.get(keyOf(labels))
          if (counted !== undefined) counted.value += by
        },
      }
    },

    histogram(name, help, bounds) {
      const counts = new Array<number>(bounds.length + 1).fill(0)
      let sum = 0
      metrics.push({
        name,
        help,
        type: 'histogram',
        *samples(format) {
          let below = 0
          for (const [index, count] of counts.entries()) {
            below += count
            const le = writeBound(bounds[index] ?? Number.POSITIVE_INFINITY, format)
            yield { suffix: '_bucket', labels: writeLabels(['le'], { le }), value: below }
          }
          yield { suffix: '_sum', labels: '', value: sum }
          yield { suffix: '_count', labels: '', value: below }
        },
      })
      return {
        observe(value, times = 1) {
          let index = 0
          while (index < bounds.length && value > (bounds[index] as number)) index++
          counts[index] = (counts[index] as number) + times
          sum += value * times
        },
      }
    },

    render(format, readings) {
      const known = readings.flatMap(({ value, ...rest }): Metric[] =>
        value === undefined ? [] : [{ ...rest, samples: () => [{ suffix: '', labels: '', value }] }],
      )
      const written = [...metrics, ...known].map((metric) => writeMetric(metric, format)).join('')
      return format === 'openmetrics' ? `${written}# EOF\n` : written
    },
  }
}

function writeMetric(metric: Metric, format: ExpositionFormat): string {
  const { name, help, type } = metric
  // OpenMetrics names the family of a counter without its suffix.
  const family = format === 'openmetrics' && type === 'counter' ? name.replace(/_total$/, '') : name
  let text = `# HELP ${family} ${escapeHelp(help, format)}\n# TYPE ${family} ${type}\n`
  for (const { suffix, labels, value } of metric.samples(format)) {
    text += `${name}${suffix}${labels} ${writeNumber(value)}\n`
  }
  return text
}

/** Every way to give each label one of its values. */
function combinations(values: LabelValues): Readonly<Record<string, string>>[] {
  let all: Readonly<Record<string, string>>[] = [{}]
  for (const [name, options] of Object.entries(values)) {
    all = all.flatMap((labels) => options.map((value) => ({ ...labels, [name]: value })))
  }
  return all
}

function writeLabels(names: readonly string[], labels: Readonly<Record<string, string>>): string {
  if (names.length === 0) return ''
  return `{${names.map((name) => `${name}="${escapeValue(labels[name] ?? '')}"`).join(',')}}`
}

/** OpenMetrics wants the bound of a bucket to look like a floating-point number. */
function writeBound(bound: number, format: ExpositionFormat): string {
  return format === 'openmetrics' && Number.isInteger(bound) ? bound.toFixed(1) : writeNumber(bound)
}

/** As Go reads numbers. */
function writeNumber(value: number): string {
  if (value === Number.POSITIVE_INFINITY) return '+Inf'
  if (value === Number.NEGATIVE_INFINITY) return '-Inf'
  return String(value)
}

function escapeValue(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n').replaceAll('"', '\\"')
}

/** A quote in a help text is escaped in OpenMetrics only. */
function escapeHelp(text: string, format: ExpositionFormat): string {
  return format === 'openmetrics' ? escapeValue(text) : text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n')
}
