/** A connection between a client and a server that can be cut and held shut by hand. */
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

/** A proxy that listens. */
export interface SwitchProxy {
  readonly origin: string
  /** Resets every connection. */
  cut(): void
  /** Cuts, and refuses new ones until `open`. */
  shut(): void
  open(): void
  close(): Promise<void>
}

/** Starts it, open. @param target - origin of the server */
export async function startSwitchProxy(target: string): Promise<SwitchProxy> {
  const { hostname, port } = new URL(target)
  const sockets = new Set<Socket>()
  let isShut = false
  const server = createServer((client) => {
    if (isShut) return void client.resetAndDestroy()
    const upstream = connect(Number(port), hostname)
    for (const [socket, other] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      sockets.add(socket)
      socket.on('error', () => {})
      socket.on('close', () => {
        sockets.delete(socket)
        other.destroy()
      })
    }
    client.pipe(upstream).pipe(client)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const cut = (): void => {
    for (const socket of sockets) socket.resetAndDestroy()
  }
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    cut,
    shut() {
      isShut = true
      cut()
    },
    open() {
      isShut = false
    },
    async close() {
      cut()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
