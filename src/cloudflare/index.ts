/** What is needed to run edgetail in a Worker of one's own. */
export type { Invocations } from '../ingest/trace.ts'
export {
  type DurableObjectSourceOptions,
  durableObjectSource,
  type LogRelayNamespace,
  type LogRoomNamespace,
} from '../sources/durable-object.ts'
export { durableObjectStreams } from '../sources/durable-object-streams.ts'
export type { WorkerEnv } from './bindings.ts'
export { LogRelay } from './log-relay.ts'
export { LogRoom } from './log-room.ts'
export { createTail, type Tail, type TailOptions } from './tail.ts'
export { default as worker } from './worker.ts'
