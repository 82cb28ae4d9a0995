/** A Worker with one push client for all of its requests, as people write it. */
import { env, waitUntil } from 'cloudflare:workers'
import { createPushClient } from '../../src/client/index.ts'

const settings = env as unknown as { RECEIVER: string; EDGETAIL_TOKEN: string }
const client = createPushClient({ url: settings.RECEIVER, token: settings.EDGETAIL_TOKEN, waitUntil })
// Where nothing can be started.
client.info('top')

export default {
  async fetch(request: Request): Promise<Response> {
    const { pathname, searchParams } = new URL(request.url)
    if (pathname === '/stats') return Response.json(client.stats())
    const n = Number(searchParams.get('n'))
    client.info(`a${n}`, { n })
    await new Promise((resolve) => setTimeout(resolve, 1))
    client.info(`b${n}`, { n })
    return new Response('ok')
  },
}
