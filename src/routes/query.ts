/** Query parameters, checked. A value that cannot be used is refused by name rather than passed over. */
import type { Context } from 'hono'
import * as v from 'valibot'
import { MonitorError } from '../errors.ts'
import { compileFilter, type FilterQuery } from '../filter/filter.ts'
import { LEVELS, levelNamed } from '../log.ts'
import { parseId } from '../sse.ts'

/** Most entries asked for at once. Retention is the real bound; this one keeps the number a number. */
const MAX_TAIL = 1_000_000

const tailMessage = `tail is a whole number from 0 to ${MAX_TAIL}.`
const levelMessage = `level is one of ${LEVELS.join(', ')}.`

const query = v.object({
  tail: v.optional(
    v.pipe(v.string(), v.regex(/^\d{1,7}$/, tailMessage), v.transform(Number), v.maxValue(MAX_TAIL, tailMessage)),
    '100',
  ),
  level: v.optional(
    v.pipe(
      v.string(),
      v.transform(levelNamed),
      v.check((level) => level !== undefined, levelMessage),
    ),
  ),
  q: v.optional(v.string()),
  before: v.optional(
    v.pipe(
      v.string(),
      v.check((id) => parseId(id) !== undefined, 'before is the id of an entry.'),
    ),
  ),
  last_event_id: v.optional(v.string()),
})

/** What the routes that read take. */
export interface ReadQuery {
  readonly tail: number
  readonly filter: FilterQuery
  readonly before: string | undefined
  readonly lastEventId: string | undefined
}

/**
 * Reads the query of a request.
 *
 * @throws MonitorError `invalid_query` naming the first parameter that cannot be used
 */
export function readQuery(c: Context): ReadQuery {
  const result = v.safeParse(query, c.req.query())
  if (!result.success) throw new MonitorError('invalid_query', result.issues[0].message)
  const { tail, level, q, before, last_event_id } = result.output
  const filter = { level, q }
  compileFilter(filter)
  return { tail, filter, before, lastEventId: last_event_id }
}
