/** Which log this page shows, and which others there are. */
import { type Signal, signal } from '@preact/signals'

/** Path of the routes of this log: where the page stands, wherever that is. */
export const base: string = location.pathname.replace(/\/+$/, '')

/** The name of the log at the base. */
export const DEFAULT_STREAM = 'default'

/** `/s/<name>` at the end of a path. The server has the last word: somebody's base may look like it. */
const [below = '', named = DEFAULT_STREAM] = /\/s\/([a-z0-9][a-z0-9._-]{0,63})$/.exec(base) ?? []

/** Path of the default log. */
let root = base.slice(0, base.length - below.length)

/** The name of this log. */
export const stream: Signal<string> = signal(named)

/** The names of all that may be read; empty until the server has said. */
export const streams: Signal<readonly string[]> = signal([])

/** What the server says. */
interface Said {
  readonly stream: string
  readonly streams: readonly { readonly name: string }[]
}

/** Asks which there are. Without an answer the page goes on as it is. */
export async function loadStreams(): Promise<void> {
  const said = await ask(base)
  if (said !== undefined) {
    if (said.stream !== named) root = base
    stream.value = said.stream
  }
  // One that could get no place, or that is not there yet, still has others beside it.
  const { streams: all } = said ?? (below === '' ? undefined : await ask(root)) ?? {}
  if (all !== undefined) streams.value = all.map(({ name }) => name)
}

async function ask(path: string): Promise<Said | undefined> {
  const answer = await fetch(`${path}/streams`, { cache: 'no-store' }).catch(() => undefined)
  return answer?.ok ? ((await answer.json()) as Said) : undefined
}

/** The path of the page of a log. */
export function pathOf(name: string): string {
  return name === DEFAULT_STREAM ? root || '/' : `${root}/s/${name}`
}
