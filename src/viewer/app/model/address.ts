/**
 * The view in the address, so that a link shows a colleague the same. It stands in the fragment, which never reaches a server
 * or its log. A token may come in by the fragment and is never put there.
 */

/** What a link carries. */
export interface ViewAddress {
  readonly q: string
  /** A bit for each level; 0 for all. */
  readonly levels: number
  readonly range: readonly [number, number] | undefined
  /** Id of the selected entry. */
  readonly at: string | undefined
  /** Id of the entry that is shown with its neighbours, without the filter. */
  readonly around: string | undefined
}

const NAMES = ['trace', 'debug', 'info', 'warn', 'error', 'fatal']

const ID = /^[0-9A-Za-z]{1,40}-[0-9]{1,16}$/

/** Reads a fragment, with or without its `#`. What cannot be read is as if it were not there. */
export function readAddress(fragment: string): { view: ViewAddress; token: string | undefined } {
  const fields = new URLSearchParams(fragment.replace(/^#/, ''))
  const from = Date.parse(fields.get('from') ?? '')
  const to = Date.parse(fields.get('to') ?? '')
  let levels = 0
  for (const name of (fields.get('levels') ?? '').split(',')) {
    const rank = NAMES.indexOf(name)
    if (rank >= 0) levels |= 1 << rank
  }
  return {
    view: {
      q: fields.get('q') ?? '',
      levels,
      range: from <= to ? [from, to] : undefined,
      at: idOf(fields.get('at')),
      around: idOf(fields.get('around')),
    },
    token: fields.get('token') ?? undefined,
  }
}

/** The fragment for a view, with its `#`; empty for the plain one. */
export function writeAddress({ q, levels, range, at, around }: ViewAddress): string {
  const fields = new URLSearchParams()
  if (q !== '') fields.set('q', q)
  if (levels !== 0) fields.set('levels', NAMES.filter((_, rank) => levels & (1 << rank)).join())
  if (range !== undefined) {
    fields.set('from', new Date(range[0]).toISOString())
    fields.set('to', new Date(range[1]).toISOString())
  }
  if (around !== undefined) fields.set('around', around)
  else if (at !== undefined) fields.set('at', at)
  // Colons and commas may stand in a fragment, and people read it.
  const text = fields.toString().replaceAll('%3A', ':').replaceAll('%2C', ',')
  return text === '' ? '' : `#${text}`
}

function idOf(text: string | null): string | undefined {
  return text !== null && ID.test(text) ? text : undefined
}
