/** Times as loggers write them, and as entries carry them. */

/** ISO 8601 as loggers write it: `T` or a blank, `.` or `,` before the fraction, an offset or none. */
const ISO_TIME = /^(\d{4}-\d\d-\d\d)(?:[Tt ](\d\d:\d\d(?::\d\d)?)(?:[.,](\d+))?)? ?([Zz]|[+-]\d\d(?::?\d\d)?)?$/
const NUMERIC = /^[+-]?\d+(?:\.\d+)?$/

/** A time as `toISOString` writes it, but for days that no month has, as a regular expression. */
export const OWN_TIME: string = String.raw`\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])T(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d\.\d{3}Z`
const OWN_FORM = new RegExp(`^${OWN_TIME}$`)

/** Years 0000 to 9999, the only ones that ISO 8601 writes with four digits. */
const MIN_TIME = Date.parse('0000-01-01T00:00:00.000Z')
const MAX_TIME = Date.parse('9999-12-31T23:59:59.999Z')

/**
 * Reads a time as loggers write it: ISO text, or a number of seconds, milliseconds, micro- or nanoseconds since the epoch.
 *
 * @returns ISO 8601 in UTC with milliseconds, or undefined for what cannot be read
 */
export function readTime(value: unknown): string | undefined {
  if (typeof value === 'number') return formatInRange(epochMillis(value))
  if (typeof value !== 'string') return undefined
  if (NUMERIC.test(value)) return formatInRange(epochMillis(Number(value)))
  // Most loggers write what we do, and writing it again would cost as much as all the rest.
  if (OWN_FORM.test(value)) return isDay(value.slice(0, 10)) ? value : undefined
  const [, date = '', clock = '00:00', fraction = '', zone = 'Z'] = ISO_TIME.exec(value.trim()) ?? []
  // A time without an offset is UTC: the server's own zone would make the answer depend on the machine.
  const offset = /^[Zz]$/.test(zone) ? 'Z' : zone.length === 3 ? `${zone}:00` : zone.replace(/(\d\d):?(\d\d)/, '$1:$2')
  const seconds = clock.length === 5 ? `${clock}:00` : clock
  if (!isDay(date)) return undefined
  return formatInRange(Date.parse(`${date}T${seconds}.${fraction.slice(0, 3).padEnd(3, '0')}${offset}`))
}

/** A time in milliseconds since the epoch as ISO 8601. Entries that come together are of the same millisecond. */
export function formatTime(time: number): string {
  if (time !== lastTime) {
    lastText = new Date(time).toISOString()
    lastTime = time
  }
  return lastText
}

let lastTime = Number.NaN
let lastText = ''

function formatInRange(time: number): string | undefined {
  return time >= MIN_TIME && time <= MAX_TIME ? formatTime(time) : undefined
}

/** Whether a date, `2026-02-28`, is one of the calendar: Date.parse takes 30 February for 1 March. */
export function isDay(date: string): boolean {
  const day = Number(date.slice(8))
  return day <= 28 || new Date(`${date}T00:00Z`).getUTCDate() === day
}

/** Seconds, milliseconds, micro- or nanoseconds, told apart by size: each range starts in 1973 and ends after 5000. */
function epochMillis(value: number): number {
  const size = Math.abs(value)
  const millis = size < 1e11 ? value * 1e3 : size < 1e14 ? value : size < 1e17 ? value / 1e3 : value / 1e6
  // A double holds seconds and nanoseconds to less than a microsecond, often just below the millisecond that was meant.
  return Math.floor(millis + 0.001)
}
