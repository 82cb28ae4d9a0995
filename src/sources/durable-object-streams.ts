/** Named streams in Durable Objects, seen from the Worker: one object a stream; the default log's own keeps the names. */
import { MonitorError, tooManyStreams } from '../errors.ts'
import { LENT_MS, type LogDirectory } from '../streams.ts'
import { type DurableObjectSourceOptions, durableObjectSource, type LogRoomNamespace } from './durable-object.ts'
import { unavailable } from './room-link.ts'

/** What the object with the names can be asked. */
interface StreamPlaces {
  streams(): Promise<string[]>
  claimStream(name: string, until: number | null, max: number): Promise<boolean>
}

/**
 * Named streams for all Workers of a script, which share the names and their limit. The stream `shop` is the object
 * `default/s/shop`, so that it takes no room of one's own.
 *
 * A Worker asks for a name once, and from then on knows it: the further requests go to the stream's own object only.
 *
 * @param options - of the default log; its relays and its batching are those of the others too
 * @example
 * const source = durableObjectSource(env.LOG_ROOM)
 * const monitor = createMonitor({ source, streams: durableObjectStreams(env.LOG_ROOM), token: env.EDGETAIL_TOKEN })
 */
export function durableObjectStreams(
  namespace: LogRoomNamespace,
  { name: room = 'default', ...options }: DurableObjectSourceOptions = {},
): LogDirectory {
  async function ask<Answer>(question: (places: StreamPlaces) => Promise<Answer>): Promise<Answer> {
    try {
      // A stub is made for each call: one that has failed stays broken.
      return await question(namespace.get(namespace.idFromName(room) as never) as StreamPlaces)
    } catch (error) {
      throw error instanceof MonitorError ? error : unavailable(error)
    }
  }
  return {
    list: () => ask((places) => places.streams()),
    async claim(name, { lasting, max }) {
      const until = lasting ? null : Date.now() + LENT_MS
      if (!(await ask((places) => places.claimStream(name, until, max)))) throw tooManyStreams(max)
    },
    open: (name) => durableObjectSource(namespace, { ...options, name: `${room}/s/${name}` }),
  }
}
