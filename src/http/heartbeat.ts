/**
 * One clock for all open streams. On Node a single timer visits every stream; on Workers each stream needs its own, because a
 * request may not write to another one's response, and because a running timer is what keeps a silent response alive there.
 */
import { getRuntimeKey } from 'hono/adapter'

/** Calls every joined listener again and again. */
export interface Heartbeat {
  /** Calls the listener until the returned function is called. */
  join(listener: () => void): () => void
}

/**
 * Makes a clock.
 *
 * @param intervalMs - time between two calls of a listener
 */
export function createHeartbeat(intervalMs: number): Heartbeat {
  return getRuntimeKey() === 'workerd' ? ownTimers(intervalMs) : sharedTimer(intervalMs)
}

function ownTimers(intervalMs: number): Heartbeat {
  return {
    join(listener) {
      const timer = setInterval(listener, intervalMs)
      return () => clearInterval(timer)
    },
  }
}

function sharedTimer(intervalMs: number): Heartbeat {
  const listeners = new Set<() => void>()
  let timer: ReturnType<typeof setInterval> | undefined
  return {
    join(listener) {
      listeners.add(listener)
      timer ??= setInterval(() => {
        for (const each of listeners) each()
      }, intervalMs)
      return () => {
        listeners.delete(listener)
        if (listeners.size > 0 || timer === undefined) return
        clearInterval(timer)
        timer = undefined
      }
    },
  }
}
