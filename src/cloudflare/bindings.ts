/** What a Worker of edgetail's is bound to. */
import { MonitorError } from '../errors.ts'
import type { LogRelayNamespace, LogRoomNamespace } from '../sources/durable-object.ts'

/** The bindings: settings as vars and secrets, and the namespace of `LogRoom`. */
export interface WorkerEnv {
  readonly LOG_ROOM: LogRoomNamespace
  /** The namespace of `LogRelay`; without it the room serves every watcher itself. */
  readonly LOG_RELAY?: LogRelayNamespace | undefined
  readonly [setting: string]: unknown
}

/**
 * The namespace of log rooms.
 *
 * @throws MonitorError `invalid_setting` when it is not bound
 */
export function boundRooms(env: WorkerEnv): LogRoomNamespace {
  // What the type says is true only of a deployment that was configured as it should be.
  if (env.LOG_ROOM !== undefined) return env.LOG_ROOM
  throw new MonitorError(
    'invalid_setting',
    'The binding LOG_ROOM is missing. wrangler.toml names it for the class LogRoom.',
  )
}

/** What is made once for each set of bindings: these stay the same for as long as an isolate lives. */
export function oncePerEnv<Made>(make: (env: WorkerEnv) => Made): (env: WorkerEnv) => Made {
  const made = new WeakMap<WorkerEnv, Made>()
  return (env) => {
    const one = made.get(env) ?? make(env)
    made.set(env, one)
    return one
  }
}
