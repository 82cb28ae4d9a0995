/**
 * Prices in US dollars. Cloudflare's were read in its documentation, of the Workers Paid plan: the page on Durable Objects'
 * pricing as it stands in github.com/cloudflare/cloudflare-docs and on developers.cloudflare.com, found in a stored copy on
 * 2026-11-27. Those of Workers' requests and CPU time were found only as others quote that page (August 2026).
 */

/** What is included in a month, and what a million more costs. */
interface Tariff {
  readonly included: number
  readonly perMillion: number
}

/** The plan itself, in a month. */
const PLAN = 5

const TARIFFS = {
  workerRequests: { included: 10e6, perMillion: 0.3 },
  workerCpuMs: { included: 30e6, perMillion: 0.02 },
  objectRequests: { included: 1e6, perMillion: 0.15 },
  objectGbSeconds: { included: 400e3, perMillion: 12.5 },
  rowsRead: { included: 25e9, perMillion: 0.001 },
  rowsWritten: { included: 50e6, perMillion: 1 },
} as const satisfies Record<string, Tariff>

/** Memory that an object is billed for whatever it uses, in GB. */
const OBJECT_GB = 0.128

/** What is used in a month. Messages out of an object and bytes to clients are not charged. */
export interface Usage {
  readonly workerRequests: number
  readonly workerCpuMs: number
  readonly objectRequests: number
  /** Time that all objects are active, in seconds. */
  readonly objectSeconds: number
  readonly rowsRead: number
  readonly rowsWritten: number
}

/** What it costs in a month. */
export type Bill = Readonly<Record<keyof typeof TARIFFS | 'plan' | 'total', number>>

/** Charges a month's use. */
export function billOf({ objectSeconds, ...usage }: Usage): Bill {
  const used = { ...usage, objectGbSeconds: objectSeconds * OBJECT_GB }
  const charge = (name: keyof typeof TARIFFS): number =>
    (Math.max(0, used[name] - TARIFFS[name].included) / 1e6) * TARIFFS[name].perMillion
  const bill = {
    workerRequests: charge('workerRequests'),
    workerCpuMs: charge('workerCpuMs'),
    objectRequests: charge('objectRequests'),
    objectGbSeconds: charge('objectGbSeconds'),
    rowsRead: charge('rowsRead'),
    rowsWritten: charge('rowsWritten'),
    plan: PLAN,
  }
  return { ...bill, total: Object.values(bill).reduce((sum, dollars) => sum + dollars, 0) }
}

/** A core with 4 GB for a month, where Node runs. Assumed. */
export const CORE_MONTH = 30

/** A GB to the internet: of a large cloud (its list price as others quote it), and of a host that includes traffic (assumed). */
export const EGRESS_GB = { cloud: 0.09, host: 0.001 } as const
