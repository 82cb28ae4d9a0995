/** The Worker as it is deployed, with its requests counted, and with objects that can be looked into and stopped. */
import {
  LogRelay as DeployedRelay,
  LogRoom as DeployedRoom,
  type WorkerEnv,
  worker,
} from '../../../src/cloudflare/index.ts'

/** Requests to the Worker, to its room and to its relays, and how often an object of each was made. */
const counts = { worker: 0, room: 0, relays: 0, roomsMade: 0, relaysMade: 0 }

/** Counts each call and each socket that is asked for, but not what a socket brings. */
function countCalls(prototype: object, counter: 'room' | 'relays'): void {
  const methods = prototype as Record<string, (...values: unknown[]) => unknown>
  for (const name of Object.getOwnPropertyNames(prototype)) {
    const method = methods[name]
    if (name === 'constructor' || name.startsWith('webSocket') || method === undefined) continue
    methods[name] = function (...values) {
      counts[counter]++
      return method.apply(this, values)
    }
  }
}

countCalls(DeployedRoom.prototype, 'room')
countCalls(DeployedRelay.prototype, 'relays')

/** The room. */
export class LogRoom extends DeployedRoom {
  constructor(ctx: DurableObjectState, env: Record<string, unknown>) {
    super(ctx, env)
    counts.roomsMade++
  }

  sockets(): number {
    return this.ctx.getWebSockets().length
  }

  relayNames(): string[] {
    return [...this.ctx.storage.sql.exec('SELECT name FROM relays')].map(({ name }) => String(name))
  }

  abort(): void {
    this.ctx.abort('A test stops it.')
  }
}

/** A relay. */
export class LogRelay extends DeployedRelay {
  constructor(ctx: DurableObjectState, env: Record<string, unknown>) {
    super(ctx, env)
    counts.relaysMade++
  }

  sockets(): number {
    return this.ctx.getWebSockets().length
  }

  abort(): void {
    this.ctx.abort('A test stops it.')
  }
}

interface CountedEnv {
  readonly LOG_ROOM: DurableObjectNamespace<LogRoom>
  readonly LOG_RELAY: DurableObjectNamespace<LogRelay>
}

const counted: typeof worker = {
  async fetch(request, env, ctx) {
    const { pathname, searchParams } = new URL(request.url)
    const { LOG_ROOM, LOG_RELAY } = env as unknown as CountedEnv
    const room = LOG_ROOM.get(LOG_ROOM.idFromName('default'))
    const relay = (name: string): DurableObjectStub<LogRelay> => LOG_RELAY.get(LOG_RELAY.idFromName(name))
    switch (pathname) {
      case '/requests':
        return Response.json(counts)
      case '/sockets': {
        const sockets: Record<string, number> = { room: await room.sockets() }
        for (const name of await room.relayNames()) sockets[name] = await relay(name).sockets()
        return Response.json(sockets)
      }
      case '/abort': {
        const name = searchParams.get('relay')
        // It never answers.
        await (name === null ? room.abort() : relay(name).abort()).catch(() => {})
        return new Response('stopped')
      }
      default:
        counts.worker++
        return worker.fetch(request, env as WorkerEnv, ctx)
    }
  },
}

export default counted
