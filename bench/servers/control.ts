/**
 * The control: as little as a fan-out on `node:http` can do. It parses what comes in, makes one buffer of each POST, and writes
 * it to every client. No history, no access check, no filters, no backpressure: a floor for one write per POST and client.
 */
import { createServer, type ServerResponse } from 'node:http'
import { listen, parseEntries, readAll, toData } from './program.ts'

const clients = new Set<ServerResponse>()
let sequence = 0

listen(
  createServer(async (request, response) => {
    if (request.method === 'GET') {
      response.writeHead(200, { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-store' })
      response.write(':\n')
      clients.add(response)
      response.on('close', () => clients.delete(response))
      return
    }
    const body = await readAll(request)
    const entries = parseEntries(body.toString(), request.headers['content-type'])
    let events = ''
    for (const entry of entries) events += `event: log\ndata: ${toData(entry)}\nid: control0000000-${++sequence}\n\n`
    const bytes = Buffer.from(events)
    for (const client of clients) client.write(bytes)
    response.writeHead(202, { 'Content-Type': 'application/json' }).end(`{"accepted":${entries.length}}`)
  }),
)
