/** What is needed to run edgetail in a Worker of one's own. */
export type { Invocations } from '../ingest/trace.ts'
export {
  type DurableObjectSourceOptions,
  durableObjectSource,
  type LogRoomNamespace,
} from '../sources/durable-object.ts'
export type { WorkerEnv } from './bindings.ts'
export { LogRoom } from './log-room.ts'
export { createTail, type Tail, type TailOptions } from './tail.ts'
export { default as worker } from './worker.ts'
