/** Hono's `streamSSE` used as its documentation shows it: `writeSSE` for each entry and client. */
import type { Server } from 'node:http'
import { createAdaptorServer } from '@hono/node-server'
import { Hono } from 'hono'
import { type SSEStreamingApi, streamSSE } from 'hono/streaming'
import { listen, parseEntries, toData } from './program.ts'

const clients = new Set<SSEStreamingApi>()
let sequence = 0

const app = new Hono()
app.get('/stream', (c) =>
  streamSSE(c, async (stream) => {
    clients.add(stream)
    await stream.write(':\n')
    await new Promise<void>((resolve) => stream.onAbort(resolve))
    clients.delete(stream)
  }),
)
app.post('/logs', async (c) => {
  const writes: Promise<void>[] = []
  const entries = parseEntries(await c.req.text(), c.req.header('Content-Type'))
  for (const entry of entries) {
    const event = { event: 'log', data: toData(entry), id: `streamsse00000-${++sequence}` }
    for (const client of clients) writes.push(client.writeSSE(event))
  }
  await Promise.all(writes)
  return c.json({ accepted: entries.length }, 202)
})
listen(createAdaptorServer({ fetch: app.fetch }) as Server)
