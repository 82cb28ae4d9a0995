/// <reference lib="webworker" />
/** The worker: shared by all tabs where browsers can (`onconnect`), else one for each tab. */
import { createHub, type Port } from './hub.ts'
import type { Request } from './protocol.ts'

const hub = createHub()

if ('onconnect' in globalThis) {
  ;(globalThis as unknown as SharedWorkerGlobalScope).onconnect = ({ ports }) => {
    for (const port of ports) {
      port.onmessage = ({ data }: MessageEvent<Request>) => hub.receive(port, data)
      // Chromium tells when the other end is gone; elsewhere its silence does.
      port.addEventListener('close', () => hub.drop(port))
    }
  }
} else {
  const port = globalThis as unknown as Port & { onmessage: (event: MessageEvent<Request>) => void }
  port.onmessage = ({ data }) => hub.receive(port, data)
}
