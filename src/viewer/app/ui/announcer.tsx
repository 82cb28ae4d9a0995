/**
 * What a screen reader is told of new entries. The list itself cannot be the live region: its elements are used again and again,
 * and a thousand entries a second are no speech. So a log of its own says, every few seconds at the most, the entries that came
 * if they are few, and else how many.
 */
import { effect, useSignal } from '@preact/signals'
import type { JSX } from 'preact'
import { useEffect } from 'preact/hooks'
import { spoken } from '../model/actions.ts'
import { live, notice, paused, revision, status } from '../model/state.ts'
import { plural } from '../model/time.ts'
import { GAP } from '../wire/protocol.ts'

/** Least time between two announcements, in milliseconds. */
const EVERY_MS = 4000

/** Entries that are read out; more are counted. */
const READ_OUT = 3

/** Announcements that stay. */
const KEPT = 5

/** The log for screen readers, and the notices for all. */
export function Announcer(): JSX.Element {
  const said = useSignal<readonly { id: number; text: string }[]>([])
  useEffect(() => {
    let { store } = live.peek()
    let heard = store.end
    let timer: ReturnType<typeof setTimeout> | undefined
    let count = 0
    const say = (): void => {
      timer = undefined
      if (store !== live.peek().store) {
        store = live.peek().store
        heard = store.end
        return
      }
      const from = Math.max(heard, store.start)
      heard = store.end
      if (paused.peek() || from === store.end || status.peek().state !== 'live') return
      const text = describe(from)
      said.value = [...said.peek().slice(1 - KEPT), { id: count++, text }]
    }
    const describe = (from: number): string => {
      const positions = Array.from({ length: Math.min(READ_OUT + 1, store.end - from) }, (_, index) => from + index)
      if (store.end - from <= READ_OUT) {
        return positions.map((at) => spoken(store.level(at), store.line(at))).join('. ')
      }
      let errors = 0
      for (let at = from; at < store.end; at++) if (store.level(at) >= 4 && store.level(at) !== GAP) errors++
      return `${plural(store.end - from, 'new entry', 'new entries')}${errors > 0 ? `, ${plural(errors, 'error')}` : ''}`
    }
    const stop = effect(() => {
      void revision.value
      timer ??= setTimeout(say, EVERY_MS)
    })
    return () => {
      stop()
      clearTimeout(timer)
    }
  }, [])
  return (
    <>
      <div class="offscreen" role="log" aria-label="New entries">
        {said.value.map(({ id, text }) => (
          <p key={id}>{text}</p>
        ))}
      </div>
      <div class={`notice${notice.value === '' ? '' : ' is-shown'}`} role="status">
        {notice.value}
      </div>
    </>
  )
}
