/**
 * The publisher, in a thread of its own: in the thread of the clients it would wait for a thousand reads before each POST, and
 * the load would set the pace instead of the server. One request at a time, the next when the last was answered.
 */
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { parentPort, Worker, workerData } from 'node:worker_threads'
import { entryJson } from '../entries.ts'
import { now } from './clock.ts'
import { connectPoster, type Poster } from './poster.ts'
import type { Target } from './stream-client.ts'

/** What a publisher needs to know. */
export interface PublisherOptions {
  readonly target: Target
  /** Entries in one POST. */
  readonly batch: number
  /** Pause after each POST, in milliseconds. */
  readonly pauseMs: number
  /** Entries in all. */
  readonly total: number
  /** When each was sent, by its sequence; shared with the clients. */
  readonly sentAt: Float64Array<SharedArrayBuffer>
}

/** A part of the entries, by sequence. */
interface Part {
  readonly from: number
  readonly to: number
}

/** A publisher. */
export interface Publisher {
  /** Publishes entries; resolves when the last POST was answered. */
  publish(from: number, to: number): Promise<void>
}

/** Starts one, and waits until it is connected. */
export async function startPublisher(options: PublisherOptions): Promise<Publisher> {
  const worker = new Worker(new URL(import.meta.url), { workerData: options })
  // `once` rejects when the thread fails.
  await once(worker, 'message')
  return {
    async publish(from, to) {
      worker.postMessage({ from, to } satisfies Part)
      await once(worker, 'message')
    },
  }
}

async function publish(poster: Poster, texts: readonly string[], { from, to }: Part): Promise<void> {
  const { batch, pauseMs, sentAt } = workerData as PublisherOptions
  for (let at = from; at < to; at += batch) {
    const part = texts.slice(at, Math.min(to, at + batch))
    sentAt.fill(now(), at, at + part.length)
    if (batch === 1) await poster.post(part[0] as string, 'application/json')
    else await poster.post(part.join('\n'), 'application/x-ndjson')
    if (pauseMs > 0) await sleep(pauseMs)
  }
}

if (parentPort !== null) {
  const port = parentPort
  const { target, total } = workerData as PublisherOptions
  // Made before anything is measured.
  const texts = Array.from({ length: total }, (_, sequence) => entryJson(sequence))
  const poster = await connectPoster(target)
  port.on('message', async (part: Part) => {
    await publish(poster, texts, part)
    port.postMessage('done')
  })
  port.postMessage('ready')
}
