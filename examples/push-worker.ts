/** A Worker whose logs are watched elsewhere, while its requests run. */
import { env, waitUntil } from 'cloudflare:workers'
import { createPushClient } from 'edgetail/client'

const client = createPushClient({ url: 'https://logs.example.com/monitor', token: env.EDGETAIL_TOKEN, waitUntil })

export default {
  async fetch(request: Request): Promise<Response> {
    client.info('hello', { agent: request.headers.get('User-Agent') })
    return new Response('hello')
  },
}
