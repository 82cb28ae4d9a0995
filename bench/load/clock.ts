/** The time in milliseconds on the kernel's monotonic clock, which is the same in every thread. */
export function now(): number {
  const [seconds, nanoseconds] = process.hrtime()
  return seconds * 1000 + nanoseconds / 1e6
}
