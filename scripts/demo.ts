/** Entries of a shop that does not exist, for pictures: half an hour of its day, with a database that goes away for a while. */
import { createRandom, type Random } from '../test/support/random.ts'

/** An entry to be sent. */
export interface DemoEntry {
  readonly ts: string
  readonly level: string
  readonly message: string
  readonly context: Record<string, unknown>
}

/** What happens, with how often. */
type Scene = readonly [weight: number, make: (random: Random) => Omit<DemoEntry, 'ts'>]

const PATHS = ['/', '/products', '/products/7-cup', '/cart', '/search?q=lamp', '/api/stock', '/account', '/checkout']
const CARRIERS = ['dhl', 'ups', 'post-ch', 'gls']
const REGIONS = ['fra1', 'iad2', 'zrh1']

const CALM: readonly Scene[] = [
  [
    40,
    (random) => {
      const path = random.pick(PATHS)
      const ms = random.int(2, 90)
      return {
        level: 'info',
        message: `\u001b[32mGET\u001b[39m ${path} \u001b[1m200\u001b[22m ${ms} ms`,
        context: { service: 'web', requestId: hex(random, 8), status: 200, ms, region: random.pick(REGIONS) },
      }
    },
  ],
  [
    14,
    (random) => ({
      level: 'info',
      message: `order placed`,
      context: {
        service: 'orders',
        orderId: random.int(41000, 44000),
        total: random.int(900, 25000) / 100,
        items: random.int(1, 6),
        customer: { id: `c_${hex(random, 6)}`, country: random.pick(['CH', 'DE', 'FR', 'NL']) },
      },
    }),
  ],
  [
    16,
    (random) => ({
      level: 'debug',
      message: `cache ${random.chance(0.8) ? 'hit' : 'miss'} products:${random.int(1, 400)}`,
      context: { service: 'catalog', ttl: random.int(1, 300), shard: random.int(0, 7) },
    }),
  ],
  [
    6,
    (random) => ({
      level: 'trace',
      message: `select id, name, price from products where id = $1`,
      context: { service: 'catalog', db: 'read-2', rows: 1, us: random.int(180, 900) },
    }),
  ],
  [
    6,
    (random) => ({
      level: 'info',
      message: `label printed`,
      context: { service: 'shipping', carrier: random.pick(CARRIERS), parcel: hex(random, 10).toUpperCase() },
    }),
  ],
  [
    2,
    (random) => ({
      level: 'warn',
      message: `slow query took ${random.int(600, 1900)} ms`,
      context: {
        service: 'orders',
        query: 'orders_by_customer',
        rows: random.int(500, 9000),
        plan: { scan: 'seq', cost: 1841.2 },
      },
    }),
  ],
  [
    1,
    () => ({
      level: 'warn',
      message: 'retrying webhook',
      context: { service: 'payments', endpoint: 'stripe', attempt: 2 },
    }),
  ],
]

const TROUBLE: readonly Scene[] = [
  [
    10,
    () => ({
      level: 'error',
      message: 'connection refused by db-primary:5432',
      context: { service: 'orders', pool: 'main', code: 'ECONNREFUSED' },
    }),
  ],
  [
    8,
    (random) => ({
      level: 'error',
      message: 'payment failed',
      context: {
        service: 'payments',
        orderId: random.int(43000, 44000),
        requestId: hex(random, 8),
        amount: { value: random.int(900, 25000) / 100, currency: 'CHF' },
        customer: { id: `c_${hex(random, 6)}`, country: 'CH', plan: 'plus' },
        retries: 3,
        retryable: true,
        err: {
          type: 'PoolTimeoutError',
          message: 'no connection within 5000 ms',
          stack: `PoolTimeoutError: no connection within 5000 ms
    at Pool.acquire (/app/node_modules/pg-pool/index.js:45:11)
    at async OrderStore.begin (/app/src/orders/store.ts:88:24)
    at async capturePayment (/app/src/payments/capture.ts:41:17)
    at async handle (/app/src/http/handler.ts:27:5)`,
        },
      },
    }),
  ],
  [
    6,
    (random) => ({
      level: 'warn',
      message: `\u001b[33mPOST\u001b[39m /checkout \u001b[1m503\u001b[22m ${random.int(5000, 5100)} ms`,
      context: { service: 'web', requestId: hex(random, 8), status: 503, region: random.pick(REGIONS) },
    }),
  ],
]

/** Makes entries up to a time. @param seed - the same gives the same entries */
export function createDemo(seed: number): {
  history(until: number, minutes: number): DemoEntry[]
  next(at: number, trouble?: boolean): DemoEntry
} {
  const random = createRandom(seed)
  const next = (at: number, trouble = false): DemoEntry => {
    const scene = choose(random, trouble && random.chance(0.7) ? TROUBLE : CALM)
    return { ts: new Date(at).toISOString(), ...scene(random) }
  }
  return {
    next,
    history(until, minutes) {
      const entries: DemoEntry[] = []
      const from = until - minutes * 60_000
      const outage = from + (until - from) * 0.62
      for (let at = from; at < until; ) {
        const wave = 1 + 0.5 * Math.sin((at - from) / 190_000) + 0.25 * Math.sin((at - from) / 41_000)
        const isOut = at > outage && at < outage + 75_000
        at += (isOut ? 160 : 420 / wave) * (0.3 + 1.4 * random.next())
        if (at >= until) break
        if (isOut && entries.length > 0 && at > outage + 70_000 && !entries.some(({ level }) => level === 'fatal')) {
          entries.push({
            ts: new Date(at).toISOString(),
            level: 'fatal',
            message: 'db-primary did not come back in 60 s, failing over to db-standby',
            context: { service: 'orders', pool: 'main', standby: 'db-standby-1', lagBytes: 0 },
          })
        }
        const entry = next(at, isOut)
        entries.push(entry)
        // Those who wait for a connection all say the same.
        if (entry.message.startsWith('connection refused')) {
          for (let more = random.int(0, 4); more > 0; more--) {
            at += 12
            entries.push({ ...entry, ts: new Date(at).toISOString() })
          }
        }
      }
      return entries
    },
  }
}

function choose(random: Random, scenes: readonly Scene[]): Scene[1] {
  let at = random.next() * scenes.reduce((sum, [weight]) => sum + weight, 0)
  for (const [weight, make] of scenes) {
    at -= weight
    if (at < 0) return make
  }
  return (scenes[0] as Scene)[1]
}

function hex(random: Random, length: number): string {
  return Array.from({ length }, () => random.int(0, 15).toString(16)).join('')
}
