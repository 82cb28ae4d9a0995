/** Writers that note what was acknowledged. What was not may have been stored or not: they do not send it again. */
import type { Random } from './random.ts'

/** Writers at work. */
export interface Posters {
  /** Messages whose post was answered with 202, and when it was sent, by `performance.now()`. */
  readonly acknowledged: ReadonlyMap<string, number>
  /** How many posts were refused or cut off. */
  failures(): number
  stop(): Promise<void>
}

/** Longest wait between two posts of one writer, in milliseconds. */
const MAX_PAUSE_MS = 10

/** Goes on from one call to the next, so that no two messages are the same. */
let sequence = 0

/** Starts writers, each of which posts 1 to 20 entries, waits for the answer, and goes on. */
export function startPosters(url: string, token: string, writers: number, random: Random): Posters {
  const headers = { Authorization: `Bearer ${token}`, 'Content-Type': 'application/json' }
  const acknowledged = new Map<string, number>()
  let failures = 0
  let stopped = false
  async function run(writer: number): Promise<void> {
    while (!stopped) {
      const messages = Array.from({ length: random.int(1, 20) }, () => `writer ${writer} message ${sequence++}`)
      const body = JSON.stringify(messages.map((message) => ({ message })))
      const sent = performance.now()
      try {
        const response = await fetch(url, { method: 'POST', headers, body })
        await response.arrayBuffer()
        if (response.status !== 202) throw new Error(`${response.status}`)
        for (const message of messages) acknowledged.set(message, sent)
      } catch {
        failures++
        await pause(20)
      }
      await pause(random.int(0, MAX_PAUSE_MS))
    }
  }
  const running = Array.from({ length: writers }, (_, writer) => run(writer))
  return {
    acknowledged,
    failures: () => failures,
    async stop() {
      stopped = true
      await Promise.all(running)
    },
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
