import { env, waitUntil } from 'cloudflare:workers'
import { createMonitor, requestLog } from 'edgetail'
import { durableObjectSource } from 'edgetail/cloudflare'
import { Hono } from 'hono'

const source = durableObjectSource(env.LOG_ROOM, { relays: env.LOG_RELAY, waitUntil })
const monitor = createMonitor({ source, token: env.EDGETAIL_TOKEN, waitUntil })
const app = new Hono()
app.use(requestLog(monitor))
app.route('/monitor', monitor.routes)
app.get('/pay', (c) => {
  monitor.error('payment failed', { orderId: 7 })
  return c.text('Sorry.', 500)
})
export default app
export { LogRelay, LogRoom } from 'edgetail/cloudflare'
