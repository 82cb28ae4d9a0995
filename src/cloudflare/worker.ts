/** The Worker that is deployed: the monitor's routes before log rooms, one for each log. It has no other source to fall back to. */
import { waitUntil } from 'cloudflare:workers'
import { Hono } from 'hono'
import { MonitorError } from '../errors.ts'
import { createMonitor } from '../monitor.ts'
import { readSettings } from '../settings.ts'
import { durableObjectSource } from '../sources/durable-object.ts'
import { durableObjectStreams } from '../sources/durable-object-streams.ts'
import { boundRooms, oncePerEnv, type WorkerEnv } from './bindings.ts'

const appOf = oncePerEnv(createApp)

const worker: { fetch(request: Request, env: WorkerEnv, ctx: ExecutionContext): Response | Promise<Response> } = {
  fetch(request, env, ctx) {
    try {
      return appOf(env).fetch(request, env, ctx)
    } catch (error) {
      if (!(error instanceof MonitorError)) throw error
      const { code, message, status } = error
      return Response.json({ error: { code, message } }, { status, headers: { 'Cache-Control': 'no-store' } })
    }
  },
}

function createApp(env: WorkerEnv): Hono {
  const settings = readSettings(env)
  const { base } = settings
  const rooms = boundRooms(env)
  const options = { relays: env.LOG_RELAY, waitUntil }
  const monitor = createMonitor({
    ...settings,
    source: durableObjectSource(rooms, options),
    streams: durableObjectStreams(rooms, options),
  })
  const app = new Hono()
  app.route(base, monitor.routes)
  if (base !== '') app.get('/', (c) => c.redirect(base))
  return app
}

export default worker
export { LogRelay } from './log-relay.ts'
export { LogRoom } from './log-room.ts'
