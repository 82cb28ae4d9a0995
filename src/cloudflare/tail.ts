/** A Tail Worker: what other Workers print and throw, as entries in the log room. */
import { MonitorError } from '../errors.ts'
import { type Invocations, traceOrigin, traceRecords } from '../ingest/trace.ts'
import type { LogRecord } from '../log.ts'
import { redactSource } from '../redact.ts'
import { readSettings } from '../settings.ts'
import type { LogSource } from '../source.ts'
import { durableObjectSource } from '../sources/durable-object.ts'
import { boundRooms, oncePerEnv, type WorkerEnv } from './bindings.ts'

/** Waits before each try to store, in milliseconds: an event comes once, and a deploy of the monitor takes about a second. */
const STORE_AFTER_MS = [0, 250, 1000, 3000]

/** Options of {@link createTail}. */
export interface TailOptions {
  /**
   * Which invocations get an entry that tells how they ended, beside those for what they printed and threw: those whose outcome
   * is not `ok`, or all. @default failed
   */
  readonly invocations?: Invocations | undefined
  /**
   * Scripts that are left out, by name. What the log room does and what Tail Workers do is always left out, so that nothing
   * feeds itself. @default edgetail and edgetail-tail
   */
  readonly ignore?: readonly string[] | undefined
}

/** The handler of a Tail Worker. */
export interface Tail {
  tail(events: readonly TraceItem[], env: WorkerEnv): Promise<void>
}

/** A namespace and the object in it that entries go to. */
interface Room {
  readonly source: LogSource
  readonly id: string
}

/**
 * Makes the handler of a Tail Worker that is bound to the monitor's log room as `LOG_ROOM`, with `EDGETAIL_REDACT` as a var where
 * the monitor has it. Each console line is an entry with its own time and level, each exception one at `error` with its stack;
 * `context.worker` tells the script and the event. Of a URL the query is left out.
 *
 * It fails when entries cannot be stored after several tries, which Cloudflare counts among the Tail Worker's own errors.
 *
 * @throws MonitorError `invalid_setting` from the handler when a binding or a setting cannot be used
 * @example
 * export default createTail({ invocations: 'all' })
 */
export function createTail({ invocations = 'failed', ignore = ['edgetail', 'edgetail-tail'] }: TailOptions = {}): Tail {
  const roomOf = oncePerEnv(openRoom)
  return {
    async tail(events, env) {
      const room = roomOf(env)
      for (const trace of events) {
        const { script, durableObjectId, isTail } = traceOrigin(trace)
        // What came of storing entries: the log room lives in a Worker that may itself be tailed.
        if (isTail || durableObjectId === room.id || ignore.some((name) => name === script)) continue
        await store(room.source, traceRecords(trace, invocations, Date.now()))
      }
    },
  }
}

function openRoom(env: WorkerEnv): Room {
  const rooms = boundRooms(env)
  return {
    source: redactSource(durableObjectSource(rooms), readSettings(env).redact),
    id: String(rooms.idFromName('default')),
  }
}

/** Stores the entries of one invocation, which the runtime bounds to 256 KB. The key keeps those of a lost answer from being doubled. */
async function store(source: LogSource, records: readonly LogRecord[]): Promise<void> {
  if (records.length === 0) return
  const key = crypto.randomUUID()
  let failure: unknown
  for (const wait of STORE_AFTER_MS) {
    if (wait > 0) await new Promise((resolve) => setTimeout(resolve, wait))
    try {
      await source.appendOnce(key, records, '')
      return
    } catch (error) {
      if (!(error instanceof MonitorError && error.retryable)) throw error
      failure = error
    }
  }
  throw failure
}
