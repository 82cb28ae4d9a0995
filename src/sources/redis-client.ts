/** Redis clients by their structure, so that a program brings the one that it has. */

/** What is needed of a client, whichever it is. */
interface Client<Self> {
  /** Another connection with the same settings, since one that waits for entries can do nothing else. */
  duplicate(): Self
  on(event: 'error', listener: (error: Error) => void): unknown
}

/** `createClient()` of node-redis, from version 5 on. */
export interface NodeRedisClient extends Client<NodeRedisClient> {
  readonly isReady?: boolean
  sendCommand(args: string[], options?: { timeout: number }): Promise<unknown>
  connect(): Promise<unknown>
  destroy(): void
}

/** `createCluster()` of node-redis, from version 5 on. */
export interface NodeRedisCluster extends Client<NodeRedisCluster> {
  readonly masters: unknown
  sendCommand(firstKey: string, isReadonly: boolean, args: string[]): Promise<unknown>
  connect(): Promise<unknown>
  destroy(): void
}

/** `createSentinel()` of node-redis, from version 5 on. */
export interface NodeRedisSentinel extends Client<NodeRedisSentinel> {
  getMasterNode(): unknown
  sendCommand(isReadonly: boolean, args: string[]): Promise<unknown>
  connect(): Promise<unknown>
  destroy(): unknown
}

/** `new Redis()`, also with sentinels, and `new Cluster()` of ioredis. */
export interface IoRedisClient extends Client<IoRedisClient> {
  call(command: string, args: string[]): Promise<unknown>
  disconnect(): void
}

/** A client that is understood. */
export type RedisClient = NodeRedisClient | NodeRedisCluster | NodeRedisSentinel | IoRedisClient

/** Runs a command. */
export type RedisCommand = (command: string, ...args: string[]) => Promise<unknown>

/** A connection of our own. */
export interface RedisConnection {
  /** Resolves when it can be used. */
  readonly ready: Promise<unknown>
  readonly command: RedisCommand
  /** Ends it; a command that waits is rejected. */
  close(): void
}

/**
 * What the client limits is how long a command waits to be sent, by a timer and a signal of its own that last for 5 seconds. Over a
 * connection that stands it is sent in this turn.
 */
const NO_TIMEOUT = { timeout: 0 }

/** How commands are sent over a client. @param key - the one by which a cluster finds the node */
export function commandOf(client: RedisClient, key: string): RedisCommand {
  if ('call' in client) return (command, ...args) => client.call(command, args)
  if ('masters' in client) return (...args) => client.sendCommand(key, false, args)
  if ('getMasterNode' in client) return (...args) => client.sendCommand(false, args)
  return (...args) => client.sendCommand(args, client.isReady ? NO_TIMEOUT : undefined)
}

/** Opens a connection like that of a client. @param onError - told of what goes wrong between commands */
export function openConnection(client: RedisClient, key: string, onError: (error: unknown) => void): RedisConnection {
  const own = client.duplicate()
  // Without a listener the event would end the process.
  own.on('error', onError)
  return {
    // ioredis connects by itself.
    ready: 'call' in own ? Promise.resolve() : own.connect(),
    command: commandOf(own, key),
    close: () => void ('call' in own ? own.disconnect() : own.destroy()),
  }
}
