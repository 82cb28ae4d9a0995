/** Whether memory grows: what a series of samples says, and where it is too much. */

/** A sample; `at` in milliseconds, the rest in MiB. */
export interface Sample {
  readonly at: number
  readonly resident: number
  /** After a collection; not known of workerd. */
  readonly heap: number | undefined
}

/** The mean of some samples, and their slope for each minute. */
function trend(samples: readonly Sample[], of: 'resident' | 'heap'): { mean: number; perMinute: number } {
  const points = samples.map((sample): [number, number] => [sample.at / 60_000, sample[of] ?? 0])
  const mean = points.reduce((sum, [, value]) => sum + value, 0) / points.length
  const middle = points.reduce((sum, [at]) => sum + at, 0) / points.length
  let rise = 0
  let run = 0
  for (const [at, value] of points) {
    rise += (at - middle) * (value - mean)
    run += (at - middle) ** 2
  }
  return { mean, perMinute: run === 0 ? 0 : rise / run }
}

/** Says how the last third of the samples compares to the first, and whether that is a leak. */
export function judgeMemory(samples: readonly Sample[], of: 'resident' | 'heap'): { text: string; grows: boolean } {
  const third = Math.max(2, Math.floor(samples.length / 3))
  const first = trend(samples.slice(0, third), of)
  const last = trend(samples.slice(-third), of)
  const show = ({ mean, perMinute }: typeof first): string =>
    `${mean.toFixed(1)} MiB (${perMinute.toFixed(2)} MiB a minute)`
  // What a full window and a hundred clients take is there within the first third; resident memory is given back late.
  const slack = of === 'heap' ? 1.25 : 1.5
  return {
    text: `${of}: first third ${show(first)}, last third ${show(last)}, most ${Math.max(...samples.map((sample) => sample[of] ?? 0)).toFixed(1)} MiB`,
    grows: last.mean > first.mean * slack + 16,
  }
}
