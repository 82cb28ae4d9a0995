/** better-sse used as its documentation shows it: a channel that broadcasts each entry. */
import { createServer } from 'node:http'
import { createChannel, createSession } from 'better-sse'
import { listen, parseEntries, readAll } from './program.ts'

const channel = createChannel()
let sequence = 0

listen(
  createServer(async (request, response) => {
    if (request.method === 'GET') {
      // Its keep-alive is a timer for each session; the same interval as edgetail's heartbeat.
      channel.register(await createSession(request, response, { keepAlive: 20_000 }))
      return
    }
    const body = await readAll(request)
    const entries = parseEntries(body.toString(), request.headers['content-type'])
    for (const { ts, level, message, context } of entries) {
      channel.broadcast({ ts, level, message, context }, 'log', { eventId: `bettersse00000-${++sequence}` })
    }
    response.writeHead(202, { 'Content-Type': 'application/json' }).end(`{"accepted":${entries.length}}`)
  }),
)
