/** Many clients at once, and the wait until all of them have what was published. */
import { createParser } from 'eventsource-parser'
import { filterNumber, isEntry } from '../entries.ts'
import type { Job } from './job.ts'
import { createLatencies, type Latencies } from './latencies.ts'
import { StreamClient } from './stream-client.ts'

/** Connections that are opened at once: below the 511 that Node's `listen` queues, beyond which the kernel drops them. */
const OPENING = 250

/** Clients whose whole stream is kept and parsed afterwards, spread evenly over all. */
const SAMPLES = 20

/** How a crowd connects. */
export interface CrowdOptions {
  /** Sequence that is due first. */
  readonly first: number
  /** The last id of each client before; none on a first visit. */
  readonly lastIds?: readonly (string | undefined)[]
  /** Keeps the streams of all instead of those of a sample. */
  readonly keepAll?: boolean
}

/** Clients that are connected. */
export class Crowd {
  clients: StreamClient[] = []
  readonly latencies: Latencies = createLatencies()
  /** Receipts since the last clearing. */
  received = 0
  readonly #job: Job
  readonly #steps: readonly number[]
  readonly #sentAt: Float64Array<SharedArrayBuffer>
  #waiting = 0
  #arrived: (() => void) | undefined
  #goal = -1

  /** `sentAt`: when each entry was published, by its sequence. */
  constructor(job: Job, sentAt: Float64Array<SharedArrayBuffer>) {
    this.#job = job
    this.#sentAt = sentAt
    const { clients, filters = 0 } = job.workload
    this.#steps = Array.from({ length: clients }, (_, index) =>
      filters === 0 ? 1 : filterNumber(index % filters).step,
    )
  }

  /** Connects all clients, a few hundred at a time. */
  async open({ first, lastIds, keepAll = false }: CrowdOptions): Promise<void> {
    const { workload, stream } = this.#job
    const every = Math.max(1, Math.floor(workload.clients / SAMPLES))
    this.clients = []
    const openNext = async (): Promise<void> => {
      while (this.clients.length < workload.clients) {
        const index = this.clients.length
        const id = lastIds?.[index]
        const query = workload.filters === undefined ? '' : filterNumber(index % workload.filters).query
        const client = new StreamClient({
          target: {
            ...stream,
            path: stream.path + query,
            headers: id === undefined ? stream.headers : { ...stream.headers, 'Last-Event-ID': id },
          },
          step: this.#steps[index] as number,
          // One client's bulk is as much as can be kept.
          keep: keepAll || (workload.clients < SAMPLES ? index === 0 : index % every === every - 1),
          first,
          onEntry: (sequence, now) => this.#onEntry(sequence, now, index),
        })
        this.clients.push(client)
        await client.opened()
      }
    }
    await Promise.all(Array.from({ length: OPENING }, openNext))
  }

  /** Resolves when every client has everything below `end`, or the time is over. */
  async all(end: number): Promise<void> {
    this.#goal = end
    this.#waiting = this.clients.filter((client) => !this.#has(client)).length
    if (this.#waiting === 0) return
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, this.#job.timeoutMs)
      // A client that was cut off will never have it.
      const watch = setInterval(() => {
        if (this.clients.every((client) => client.fault !== undefined || this.#has(client))) done()
      }, 1000)
      const done = (): void => {
        clearTimeout(timer)
        clearInterval(watch)
        this.#arrived = undefined
        resolve()
      }
      this.#arrived = done
    })
    this.#goal = -1
  }

  /** What went wrong until now: clients that failed or miss something below `end`. */
  faults(end: number): string[] {
    this.#goal = end
    const faults = this.clients.flatMap((client, index) => {
      if (client.fault !== undefined) return [`client ${index} ${client.fault}`]
      return this.#has(client) ? [] : [`client ${index} waits for ${client.due} of ${end}`]
    })
    return [
      ...faults,
      ...this.clients.flatMap((client, index) => checkKept(client, index, this.#steps[index] as number)),
    ]
  }

  clear(): void {
    this.received = 0
    this.latencies.clear()
  }

  close(): void {
    for (const client of this.clients) client.close()
  }

  #onEntry(sequence: number, now: number, index: number): void {
    this.received++
    // In a storm the entries were published long before.
    const since = this.#job.workload.kind === 'storm' ? this.clients[index]?.startedAt : this.#sentAt[sequence]
    this.latencies.add(now - (since as number))
    if (this.#goal === -1 || sequence + (this.#steps[index] as number) < this.#goal) return
    if (--this.#waiting === 0) this.#arrived?.()
  }

  #has(client: StreamClient): boolean {
    return client.due >= this.#goal
  }
}

/** The id of the last event that has one in what a client kept. */
export function lastIdOf({ kept }: StreamClient): string | undefined {
  let last: string | undefined
  const parser = createParser({
    onEvent({ id }) {
      last = id ?? last
    },
  })
  parser.feed(Buffer.concat(kept).toString())
  return last
}

/** Parses a kept stream as a client would and checks each entry of it. */
function checkKept({ kept, due: end, fault: failed }: StreamClient, index: number, step: number): string[] {
  if (kept.length === 0) return []
  let due: number | undefined
  let fault: string | undefined
  const parser = createParser({
    onEvent({ data }) {
      if (!data.includes('~')) return
      const sequence = Number(/~(\d+)/.exec(data)?.[1])
      if (due !== undefined && sequence !== due) fault ??= `client ${index} parsed ${sequence} where ${due} was due`
      if (!isEntry(data, sequence)) fault ??= `client ${index} got entry ${sequence} altered`
      due = sequence + step
    },
    onError(error) {
      fault ??= `client ${index} got what is no event stream: ${error.message}`
    },
  })
  for (const bytes of kept) parser.feed(bytes.toString())
  // Nothing parsed is nothing shown to be right.
  if (failed === undefined && end > 0 && due !== end) fault ??= `client ${index} parsed ${due} of ${end}`
  return fault === undefined ? [] : [fault]
}
