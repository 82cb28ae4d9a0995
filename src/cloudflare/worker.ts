/** The Worker that is deployed: the monitor's routes before one log room. It has no other source to fall back to. */
import { Hono } from 'hono'
import { MonitorError } from '../errors.ts'
import { createMonitor } from '../monitor.ts'
import { readSettings } from '../settings.ts'
import { durableObjectSource, type LogRoomNamespace } from '../sources/durable-object.ts'

/** The bindings: settings as vars and secrets, and the namespace of {@link LogRoom}. */
export interface WorkerEnv {
  readonly LOG_ROOM: LogRoomNamespace
  readonly [setting: string]: unknown
}

/** One app per set of bindings: these stay the same for as long as an isolate lives. */
const apps = new WeakMap<WorkerEnv, Hono>()

const worker: { fetch(request: Request, env: WorkerEnv, ctx: ExecutionContext): Response | Promise<Response> } = {
  fetch(request, env, ctx) {
    try {
      const app = apps.get(env) ?? createApp(env)
      apps.set(env, app)
      return app.fetch(request, env, ctx)
    } catch (error) {
      if (!(error instanceof MonitorError)) throw error
      const { code, message, status } = error
      return Response.json({ error: { code, message } }, { status, headers: { 'Cache-Control': 'no-store' } })
    }
  },
}

function createApp(env: WorkerEnv): Hono {
  const settings = readSettings(env)
  if (env.LOG_ROOM === undefined) {
    throw new MonitorError(
      'invalid_setting',
      'The binding LOG_ROOM is missing. wrangler.toml names it for the class LogRoom.',
    )
  }
  const { base } = settings
  const monitor = createMonitor({ ...settings, source: durableObjectSource(env.LOG_ROOM) })
  const app = new Hono()
  app.route(base, monitor.routes)
  if (base !== '') app.get('/', (c) => c.redirect(base))
  return app
}

export default worker
export { LogRoom } from './log-room.ts'
