/** What is needed to run edgetail in a Worker of one's own. */
export {
  type DurableObjectSourceOptions,
  durableObjectSource,
  type LogRoomNamespace,
} from '../sources/durable-object.ts'
export { LogRoom } from './log-room.ts'
export { default as worker, type WorkerEnv } from './worker.ts'
