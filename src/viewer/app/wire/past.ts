/** Reads pages of the past, off the main thread: a page can be megabytes. */
import { entryRow, toBatch } from './columns.ts'
import { errorOf } from './connection.ts'
import type { Past, PastQuery } from './protocol.ts'

/** A page that could not be read. */
export class PastError extends Error {
  readonly code: string

  constructor(code: string, message: string) {
    super(message)
    this.code = code
  }
}

/**
 * Reads one page.
 *
 * @throws PastError with the server's code and sentence, or `unreachable`
 */
export async function readPast(base: string, { q, tail, before }: PastQuery): Promise<Past> {
  const query = new URLSearchParams({
    tail: String(tail),
    ...(q !== '' && { q }),
    ...(before !== undefined && { before }),
  })
  let response: Response
  try {
    response = await fetch(`${base}/logs?${query}`, { headers: { Accept: 'application/json' }, cache: 'no-store' })
  } catch (error) {
    throw new PastError('unreachable', error instanceof TypeError ? 'The server cannot be reached.' : String(error))
  }
  if (!response.ok) {
    const { code, reason } = await errorOf(response)
    throw new PastError(code, reason)
  }
  const page = (await response.json()) as { entries: { id: string }[]; before: string | null }
  const rows = page.entries.map(({ id, ...entry }) => entryRow(id, JSON.stringify(entry)))
  return { batch: toBatch(rows), before: page.before }
}
