/** Keeps what edgetail says about itself out of what it captures, so that a report of a failure is not what fails next. */

let depth = 0

/** Whether what is printed now is not to be captured. */
export function isUnheard(): boolean {
  return depth > 0
}

/** Runs what may print, and lets no captured console hear it. An error of its own is printed, since nobody else could take it. */
export function unheard(run: () => void): void {
  depth++
  try {
    run()
  } catch (error) {
    console.error('edgetail: a logger or an onError failed:', error)
  } finally {
    depth--
  }
}
