/** What the server programs on Node share: how they say where they listen, and what they do on signals. */
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'

/** Reads a request's body. */
export async function readAll(request: AsyncIterable<Buffer>): Promise<Buffer> {
  const pieces: Buffer[] = []
  for await (const piece of request) pieces.push(piece)
  return Buffer.concat(pieces)
}

/** The entries in a body: NDJSON or one object. */
export function parseEntries(body: string, type: string | undefined): Record<string, unknown>[] {
  if (type !== 'application/x-ndjson') return [JSON.parse(body) as Record<string, unknown>]
  const entries: Record<string, unknown>[] = []
  for (const line of body.split('\n')) if (line !== '') entries.push(JSON.parse(line) as Record<string, unknown>)
  return entries
}

/** The JSON text that is sent of an entry. */
export function toData({ ts, level, message, context }: Record<string, unknown>): string {
  return JSON.stringify({ ts, level, message, context })
}

/** Listens on a free port of the loopback interface and says so. */
export function listen(server: Server): void {
  server.listen(0, '127.0.0.1', () => announce(`http://127.0.0.1:${(server.address() as AddressInfo).port}`))
  process.on('SIGTERM', () => process.exit(0))
}

/** Tells the parent where this listens. */
export function announce(origin: string): void {
  // Asked for before memory is read; without --expose-gc there is nothing to collect with.
  process.on('SIGUSR2', () => (globalThis as { gc?: () => void }).gc?.())
  console.log(origin)
}
