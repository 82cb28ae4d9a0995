/**
 * Whether edgetail has lost its speed grossly against the control, both measured in the same run. A bound is about twice what
 * edgetail takes on a busy machine: 0.13 of the control's CPU in `wide`, 1.1 in `deep`. The better of the runs counts, so
 * that other work on the machine does not fail it.
 */
import type { Result } from './report.ts'

/** Largest ratio of edgetail's CPU per delivery to the control's. */
const BOUNDS: Readonly<Record<string, number>> = { wide: 0.3, deep: 2.2 }

/** Whether every ratio is within its bound. Says so for each. */
export function guard(results: readonly Result[]): boolean {
  let good = true
  for (const [workload, bound] of Object.entries(BOUNDS)) {
    const ratios = ratiosOf(results, workload)
    const best = Math.min(...ratios)
    // Nothing measured is nothing shown to be good.
    const within = ratios.length > 0 && best <= bound
    console.log(
      `${workload}: edgetail takes ${best.toFixed(3)} of the control's CPU, at most ${bound}: ${within ? 'ok' : 'FAILED'}`,
    )
    good &&= within
  }
  return good
}

function ratiosOf(results: readonly Result[], workload: string): number[] {
  const cost = (server: string, run: number): number => {
    const found = results.find(
      (result) => result.workload === workload && result.server === server && result.run === run,
    )
    return found === undefined || found.faults.length > 0 ? Number.NaN : found.cpuUs / found.count
  }
  return [...new Set(results.map(({ run }) => run))]
    .map((run) => cost('edgetail', run) / cost('control', run))
    .filter((ratio) => !Number.isNaN(ratio))
}
