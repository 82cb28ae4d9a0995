/** Times as people read them. */

/** Whose clock is shown. */
export type TimeStyle = 'local' | 'utc' | 'relative'

/** `12:03:04.123`, or how long ago. */
export function formatClock(time: number, style: TimeStyle, now: number): string {
  if (style === 'relative') return formatAgo(now - time)
  const date = new Date(time)
  if (style === 'utc') return date.toISOString().slice(11, 23)
  return `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}.${three(date.getMilliseconds())}`
}

/** `11-23`, the day of the shown clock. */
export function formatDay(time: number, style: TimeStyle): string {
  const date = new Date(time)
  return style === 'utc' ? date.toISOString().slice(5, 10) : `${two(date.getMonth() + 1)}-${two(date.getDate())}`
}

/** `4.2 s ago`, `3 min ago`. */
export function formatAgo(ms: number): string {
  return ms < -1500 ? `in ${formatSpan(-ms)}` : `${formatSpan(Math.max(0, ms))} ago`
}

/** `4.2 s`, `3 min`, `2 h`. */
export function formatSpan(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)} ms`
  if (ms < 10_000) return `${(ms / 1000).toFixed(1)} s`
  if (ms < 90_000) return `${Math.round(ms / 1000)} s`
  if (ms < 5_400_000) return `${Math.round(ms / 60_000)} min`
  return ms < 129_600_000 ? `${Math.round(ms / 3_600_000)} h` : `${Math.round(ms / 86_400_000)} d`
}

/** `1,234`. */
export function formatCount(count: number): string {
  return String(count).replace(/\B(?=(\d{3})+$)/g, ',')
}

/** `1,234 entries`, `1 entry`. */
export function plural(count: number, one: string, many = `${one}s`): string {
  return `${formatCount(count)} ${count === 1 ? one : many}`
}

function two(number: number): string {
  return String(number).padStart(2, '0')
}

function three(number: number): string {
  return String(number).padStart(3, '0')
}
