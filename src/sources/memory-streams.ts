/** Named streams in memory: each a memory source of its own. */
import { Places } from '../places.ts'
import type { LogDirectory } from '../streams.ts'
import { type MemorySourceOptions, memorySource } from './memory.ts'

/**
 * Named streams that end with the process, for one process.
 *
 * @param options - of each of them: `retain` and `retainBytes` are for each
 * @throws MonitorError `invalid_setting` when an option cannot be used
 * @example
 * const monitor = createMonitor({ source: memorySource(), streams: memoryStreams(), token })
 */
export function memoryStreams(options: MemorySourceOptions = {}): LogDirectory {
  const places = new Places()
  const open = (): ReturnType<typeof memorySource> => memorySource(options)
  // What is wrong with the options is said now, not when the first name is used.
  void open().close()
  return {
    list: async () => places.list(),
    async claim(name, claim) {
      places.claim(name, claim)
    },
    open,
  }
}
