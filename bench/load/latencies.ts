/** Times from publish to receipt, every one of them, in a histogram: millions are counted in constant memory. */

/** Width of a step, in milliseconds. */
const STEP_MS = 0.01

/** Longest time told apart, in milliseconds. */
const MAX_MS = 20_000

/** A histogram. */
export interface Latencies {
  add(ms: number): void
  /** The time that a share of all stayed at or below, in milliseconds. */
  percentile(share: number): number
  clear(): void
}

/** Makes an empty one. */
export function createLatencies(): Latencies {
  const steps = new Uint32Array(MAX_MS / STEP_MS)
  let count = 0
  return {
    add(ms) {
      count++
      const step = Math.min(steps.length - 1, Math.floor(ms / STEP_MS))
      steps[step] = (steps[step] as number) + 1
    },
    percentile(share) {
      if (count === 0) return 0
      let seen = 0
      for (let step = 0; step < steps.length; step++) {
        seen += steps[step] as number
        if (seen >= count * share) return (step + 1) * STEP_MS
      }
      return 0
    },
    clear() {
      count = 0
      steps.fill(0)
    },
  }
}
