import { env, waitUntil } from 'cloudflare:workers'
import { createMonitor } from 'edgetail'
import { durableObjectSource } from 'edgetail/cloudflare'
import { Hono } from 'hono'

const source = durableObjectSource(env.LOG_ROOM)
const monitor = createMonitor({ source, token: env.EDGETAIL_TOKEN, waitUntil })
const app = new Hono()
app.route('/monitor', monitor.routes)
app.get('/', (c) => {
  monitor.log('info', 'hello', { agent: c.req.header('User-Agent') })
  return c.text('hello')
})
export default app
export { LogRoom } from 'edgetail/cloudflare'
