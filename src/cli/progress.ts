/** A line on standard error that counts, where somebody watches it and the output goes elsewhere. */
import type { Output } from './output.ts'

/** Time between two changes of the line, in milliseconds: faster than that nobody reads. */
const EVERY_MS = 200

/** The line. */
export interface Progress {
  show(entries: number): void
  /** Makes room for something else to be said. */
  clear(): void
  /** Says what it came to. */
  finish(entries: number): void
}

/** Starts the line; one that says nothing without a terminal. */
export function createProgress(output: Output): Progress {
  const isShown = process.stderr.isTTY && !process.stdout.isTTY
  const began = performance.now()
  let next = 0
  const line = (entries: number, now: number): string => {
    const rate = Math.round((entries * 1000) / Math.max(1, now - began))
    return `${entries.toLocaleString('en')} entries, ${(output.bytes / 1e6).toFixed(1)} MB, ${rate.toLocaleString('en')}/s`
  }
  // Back to the start of the line, and what stands there away.
  const rewrite = (text: string): void => void (isShown && process.stderr.write(`\r\u001b[K${text}`))
  return {
    show(entries) {
      const now = performance.now()
      if (now < next) return
      next = now + EVERY_MS
      rewrite(line(entries, now))
    },
    clear: () => rewrite(''),
    finish: (entries) => rewrite(`${line(entries, performance.now())}\n`),
  }
}
