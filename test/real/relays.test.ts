/** Watchers spread over a room and its relays on workerd, by real HTTP, while any of them is stopped or sleeps. */
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, it, onTestFinished } from 'vitest'
import { startMonitorWorkerd } from '../support/monitor-workerd.ts'
import { startPosters } from '../support/posters.ts'
import { createRandom, seedFrom } from '../support/random.ts'
import { type FetchClient, fetchClient } from '../support/stream-clients.ts'

const TOKEN = 'relays-token'
const WATCHERS = 40
const PLACES = 5
const headers = { Authorization: `Bearer ${TOKEN}`, 'Content-Type': 'application/json' }

/** Filters, and which of the posters' messages they let through. */
const FILTERS: readonly [query: string, matches: (message: string) => boolean][] = [
  ['', () => true],
  ['&q="writer 1"', (message) => message.includes('writer 1')],
  ['&q=/[02468]$/', (message) => /[02468]$/.test(message)],
  ['&level=warn', () => false],
]

interface Counts {
  readonly worker: number
  readonly room: number
  readonly relays: number
  readonly roomsMade: number
  readonly relaysMade: number
}

interface Monitor {
  readonly url: string
  readonly watchers: readonly FetchClient[]
  counts(): Promise<Counts>
  sockets(): Promise<Record<string, number>>
  abort(name: string): Promise<void>
  post(message: string): Promise<number>
  clients(): Promise<number>
  output(): string
}

/** Starts a monitor with watchers, each of which has its place. */
async function start(number: number, settings: Record<string, string> = {}): Promise<Monitor> {
  const worker = await startMonitorWorkerd(
    { EDGETAIL_TOKEN: TOKEN, EDGETAIL_RETAIN: '1000000', EDGETAIL_ROOM_CLIENTS: String(PLACES), ...settings },
    'test/workers/counted/counted.toml',
  )
  onTestFinished(() => worker.stop())
  const origin = worker.origins.main
  const url = `${origin}/monitor`
  const watchers = Array.from({ length: number }, (_, index) => {
    const [query] = FILTERS[index % FILTERS.length] as (typeof FILTERS)[number]
    return fetchClient({ url: `${url}/stream?tail=0${query}`, token: TOKEN })
  })
  onTestFinished(async () => void (await Promise.all(watchers.map((watcher) => watcher.close()))))
  await expect.poll(() => watchers.filter((watcher) => watcher.seen().length === 0).length).toBe(0)
  return {
    url,
    watchers,
    counts: async () => (await (await fetch(`${origin}/requests`)).json()) as Counts,
    sockets: async () => (await (await fetch(`${origin}/sockets`)).json()) as Record<string, number>,
    async abort(name) {
      await (await fetch(`${origin}/abort${name === 'room' ? '' : `?relay=${name}`}`)).text()
    },
    async post(message) {
      return (await fetch(`${url}/logs`, { method: 'POST', headers, body: JSON.stringify({ message }) })).status
    },
    clients: async () => ((await (await fetch(`${url}/health`)).json()) as { clients: number }).clients,
    output: () => worker.output(),
  }
}

function messagesOf(watcher: FetchClient): string[] {
  const logs = watcher.seen().filter(({ event }) => event === 'log')
  return logs.map(({ data }) => (JSON.parse(data) as { message: string }).message)
}

/** Waits until all have a message that every filter but a level's lets through. */
async function allHave({ watchers }: Monitor, message: string): Promise<void> {
  const lacking = (): number =>
    watchers.filter((watcher, index) => FILTERS[index % 4]?.[1](message) && !messagesOf(watcher).includes(message))
      .length
  await expect.poll(lacking, { timeout: 20_000 }).toBe(0)
}

it('gives every watcher every entry once and in order, whichever object is stopped', async () => {
  const seed = seedFrom('RELAYS_SEED')
  console.info(`RELAYS_SEED=${seed}`)
  const random = createRandom(seed)
  const monitor = await start(WATCHERS)
  const { watchers } = monitor
  const before = await monitor.sockets()
  expect(before.room).toBe(PLACES)
  expect(Object.keys(before).length).toBeGreaterThanOrEqual(WATCHERS / PLACES)

  const posters = startPosters(`${monitor.url}/logs`, TOKEN, 3, random)
  const until = performance.now() + 8000
  let stops = 0
  let cuts = 0
  while (performance.now() < until) {
    await sleep(random.int(50, 400))
    if (random.chance(0.5)) {
      const relays = Object.keys(await monitor.sockets()).filter((name) => name !== 'room')
      await monitor.abort(stops++ % 6 === 2 ? 'room' : random.pick(relays))
    } else {
      for (let count = random.int(1, 10); count > 0; count--) random.pick(watchers).cut()
      cuts++
    }
  }
  await posters.stop()
  await expect.poll(() => monitor.post('the last of writer 1 is 0'), { timeout: 10_000 }).toBe(202)
  await allHave(monitor, 'the last of writer 1 is 0')

  const { acknowledged } = posters
  expect(acknowledged.size).toBeGreaterThan(100)
  for (const [index, watcher] of watchers.entries()) {
    const [, matches] = FILTERS[index % FILTERS.length] as (typeof FILTERS)[number]
    const messages = messagesOf(watcher)
    const seen = new Set(messages)
    expect(messages.filter((message) => !matches(message)).slice(0, 5)).toEqual([])
    const missed = [...acknowledged.keys()].filter((message) => matches(message) && !seen.has(message))
    expect(missed.slice(0, 5)).toEqual([])
    const sequences = watcher.seen().flatMap(({ event, id }) => (event === 'log' ? Number(id?.split('-')[1]) : []))
    for (const [place, sequence] of sequences.entries()) {
      if (place > 0) expect(sequence).toBeGreaterThan(sequences[place - 1] as number)
    }
    expect(watcher.seen().filter(({ event }) => event === 'gap')).toEqual([])
  }
  console.info(
    `${acknowledged.size} acknowledged, ${posters.failures()} refused, ${stops} stops, ${cuts} cuts, ${JSON.stringify(await monitor.counts())}`,
  )
})

it('sleeps when nothing happens, and loses nobody by it', async () => {
  const monitor = await start(16)
  expect(await monitor.post('writer 1 0')).toBe(202)
  await allHave(monitor, 'writer 1 0')
  const before = await monitor.counts()
  const { room, ...relays } = await monitor.sockets()
  // Objects sleep after about ten seconds without a request or a timer; the last is for those whom entries passed by.
  await sleep(17_000)
  expect(await monitor.post('writer 1 10')).toBe(202)
  await allHave(monitor, 'writer 1 10')
  const after = await monitor.counts()
  expect(after.roomsMade).toBe(before.roomsMade + 1)
  expect(after.relaysMade).toBe(before.relaysMade + Object.keys(relays).length)
  for (const watcher of monitor.watchers)
    expect(watcher.seen().filter(({ event }) => event === 'ready')).toHaveLength(1)
  expect(await monitor.sockets()).toEqual({ room, ...relays })
})

it('lets a storm pass the room by', async () => {
  const monitor = await start(WATCHERS, { EDGETAIL_HEARTBEAT_MS: '200' })
  await monitor.post('writer 1 0')
  await allHave(monitor, 'writer 1 0')
  await Promise.all(monitor.watchers.map((watcher) => watcher.close()))
  await expect.poll(() => monitor.clients(), { timeout: 10_000 }).toBe(0)
  const before = await monitor.counts()
  const id = monitor.watchers[0]?.seen().at(-1)?.id
  const again = Array.from({ length: WATCHERS / 2 }, () =>
    fetchClient({ url: `${monitor.url}/stream?last_event_id=${id}`, token: TOKEN }),
  )
  onTestFinished(async () => void (await Promise.all(again.map((watcher) => watcher.close()))))
  await expect.poll(() => again.every((watcher) => watcher.seen().length > 0)).toBe(true)
  const after = await monitor.counts()
  console.info(
    `${again.length} came back: ${after.room - before.room} requests to the room, ${after.relays - before.relays} to relays`,
  )
  expect(after.room - before.room).toBeLessThan(again.length)
  await monitor.post('writer 1 10')
  await expect.poll(() => again.every((watcher) => messagesOf(watcher).join() === 'writer 1 10')).toBe(true)
})
