/** The source that the settings ask for, and the place for named streams beside it: memory, a file or Redis. */
import { type ErrorReporter, MonitorError } from '../errors.ts'
import type { Settings } from '../settings.ts'
import type { LogSource } from '../source.ts'
import { memorySource } from '../sources/memory.ts'
import { memoryStreams } from '../sources/memory-streams.ts'
import { redisSource } from '../sources/redis.ts'
import { redisStreams } from '../sources/redis-streams.ts'
import type { LogDirectory } from '../streams.ts'
import { sqliteSource } from './sqlite.ts'
import { sqliteStreams } from './sqlite-streams.ts'

/** How long a start waits for Redis, in milliseconds. */
const CONNECT_MS = 5000

/** Default of `retainBytes` where it has one. */
const RETAIN_BYTES = 64 * 1024 * 1024

/** Where a server keeps entries. */
export interface Store {
  readonly source: LogSource
  readonly streams: LogDirectory
}

/**
 * Opens both.
 *
 * @throws MonitorError `invalid_setting` when what they name cannot be used
 */
export async function openStore(settings: Settings, onError: ErrorReporter): Promise<Store> {
  const { data, dataSync, redisUrl, retain, retainBytes = RETAIN_BYTES, retainMs } = settings
  if (data !== undefined && redisUrl !== undefined) {
    throw new MonitorError(
      'invalid_setting',
      'EDGETAIL_DATA and REDIS_URL each name a place for entries. Set one of them.',
    )
  }
  if (data !== undefined) {
    const options = { path: data, synchronous: dataSync, retain, retainBytes, retainMs, onError }
    // First the file, whose lock is that of the folder too.
    return { source: sqliteSource(options), streams: sqliteStreams(options) }
  }
  if (retainMs !== undefined) {
    throw new MonitorError('invalid_setting', 'EDGETAIL_RETAIN_MS needs a file, which EDGETAIL_DATA names.')
  }
  if (redisUrl !== undefined) return openRedis(redisUrl, settings, onError)
  return { source: memorySource({ retain, retainBytes }), streams: memoryStreams({ retain, retainBytes }) }
}

async function openRedis(url: string, settings: Settings, onError: ErrorReporter): Promise<Store> {
  const { retain, retainBytes = RETAIN_BYTES, redisKey: key } = settings
  const { createClient } = await import('redis').catch((cause: unknown) => {
    throw new MonitorError('invalid_setting', 'REDIS_URL needs a client, which is not there: npm install redis', {
      cause,
    })
  })
  let client: ReturnType<typeof createClient>
  try {
    client = createClient({ url })
  } catch (cause) {
    throw new MonitorError('invalid_setting', 'REDIS_URL is a URL such as redis://127.0.0.1:6379.', { cause })
  }
  let trouble = 'no answer'
  // Later ones are those that the source meets on its own connection, and reports.
  client.on('error', (error: Error) => {
    trouble = error.message || String((error as NodeJS.ErrnoException).code)
  })
  const options = { client, key, retain, retainBytes, onError }
  let source: LogSource | undefined
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(trouble)), CONNECT_MS)
  })
  try {
    await Promise.race([client.connect(), late])
    source = redisSource(options)
    await source.status()
  } catch (cause) {
    await source?.close()
    client.destroy()
    const { message } = cause instanceof MonitorError && cause.cause instanceof Error ? cause.cause : (cause as Error)
    throw new MonitorError('invalid_setting', `The Redis of REDIS_URL cannot be used: ${message}.`, { cause })
  } finally {
    clearTimeout(timer)
  }
  const opened = source
  return {
    source: {
      ...opened,
      async close() {
        await opened.close()
        if (client.isOpen) client.destroy()
      },
    },
    streams: redisStreams(options),
  }
}
