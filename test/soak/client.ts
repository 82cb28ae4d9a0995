/** A client that comes and goes, stalls and resumes, and holds what it gets against what it was told. */
import { get, type IncomingMessage } from 'node:http'
import type { Random } from '../support/random.ts'
import { createStrictSse, type StrictEvent } from '../support/strict-sse.ts'

/** What all clients of a run share. */
export interface SoakClientOptions {
  readonly random: Random
  /** Where the server is now; it may come back elsewhere. */
  origin(): string
  readonly headers: Record<string, string>
  /** Told of each entry's number, in order. */
  readonly onEntry?: (number: number) => void
  readonly onViolation: (what: string) => void
  readonly tally: (what: string) => void
}

/** How long a client stays and how it behaves, in milliseconds. */
export interface Visit {
  readonly stayMs: number
  /** After how long it stops reading, and for how long. */
  readonly stall?: { readonly afterMs: number; readonly forMs: number }
  readonly query: string
}

/** Makes a client; each visit resumes where the one before ended. */
export function createSoakClient({ origin, headers, onEntry, onViolation, tally }: SoakClientOptions): {
  visit(visit: Visit, signal: AbortSignal): Promise<void>
  forget(): void
} {
  let lastId: string | undefined
  let last: number | undefined
  let entry = 0

  function take({ event, id, data }: StrictEvent, filtered: boolean): void {
    const sequence = id === undefined ? undefined : Number(id.split('-')[1])
    if (event === 'log') {
      if (sequence === undefined || (last !== undefined && sequence <= last)) onViolation(`${id} after ${last}`)
      if (!filtered && last !== undefined && sequence !== last + 1) onViolation(`${id} after ${last}, without a gap`)
      const { number } = data.context as { number: number }
      if (number <= entry) onViolation(`entry ${number} after ${entry}`)
      entry = number
      onEntry?.(number)
    } else if (event === 'gap') {
      tally(`gap ${data.reason}`)
      if (data.reason === 'restarted') onViolation('a gap `restarted`, though the history lasts')
      // A filtered client cannot know how far it was.
      if (!filtered && last !== undefined && sequence !== last + Number(data.dropped)) {
        onViolation(`a gap of ${data.dropped} from ${last} to ${id}`)
      }
    } else if (event === 'ready') {
      if (lastId !== undefined && !data.resumed) onViolation(`${lastId} was not resumed`)
      if (!filtered && last !== undefined && sequence !== undefined && sequence !== last) {
        onViolation(`resumed at ${id} rather than at ${last}`)
      }
    } else if (event === 'error') tally(`error ${data.code}`)
    if (id !== undefined) {
      lastId = id
      last = sequence
    }
  }

  function visit({ stayMs, stall, query }: Visit, signal: AbortSignal): Promise<void> {
    if (signal.aborted) return Promise.resolve()
    const filtered = /level=|q=/.test(query)
    const resume: Record<string, string> = lastId === undefined ? {} : { 'Last-Event-ID': lastId }
    tally(lastId === undefined ? 'came' : 'resumed')
    return new Promise((resolve) => {
      const timers: NodeJS.Timeout[] = []
      const later = (run: () => void, ms: number): void => void timers.push(setTimeout(run, ms))
      const request = get(`${origin()}/monitor/stream?${query}`, { headers: { ...headers, ...resume }, agent: false })
      const leave = (): void => {
        timers.forEach(clearTimeout)
        signal.removeEventListener('abort', leave)
        request.destroy()
        resolve()
      }
      signal.addEventListener('abort', leave)
      later(leave, stayMs)
      request.on('error', leave)
      request.on('response', (response: IncomingMessage) => {
        response.on('error', leave).on('close', leave)
        if (response.statusCode !== 200) {
          tally(`status ${response.statusCode}`)
          leave()
          return
        }
        response.on('data', createStrictSse({ onEvent: (event) => take(event, filtered), onViolation }))
        if (stall === undefined) return
        later(() => {
          tally('stalled')
          response.pause()
          later(() => response.resume(), stall.forMs)
        }, stall.afterMs)
      })
    })
  }

  return {
    visit,
    forget() {
      lastId = last = undefined
      entry = 0
    },
  }
}
