/**
 * Ten minutes of clients that come, go, stall and resume while entries flow: `npm run soak [-- minutes] [--workers]`. Ends with
 * status 1 when an entry went missing without a gap, memory grew, a client stayed, or the server complained. SOAK_SEED repeats
 * the clients' choices, though not their timing.
 */
import { setTimeout as wait } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { createRandom, type Random, seedFrom } from '../support/random.ts'
import { createSoakClient, type SoakClientOptions, type Visit } from './client.ts'
import { judgeMemory, type Sample } from './memory.ts'
import { type SoakServer, soakNode, soakWorkers } from './servers.ts'

const MAX_CLIENTS = 100
const ENTRIES_PER_SECOND = 200
const POST_MS = 50
const SAMPLE_MS = 3000
/** Between two restarts of workerd. */
const RESTART_MS = 45_000
const TOKEN = 'soak-token'
const SETTINGS = {
  EDGETAIL_TOKEN: TOKEN,
  // Fifteen seconds of entries: who stalls or stays away for longer has a gap to account for.
  EDGETAIL_RETAIN: String(15 * ENTRIES_PER_SECOND),
  EDGETAIL_HEARTBEAT_MS: '2000',
}

const { values, positionals } = parseArgs({ options: { workers: { type: 'boolean' } }, allowPositionals: true })
const minutes = Number(positionals[0] ?? 10)
if (!(minutes > 0 && minutes <= 24 * 60)) throw new Error('Minutes are a number from above 0 to 1440.')
const seed = seedFrom('SOAK_SEED')
const random = createRandom(seed)
const headers = { Authorization: `Bearer ${TOKEN}` }
const violations: string[] = []
const counts: Record<string, number> = {}
const stopping = new AbortController()
let sending = true

function violate(what: string): void {
  if (violations.length < 50) console.error(`violation: ${what}`)
  violations.push(what)
}

function tally(what: string): void {
  counts[what] = (counts[what] ?? 0) + 1
}

/** Sends entries with rising numbers, one post after the other, and returns the numbers that were answered as accepted. */
async function send(server: SoakServer): Promise<number[]> {
  const accepted: number[] = []
  let number = 0
  let due = Date.now()
  while (sending) {
    const entries = Array.from({ length: (ENTRIES_PER_SECOND * POST_MS) / 1000 }, () => ({
      level: random.pick(['debug', 'info', 'warn', 'error']),
      message: random.pick(['request', 'payment failed', 'x'.repeat(random.int(0, 4000)), 'é\n'.repeat(50)]),
      context: { number: ++number },
    }))
    try {
      const init = { method: 'POST', headers: { ...headers, 'Content-Type': 'application/json' } }
      const response = await fetch(`${server.origin}/monitor/logs`, { ...init, body: JSON.stringify(entries) })
      await response.arrayBuffer()
      if (response.status === 202) accepted.push(...entries.map(({ context }) => context.number))
      else tally(`post ${response.status}`)
    } catch {
      // Whether these were kept is not known: workerd was on its way out.
      tally('post lost')
    }
    due = Math.max(due + POST_MS, Date.now() - 1000)
    await wait(Math.max(0, due - Date.now()))
  }
  return accepted
}

/** One place among the clients: a new client now and then, which mostly resumes and sometimes begins anew. */
async function comeAndGo(options: SoakClientOptions): Promise<void> {
  const client = createSoakClient(options)
  const query = random.pick(['tail=0', 'tail=100', 'tail=3000', 'tail=50&level=warn', 'tail=10&q=payment'])
  while (!stopping.signal.aborted) {
    await client.visit(randomVisit(random, query), stopping.signal)
    await wait(random.chance(0.1) ? random.int(5000, 30_000) : random.int(10, 3000), undefined, {
      signal: stopping.signal,
    }).catch(() => {})
    if (random.chance(0.2)) client.forget()
  }
}

function randomVisit(random: Random, query: string): Visit {
  const stayMs = random.chance(0.3) ? random.int(10, 500) : random.int(500, 60_000)
  if (!random.chance(0.15)) return { stayMs, query }
  return { stayMs: 90_000, query, stall: { afterMs: random.int(0, 5000), forMs: random.int(1000, 45_000) } }
}

/** A client that never leaves on its own account, and so gets everything. */
async function audit(options: SoakClientOptions): Promise<void> {
  const client = createSoakClient(options)
  while (!stopping.signal.aborted) {
    await client.visit({ stayMs: 2 ** 30, query: 'tail=3000' }, stopping.signal)
    if (!stopping.signal.aborted) await wait(200)
  }
}

const server = await (values.workers ? soakWorkers : soakNode)(SETTINGS)
console.info(`${values.workers ? 'workerd' : 'Node'} for ${minutes} minutes, seed ${seed}`)
const samples: Sample[] = []
const began = Date.now()
const end = began + minutes * 60_000
const options: SoakClientOptions = { random, origin: () => server.origin, headers, onViolation: violate, tally }
const audited = new Set<number>()
const clients = [
  audit({ ...options, onEntry: (number) => audited.add(number) }),
  ...Array.from({ length: MAX_CLIENTS - 1 }, () => comeAndGo(options)),
]
const sent = send(server)

let restartAt = began + RESTART_MS
while (Date.now() < end) {
  await wait(SAMPLE_MS)
  samples.push({ at: Date.now() - began, ...(await server.memory()) })
  if (samples.length % 10 === 0) {
    const { resident, heap } = samples.at(-1) as Sample
    console.info(
      `${(samples.length * SAMPLE_MS) / 1000} s: RSS ${resident.toFixed()} MiB, heap ${heap?.toFixed() ?? '?'} MiB`,
    )
  }
  if (server.restart === undefined || Date.now() < restartAt || end - Date.now() < 20_000) continue
  tally('restart')
  await server.restart()
  restartAt = Date.now() + RESTART_MS
}

sending = false
const accepted = await sent
// The last entries get the second that they may take, and workerd's clients the time to be back.
await wait(2000)
stopping.abort()
await Promise.all(clients)
const missing = accepted.filter((number) => !audited.has(number))
if (missing.length > 0)
  violate(`${missing.length} accepted entries never reached the client that stayed: ${missing.slice(0, 5)}`)

let left = -1
for (let tries = 0; tries < 40 && left !== 0; tries++) {
  left = ((await (await fetch(`${server.origin}/monitor/health`)).json()) as { clients: number }).clients
  if (left > 0) await wait(500)
}
if (left !== 0) violate(`${left} clients are still counted 20 s after all have left`)
if (server.complaints() !== '') violate(`the server said:\n${server.complaints().slice(0, 3000)}`)
const wrong = await server.stop()
if (wrong !== '') violate(wrong)

for (const of of values.workers ? (['resident'] as const) : (['resident', 'heap'] as const)) {
  const { text, grows } = judgeMemory(samples, of)
  console.info(text)
  if (grows) violate(`memory grows, ${text}`)
}
console.info(
  `${accepted.length} entries accepted, ${audited.size} audited, ${left} clients left; ${JSON.stringify(counts)}`,
)
console.info(violations.length === 0 ? 'No violations.' : `${violations.length} violations.`)
process.exit(violations.length === 0 ? 0 : 1)
