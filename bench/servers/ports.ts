/** Waits for servers that do not say when they listen. */
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { connect } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'

/** Resolves when something listens there. */
export async function listening(child: ChildProcess, port: number): Promise<void> {
  for (let tries = 0; tries < 200; tries++) {
    const socket = connect(port, '127.0.0.1')
    const open = await once(socket, 'connect').then(
      () => true,
      () => false,
    )
    socket.destroy()
    if (open) return
    if (child.exitCode !== null) break
    await sleep(50)
  }
  throw new Error(`${child.spawnfile} ${child.spawnargs.at(3) ?? ''} did not listen on port ${port}.`)
}
