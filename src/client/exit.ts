/** The last moment at which entries can be sent, told by each runtime in its own way. */
import type { Sender } from './sender.ts'

/** The part of `process` that is used, where there is one. */
interface ProcessLike {
  on(event: 'beforeExit', listener: () => void): unknown
  off(event: 'beforeExit', listener: () => void): unknown
}

/** The part of a page's window that is used. */
interface PageLike {
  addEventListener(event: 'pagehide', listener: () => void): void
  removeEventListener(event: 'pagehide', listener: () => void): void
}

/**
 * Sends what waits when a program has nothing left to do, or a page goes.
 *
 * @param withinMs - longest time that a program is held up
 * @returns a function that takes it off again
 */
export function onExit(sender: Sender, withinMs: number): () => void {
  const { process, document } = globalThis as { process?: Partial<ProcessLike>; document?: unknown }
  if (typeof document === 'object' && document !== null) {
    const page = globalThis as unknown as PageLike
    const unload = (): void => sender.unload()
    page.addEventListener('pagehide', unload)
    return () => page.removeEventListener('pagehide', unload)
  }
  if (typeof process?.on !== 'function' || typeof process.off !== 'function') return () => {}

  // Node asks again each time that something kept it alive: this does, so it must not go on for ever.
  let gaveUp = false
  const deliver = (): void => {
    if (gaveUp || sender.stats().pending === 0) return
    void sender.flush(withinMs).then(() => {
      if (sender.stats().pending === 0) return
      gaveUp = true
      // Another program's hook may still go on, but without anybody to wait for it the rest has little chance.
      void sender.close(0)
    })
  }
  process.on('beforeExit', deliver)
  return () => process.off?.('beforeExit', deliver)
}
