/** A Worker that sends its logs to a monitor's Worker while the request goes on. Its bindings are in wrangler.producer.toml. */
import { env, waitUntil } from 'cloudflare:workers'
import { requestLog } from 'edgetail'
import { createPushClient } from 'edgetail/client'
import { Hono } from 'hono'

const logger = createPushClient({
  // Only its path counts: the request goes through the binding and never leaves Cloudflare.
  url: 'https://edgetail/monitor',
  token: env.EDGETAIL_TOKEN,
  fetch: (url, init) => env.EDGETAIL.fetch(url, init),
  waitUntil,
})
const app = new Hono()
app.use(requestLog(logger))
app.get('/pay', (c) => {
  logger.info('paying', { orderId: 7 })
  return c.text('Thanks.')
})
export default app
