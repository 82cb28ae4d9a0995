/**
 * A network that misbehaves, between a client and a server: bytes come one at a time, pauses fall anywhere, and a connection
 * is cut at a point that a seed chose, by a reset, by an early end, or by saying nothing more at all.
 */
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises'
import { createRandom, type Random } from './random.ts'

/**
 * How a connection ends. `reset` and `end` reach both sides at once. `stall` passes nothing more, then resets the client and
 * leaves the server with a reader that has stopped: what a NAT box does that forgot the connection.
 */
export type Cut = 'reset' | 'end' | 'stall'

/** Options of {@link startFaultProxy}. */
export interface FaultProxyOptions {
  /** The server's origin. */
  readonly target: string
  readonly seed: number
  /** How many connections are cut; those after them are left alone. */
  readonly cuts: number
  /**
   * Never cuts between an event's `id:` line and the blank line after it. For a client that takes the id before it has the
   * event: there it loses the event, and no server can help it. @default false
   */
  readonly spareIds?: boolean | undefined
  /**
   * Never ends a connection in an orderly way within the headers; it resets it. For a client that takes half of the headers
   * for all of them, and then gives up because one is missing. @default false
   */
  readonly spareHeaders?: boolean | undefined
}

/** A proxy that listens. */
export interface FaultProxy {
  readonly origin: string
  /** What was done so far. */
  readonly cuts: readonly Cut[]
  /** Bytes of answers that were passed one at a time. */
  dripped(): number
  close(): Promise<void>
}

/** What will happen to one connection. */
interface Plan {
  readonly cut: Cut
  /** Bytes of the answer that pass before the cut; in front of the answer when below zero. */
  readonly after: number
  /** Longest time before the cut, in milliseconds, if so many bytes do not come. */
  readonly within: number
  /** Bytes of the answer that pass one at a time. */
  readonly drip: number
  /** Most bytes that pass at once after these. */
  readonly piece: number
  /** The byte at which the proxy stops reading for a while, and for how many milliseconds. */
  readonly pauseAt: number
  readonly pauseMs: number
}

/** The end of what passed, when an event has its id and not yet its blank line (a chunk's own lines may stand between). */
const BARE_ID = /\nid: [^\n]*(?:\n(?:\r(?:\n[0-9a-f]*\r?\n?)?)?)?$/i

/** Starts it. */
export async function startFaultProxy(options: FaultProxyOptions): Promise<FaultProxy> {
  const { hostname, port } = new URL(options.target)
  const random = createRandom(options.seed)
  const sockets = new Set<Socket>()
  const cuts: Cut[] = []
  let planned = 0
  let dripped = 0

  function keep(socket: Socket): Socket {
    sockets.add(socket)
    socket.setNoDelay(true)
    socket.on('error', () => {})
    socket.on('close', () => sockets.delete(socket))
    return socket
  }

  const server = createServer(async (client) => {
    keep(client)
    // A browser opens connections ahead, which may never ask for anything: only one that does is part of the plan.
    const request = await firstChunk(client)
    if (request === undefined) return
    const upstream = keep(connect(Number(port), hostname))
    if (planned >= options.cuts) {
      upstream.write(request)
      client.pipe(upstream).pipe(client)
      client.on('close', () => upstream.destroy())
      return
    }
    planned++
    const { cut, drops } = await misbehave({ client, upstream, request }, makePlan(random), options)
    dripped += drops
    // Counted only if the client was still there to be cut off.
    if (cut === undefined) planned--
    else cuts.push(cut)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port: bound } = server.address() as AddressInfo

  return {
    origin: `http://127.0.0.1:${bound}`,
    cuts,
    dripped: () => dripped,
    async close() {
      for (const socket of sockets) socket.destroy()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

interface Connection {
  readonly client: Socket
  readonly upstream: Socket
  /** What the client has sent so far. */
  readonly request: Buffer
}

/** Does to a connection what is planned. Says which cut it was, none if the client left before, and what went by in drops. */
async function misbehave(
  { client, upstream, request }: Connection,
  plan: Plan,
  { spareIds, spareHeaders }: FaultProxyOptions,
): Promise<{ cut: Cut | undefined; drops: number }> {
  const left = new AbortController()
  client.on('close', () => left.abort())
  let drops = 0
  let inHeaders = true
  if (plan.after < 0) {
    upstream.write(request.subarray(0, Math.max(1, request.length + plan.after)))
    await sleep(20)
  } else {
    for (let at = 0; at < request.length; at++) {
      upstream.write(request.subarray(at, at + 1))
      await nextTurn()
    }
    client.pipe(upstream)
    drops = await passAnswer()
  }
  if (left.signal.aborted) {
    upstream.destroy()
    return { cut: undefined, drops }
  }
  client.unpipe(upstream)
  const cut = spareHeaders && inHeaders && plan.cut === 'end' ? 'reset' : plan.cut
  if (cut === 'stall') {
    upstream.pause()
    await sleep(1000)
    client.resetAndDestroy()
  } else if (cut === 'reset') {
    upstream.resetAndDestroy()
    client.resetAndDestroy()
  } else {
    upstream.destroy()
    client.end()
  }
  return { cut, drops }

  async function passAnswer(): Promise<number> {
    const deadline = Date.now() + plan.within
    let passed = 0
    let tail = ''
    // Read by hand rather than iterated, since an iterator that is left destroys the socket.
    upstream.pause()
    for (;;) {
      const isDue = passed >= plan.after || Date.now() >= deadline
      const isSpared = spareIds && BARE_ID.test(tail)
      if (left.signal.aborted || upstream.destroyed || (isDue && !isSpared)) break
      const wanted = passed < plan.drip || isDue ? 1 : Math.min(plan.piece, plan.after - passed)
      const piece: Buffer | null = upstream.read(Math.min(wanted, upstream.readableLength)) ?? null
      if (piece === null || piece.length === 0) {
        upstream.read(0)
        await sleep(2)
        continue
      }
      passed += piece.length
      tail = (tail + piece.toString('latin1')).slice(-120)
      if (tail.includes('\r\n\r\n')) inHeaders = false
      if (!client.write(piece)) await Promise.race([once(client, 'drain'), once(client, 'close')])
      await nextTurn()
      if (passed - piece.length < plan.pauseAt && passed >= plan.pauseAt) await sleep(plan.pauseMs)
    }
    // The client must have read what passed: at a reset some throw away what they have not.
    if (spareIds) await sleep(50)
    return Math.min(passed, plan.drip)
  }
}

function firstChunk(client: Socket): Promise<Buffer | undefined> {
  return new Promise((resolve) => {
    client.once('data', (chunk: Buffer) => {
      client.pause()
      resolve(chunk)
    })
    client.once('close', () => resolve(undefined))
  })
}

function makePlan(random: Random): Plan {
  // Few bytes are as likely as many: the headers and the first event are short and want as many cuts as all the rest.
  const after = random.chance(0.1) ? -random.int(1, 200) : Math.round(Math.exp(random.int(0, 10_300) / 1000))
  return {
    cut: random.pick(['reset', 'reset', 'end', 'stall']),
    after,
    within: random.int(300, 3000),
    drip: random.chance(0.7) ? random.int(1, 3000) : 0,
    piece: random.int(2, 4000),
    pauseAt: random.int(0, 4000),
    pauseMs: random.int(0, 400),
  }
}
