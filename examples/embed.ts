import { serve } from '@hono/node-server'
import { createMonitor, memorySource } from 'edgetail'
import { Hono } from 'hono'

const monitor = createMonitor({ source: memorySource(), token: process.env.EDGETAIL_TOKEN })
const app = new Hono()
app.route('/monitor', monitor.routes)
app.get('/pay', (c) => {
  monitor.log('error', 'payment failed', { orderId: 7 })
  return c.text('Sorry.', 500)
})
serve({ fetch: app.fetch, port: 3000 })
