/**
 * Clients behind a network that misbehaves. What each was told is held against what the origin acknowledged: every entry, in
 * order, once, or a gap that accounts for exactly those that are missing.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { launchBrowser, NO_BROWSER } from '../support/browser.ts'
import { type Cut, type FaultProxy, type FaultProxyOptions, startFaultProxy } from '../support/fault-proxy.ts'
import { TOO_LONG } from '../support/long.ts'
import { createRandom } from '../support/random.ts'
import { type RealService, RUNTIMES } from '../support/services.ts'
import { account, type Entry } from '../support/stream-account.ts'
import {
  browserClient,
  curlClient,
  type Destination,
  eventsourceClient,
  eventsourceClientClient,
  fetchClient,
  fetchEventSourceClient,
  type Seen,
  type StreamClient,
} from '../support/stream-clients.ts'

const TOKEN = 'fault-token'
const headers = { Authorization: `Bearer ${TOKEN}`, 'Content-Type': 'application/json' }

/** The seed of all that goes wrong. A fixed one, so that a run can be repeated; another by `EDGETAIL_FAULT_SEED`. */
const SEED = Number(process.env.EDGETAIL_FAULT_SEED ?? 1)

/** Longest time for all cuts of one client and for what it has still to get after them, in milliseconds. */
const PATIENCE_MS = 150_000

/** Every entry from the first one on, also for a client that was cut off before it had an id. */
const TAIL = 'tail=1000000'

interface Trial {
  readonly open: (destination: Destination & { cookie: string }) => StreamClient | Promise<StreamClient>
  /** The clients that wait for as long as `retry:` says are cut less often, so that nothing needs to rewrite it. */
  readonly cuts: number
  readonly spare?: Pick<FaultProxyOptions, 'spareIds' | 'spareHeaders'>
}

let browser: Browser | undefined
const TRIALS: Record<string, Trial> = {
  'fetch and a parser': { open: fetchClient, cuts: 60 },
  'curl in a loop': { open: curlClient, cuts: 60 },
  'the eventsource package': { open: eventsourceClient, cuts: 16 },
  'the eventsource-client package': { open: eventsourceClientClient, cuts: 16 },
  // It takes an id as it reads it and resumes after an entry that it was not given yet.
  '@microsoft/fetch-event-source': { open: fetchEventSourceClient, cuts: 16, spare: { spareIds: true } },
  // Over plain HTTP Chromium takes half of the headers for all of them, and one without a Content-Type for its last answer.
  'native EventSource': {
    open: (destination) => browserClient(browser as Browser)(destination),
    cuts: 16,
    spare: { spareHeaders: true },
  },
}
if (NO_BROWSER) {
  console.warn(NO_BROWSER)
  delete TRIALS['native EventSource']
}

/** What is kept, and who is tried with it. With few entries kept, those who were away for a second have missed some. */
const KEPT: Record<string, { retain: string; trials: Record<string, Trial> }> = {
  'everything kept': { retain: '1000000', trials: TRIALS },
  'few entries kept': {
    retain: '40',
    trials: {
      'fetch and a parser': { open: fetchClient, cuts: 30 },
      'curl in a loop': { open: curlClient, cuts: 30 },
      'the eventsource package': { open: eventsourceClient, cuts: 5 },
    },
  },
}

const CASES = Object.entries(RUNTIMES).flatMap(([runtime, start]) =>
  Object.entries(KEPT).map(([kept, { retain, trials }]) => ({ runtime, start, kept, retain, trials })),
)

interface Outcome {
  readonly seen: readonly Seen[]
  readonly cuts: readonly Cut[]
  readonly dripped: number
  /** The last entry that was acknowledged when the network had come to rest. */
  readonly last: string
}

beforeAll(async () => {
  if (!NO_BROWSER) browser = await launchBrowser()
})
afterAll(() => browser?.close())

describe.skipIf(TOO_LONG).each(CASES)(
  'a bad network before $runtime, $kept',
  ({ runtime, start, kept, retain, trials }) => {
    let service: RealService
    let url: string
    let witness: StreamClient
    const outcomes = new Map<string, Promise<Outcome>>()
    const proxies: FaultProxy[] = []
    let writing = true
    let written: Promise<string[]>

    beforeAll(async () => {
      service = await start({ EDGETAIL_TOKEN: TOKEN, EDGETAIL_RETAIN: retain, EDGETAIL_HEARTBEAT_MS: '500' })
      url = `${service.origin}/monitor`
      const session = await fetch(`${url}/session`, { method: 'POST', headers })
      const cookie = session.headers.get('Set-Cookie') ?? ''
      // On a good network: knows the ids also of what is no longer kept.
      witness = fetchClient({ url: `${url}/stream?${TAIL}`, token: TOKEN })
      const opened = Object.entries(trials).map(async ([name, trial], index) => {
        const proxy = await startFaultProxy({
          target: service.origin,
          seed: SEED * 100 + index,
          cuts: trial.cuts,
          ...trial.spare,
        })
        proxies.push(proxy)
        const client = await trial.open({ url: `${proxy.origin}/monitor/stream?${TAIL}`, token: TOKEN, cookie })
        while ((await client.seen()).length === 0) await sleep(50)
        return { name, trial, proxy, client }
      })
      const ready = await Promise.all(opened)
      written = write()
      written.catch(() => {})
      for (const { name, trial, proxy, client } of ready) {
        const outcome = follow(client, proxy, trial.cuts)
        outcome.catch(() => {})
        outcomes.set(name, outcome)
      }
    })
    afterAll(async () => {
      writing = false
      await written
      await witness?.close()
      await Promise.all(proxies.map((proxy) => proxy.close()))
      await service?.close()
    })

    /** Adds entries until told to stop; returns the messages that were acknowledged. */
    async function write(): Promise<string[]> {
      const random = createRandom(SEED)
      const acknowledged: string[] = []
      while (writing) {
        const messages = Array.from({ length: random.int(1, 10) }, (_, index) => {
          const text = random.pick([
            'plain',
            'é 漢字 🦀',
            'two\nlines',
            '\n\nid: forged-1\nevent: gap\n\n',
            'x'.repeat(3000),
          ])
          return `${acknowledged.length + index} ${text}`
        })
        const body = JSON.stringify(messages.map((message) => ({ message })))
        const response = await fetch(`${url}/logs`, { method: 'POST', headers, body })
        expect(response.status).toBe(202)
        acknowledged.push(...messages)
        await sleep(random.int(0, 200))
      }
      return acknowledged
    }

    /** What is stored, oldest first; at most the last entries of a number. */
    async function stored(tail = Number.POSITIVE_INFINITY): Promise<Entry[]> {
      const entries: Entry[] = []
      for (let before: string | null = ''; before !== null && entries.length < tail; ) {
        const query = new URLSearchParams({ tail: String(Math.min(tail, 1000)), ...(before && { before }) })
        const page = (await (await fetch(`${url}/logs?${query}`, { headers })).json()) as Page
        entries.unshift(...page.entries.map(({ id, message }) => ({ id, message })))
        before = page.before
      }
      return entries
    }

    /** Every entry that there was, as the origin has it or as the witness was told. */
    async function acknowledged(): Promise<Entry[]> {
      if (kept === 'everything kept') return stored()
      const logs = (await witness.seen()).filter(({ event }) => event === 'log')
      return logs.map(({ id = '', data }) => ({ id, message: JSON.parse(data).message }))
    }

    async function follow(client: StreamClient, proxy: FaultProxy, cuts: number): Promise<Outcome> {
      const deadline = Date.now() + PATIENCE_MS
      while (proxy.cuts.length < cuts && Date.now() < deadline) await sleep(100)
      // The network has come to rest: what is acknowledged from here on reaches the client or is in a gap.
      let seen = await client.seen()
      let last = ''
      while ((last === '' || !seen.some(({ id }) => id === last)) && Date.now() < deadline) {
        last ||= (await stored(1))[0]?.id ?? ''
        // Evicted before the client was back: a later one will do.
        if (kept !== 'everything kept' && Math.random() < 0.05) last = ''
        await sleep(100)
        seen = await client.seen()
      }
      const outcome = { seen: [...seen], cuts: [...proxy.cuts], dripped: proxy.dripped(), last }
      await client.close()
      return outcome
    }

    it.each(Object.entries(trials))(
      '%s is told of every entry, in order, once',
      async (name, { cuts: wanted }) => {
        const { seen, cuts, dripped, last } = await (outcomes.get(name) as Promise<Outcome>)
        const entries = await acknowledged()
        const until = entries.findIndex(({ id }) => id === last) + 1
        const { got, missed, gaps } = account(seen, entries.slice(0, until))
        const kinds = Object.entries(Object.groupBy(cuts, (cut) => cut)).map(([kind, all]) => `${all?.length} ${kind}`)
        console.log(
          `${runtime}, ${kept}, ${name}, seed ${SEED}: ${cuts.length} cuts (${kinds.join(', ')}), ` +
            `${until} entries: ${got} got, ${missed} in ${gaps} gaps; ${dripped} bytes singly`,
        )
        expect(cuts).toHaveLength(wanted)
        expect(until).toBeGreaterThan(0)
        expect(got + missed).toBe(until)
        if (kept === 'everything kept') expect(gaps).toBe(0)
        else expect(gaps).toBeGreaterThan(0)
      },
      PATIENCE_MS + 10_000,
    )

    it('had all that it acknowledged, and lets go of every client', async () => {
      await Promise.allSettled(outcomes.values())
      writing = false
      const messages = await written
      await expect.poll(async () => (await acknowledged()).map(({ message }) => message)).toEqual(messages)
      await witness.close()
      await Promise.all(proxies.map((proxy) => proxy.close()))
      const clients = async (): Promise<unknown> =>
        ((await (await fetch(`${url}/health`)).json()) as { clients: number }).clients
      await expect.poll(clients, { timeout: 40_000, interval: 200 }).toBe(0)
    })
  },
)

interface Page {
  readonly entries: Entry[]
  readonly before: string | null
}
