/**
 * One clock for all open streams. On Node a single timer visits every stream; on Workers each stream needs its own, because a
 * request may not write to another one's response, and because a running timer is what keeps a silent response alive there.
 */
import { getRuntimeKey } from 'hono/adapter'

/** What is called again and again. */
export interface Ticking {
  tick(): void
}

/** A clock that calls all who have joined. */
export interface Heartbeat {
  join(one: Ticking): void
  /** Whether it had joined. */
  leave(one: Ticking): boolean
}

/**
 * Makes a clock.
 *
 * @param intervalMs - time between two calls
 */
export function createHeartbeat(intervalMs: number): Heartbeat {
  return getRuntimeKey() === 'workerd' ? ownTimers(intervalMs) : sharedTimer(intervalMs)
}

function ownTimers(intervalMs: number): Heartbeat {
  const timers = new Map<Ticking, ReturnType<typeof setInterval>>()
  return {
    join(one) {
      timers.set(
        one,
        setInterval(() => one.tick(), intervalMs),
      )
    },
    leave(one) {
      const timer = timers.get(one)
      if (timer !== undefined) clearInterval(timer)
      return timers.delete(one)
    },
  }
}

function sharedTimer(intervalMs: number): Heartbeat {
  const joined = new Set<Ticking>()
  let timer: ReturnType<typeof setInterval> | undefined
  return {
    join(one) {
      joined.add(one)
      timer ??= setInterval(() => {
        for (const each of joined) each.tick()
      }, intervalMs)
    },
    leave(one) {
      const left = joined.delete(one)
      if (joined.size === 0 && timer !== undefined) {
        clearInterval(timer)
        timer = undefined
      }
      return left
    },
  }
}
