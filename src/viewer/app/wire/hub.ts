/**
 * The worker's side: tabs come and go, and those with the same filter share one connection. A shared worker rather than a tab
 * that leads the others: a leader in the background is slowed down or frozen by the browser, and when it is closed all others
 * have to connect anew.
 */
import { type Connection, openConnection } from './connection.ts'
import { PastError, readPast } from './past.ts'
import type { Report, Request, Status } from './protocol.ts'

/** How often pages are told how their connection does, in milliseconds. */
const VITALS_MS = 1000

/** A page that said nothing for so long is gone, in milliseconds. Pages in the background may speak once a minute only. */
const GONE_MS = 180_000

/** One end of a channel to a page: a MessagePort, or the worker itself where workers are not shared. */
export interface Port {
  postMessage(report: Report): void
}

/** One page. */
interface Tab {
  readonly port: Port
  heardAt: number
  turn: number
  line: Line | undefined
}

/** A connection with those who share it. */
interface Line {
  readonly key: string
  readonly connection: Connection
  readonly tabs: Set<Tab>
}

/** Takes what pages ask. */
export interface Hub {
  /** What a port said. */
  receive(port: Port, request: Request): void
  /** The other end of a port is no more. */
  drop(port: Port): void
}

/** Starts without a page. */
export function createHub(): Hub {
  const tabs = new Map<Port, Tab>()
  const lines = new Map<string, Line>()

  function watch(tab: Tab, base: string, q: string): void {
    leave(tab)
    const key = JSON.stringify([base, q])
    let line = lines.get(key)
    if (line === undefined) {
      const members = new Set<Tab>()
      const connection = openConnection({
        base,
        q,
        onBatch: (batch) => {
          for (const { port, turn } of members) port.postMessage({ type: 'entries', turn, batch })
        },
        onStatus: (status) => {
          for (const member of members) tellStatus(member, status)
        },
      })
      line = { key, connection, tabs: members }
      lines.set(key, line)
    }
    line.tabs.add(tab)
    tab.line = line
    tellStatus(tab, line.connection.status())
  }

  function tellStatus({ port, turn }: Tab, status: Status): void {
    port.postMessage({ type: 'status', turn, status })
  }

  function leave(tab: Tab): void {
    const { line } = tab
    tab.line = undefined
    if (line === undefined) return
    line.tabs.delete(tab)
    if (line.tabs.size > 0) return
    lines.delete(line.key)
    line.connection.close()
  }

  function forget(port: Port): void {
    const tab = tabs.get(port)
    if (tab !== undefined) leave(tab)
    tabs.delete(port)
  }

  async function past(port: Port, { call, base, query }: Extract<Request, { type: 'past' }>): Promise<void> {
    try {
      port.postMessage({ type: 'past', call, past: await readPast(base, query) })
    } catch (error) {
      const { code, message } = error instanceof PastError ? error : new PastError('unexpected', String(error))
      port.postMessage({ type: 'past-failed', call, code, reason: message })
    }
  }

  setInterval(() => {
    for (const [port, { heardAt }] of tabs) if (Date.now() - heardAt > GONE_MS) forget(port)
    for (const { connection, tabs } of lines.values()) {
      const vitals = { ...connection.vitals(), tabs: tabs.size }
      for (const { port, turn } of tabs) port.postMessage({ type: 'vitals', turn, vitals })
    }
  }, VITALS_MS)

  return {
    receive(port, request) {
      if (request.type === 'leave') return forget(port)
      const known = tabs.get(port)
      const tab = known ?? { port, heardAt: 0, turn: 0, line: undefined }
      tab.heardAt = Date.now()
      tabs.set(port, tab)
      if (request.type === 'watch') {
        tab.turn = request.turn
        watch(tab, request.base, request.q)
      } else if (request.type === 'past') void past(port, request)
      else if (request.type === 'retry') for (const { connection } of lines.values()) connection.retry()
      else if (request.type === 'sign-out') {
        // The cookie is gone for every tab; what is still open must not show more.
        for (const { connection } of lines.values()) connection.stop({ state: 'signed-out', reason: 'Signed out.' })
      } else if (known === undefined) port.postMessage({ type: 'unknown' })
    },
    drop: forget,
  }
}
