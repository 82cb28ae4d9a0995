/**
 * What logging costs a program whose receiver is dead: `node bench/transport/main.ts`. A program does the same work in turns, each
 * turn with one line of pino a request, which goes nowhere (`/dev/null`), into a worker thread that discards it, or into
 * edgetail's transport while nobody listens at its address. Compared are the requests per second and the CPU time of the
 * program's own thread, each with the turn beside it in the same round, so that other work on the machine meets all alike. On a
 * busy machine only the CPU time says something: a program that has its core to itself does as many requests as fit it.
 */
import { createHash } from 'node:crypto'
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import pino, { type Logger } from 'pino'
import { freePort } from '../../test/support/free-port.ts'

const { values } = parseArgs({
  options: { rounds: { type: 'string', default: '30' }, work: { type: 'string', default: '80' } },
})
const rounds = Number(values.rounds)

/** Length of a turn in milliseconds, long enough that the thread's buffer fills and its reader works beside. */
const TURN_MS = 400

/** Requests between two turns of the event loop, as an HTTP server under load has them. */
const REQUESTS_A_TURN = 8

/** What a request's body is: of some kilobytes, as APIs have them. */
const BODY = JSON.stringify(
  Array.from({ length: Number(values.work) }, (_, id) => ({
    id,
    name: `item ${id}`,
    price: id * 1.5,
    tags: ['a', 'b'],
  })),
)

interface Turn {
  readonly requestsPerSecond: number
  readonly cpuUs: number
}

const through = (target: string, options: object): Logger =>
  pino({ transport: { target: new URL(target, import.meta.url).pathname, options } })

const loggers: Readonly<Record<string, Logger>> = {
  silent: pino({ level: 'silent' }),
  '/dev/null': pino(pino.destination('/dev/null')),
  discard: through('discard.ts', {}),
  'edgetail, dead': through('../../src/pino/index.ts', {
    url: `http://127.0.0.1:${await freePort()}/monitor`,
    token: 'secret',
  }),
}

function handle(log: Logger, id: number): number {
  const items = JSON.parse(BODY) as { price: number }[]
  const total = items.reduce((sum, { price }) => sum + price, 0)
  const digest = createHash('sha256').update(JSON.stringify({ total, items })).digest('hex')
  log.info({ reqId: id, method: 'POST', url: '/orders', status: 200, durationMs: 1.2, digest }, 'request completed')
  return total
}

async function turn(log: Logger): Promise<Turn> {
  const started = performance.now()
  const cpu = process.threadCpuUsage()
  let requests = 0
  while (performance.now() < started + TURN_MS) {
    for (let n = 0; n < REQUESTS_A_TURN; n++) handle(log, requests++)
    await nextTurn()
  }
  const { user, system } = process.threadCpuUsage(cpu)
  const ms = performance.now() - started
  return { requestsPerSecond: (requests / ms) * 1000, cpuUs: (user + system) / requests }
}

const names = Object.keys(loggers)
const turns: Record<string, Turn[]> = Object.fromEntries(names.map((name) => [name, []]))
for (let round = -3; round < rounds; round++) {
  // Each round begins with another, so that none always has the warm machine.
  for (let at = 0; at < names.length; at++) {
    const name = names[(at + Math.max(0, round)) % names.length] as string
    const measured = await turn(loggers[name] as Logger)
    // The first rounds warm up, and fill the buffer of the dead one.
    if (round >= 0) turns[name]?.push(measured)
    await sleep(100)
  }
}

const median = (values: readonly number[]): number =>
  [...values].sort((a, b) => a - b)[values.length >> 1] ?? Number.NaN
const of = (name: string, key: keyof Turn): number[] => (turns[name] ?? []).map((measured) => measured[key])
for (const name of names) {
  console.log(
    `${name.padEnd(15)} ${median(of(name, 'requestsPerSecond')).toFixed(0).padStart(7)} requests/s  ${median(of(name, 'cpuUs')).toFixed(1)} us CPU of the program's thread each`,
  )
}
console.log(`\n"edgetail, dead" beside, median of ${rounds} pairs (best, worst):`)
for (const off of names.slice(0, -1)) {
  const ratios = (key: keyof Turn): string => {
    const pairs = of('edgetail, dead', key).map((value, index) => value / (of(off, key)[index] as number))
    return `${median(pairs).toFixed(3)} (${Math.min(...pairs).toFixed(3)} to ${Math.max(...pairs).toFixed(3)})`
  }
  console.log(`${off.padEnd(15)} throughput ${ratios('requestsPerSecond')}, CPU ${ratios('cpuUs')}`)
}
process.exit(0)
