/** Tests that take minutes. */

/** Why they do not run here; undefined when they do. */
export const TOO_LONG: string | undefined = process.env.CI
  ? undefined
  : 'skipped: takes minutes (CI=1 npm test runs it)'

if (TOO_LONG) console.warn(TOO_LONG)
