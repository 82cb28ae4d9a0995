/**
 * A client of the event stream that does not let go: what was cut resumes after the last event that it had. It reads as fast as
 * its caller takes, so that one who is slow is overtaken at the server and told so, and nothing piles up here.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { createParser } from 'eventsource-parser'
import { MonitorError } from '../errors.ts'
import { isObject, type JsonObject, type LogEntry } from '../log.ts'
import type { StoredEntry } from '../source.ts'
import type { GapNotice } from './print.ts'
import { describeFailure, type Remote, type RemoteRequest } from './remote.ts'
import { harmlessLine } from './terminal-text.ts'

/** Wait before the next try when the server named none, in milliseconds. */
const DEFAULT_RETRY_MS = 3000

/** Longest wait between two tries in a row that failed, in milliseconds. */
const MAX_RETRY_MS = 30_000

/** Longest wait for the first event, and for every sign of life until that told how often one comes, in milliseconds. */
const READY_MS = 20_000

/** A connection is dead when no byte came for so many times the server's heartbeat. */
const SILENT_HEARTBEATS = 2.5

/** Least time without a byte after which a connection is dead, in milliseconds: a network may well hold one up so long. */
const MIN_SILENCE_MS = 1000

/** Most characters of one event: the largest entry has about 600,000. Guards against a server that never ends a line. */
const MAX_EVENT_LENGTH = 4 * 1024 * 1024

/** What happens on a stream, in order. */
export type StreamReport =
  | { readonly type: 'connected' }
  | { readonly type: 'entries'; readonly entries: StoredEntry[] }
  | { readonly type: 'gap'; readonly gap: GapNotice }
  /** The server says that the stream failed. */
  | { readonly type: 'failed'; readonly message: string }
  /** The connection ended, or a new one failed. */
  | { readonly type: 'lost'; readonly reason: string; readonly retryInMs: number }

/** Options of {@link follow}. */
export interface FollowOptions {
  readonly remote: Remote
  readonly query: RemoteRequest['query']
  readonly signal: AbortSignal
}

/** What was learnt from the server, across connections. */
interface Memory {
  /** Where to resume. */
  lastId: string | undefined
  retryMs: number
  /** Longest silence, in milliseconds. */
  silenceMs: number
  /** Tries in a row that did not reach the first event. */
  failures: number
}

/**
 * Follows a stream until the signal aborts; then it ends without an error.
 *
 * @throws MonitorError when the first try is refused, and later at a refusal that will not change, such as of the token
 */
export async function* follow({ remote, query, signal }: FollowOptions): AsyncGenerator<StreamReport, void> {
  const memory: Memory = { lastId: undefined, retryMs: DEFAULT_RETRY_MS, silenceMs: READY_MS, failures: 0 }
  let wasConnected = false
  while (!signal.aborted) {
    const connection = new AbortController()
    const end = (): void => connection.abort()
    signal.addEventListener('abort', end, { once: true })
    let reason: string
    let retryAfterMs = 0
    try {
      const answer = await remote.get({
        path: '/stream',
        query,
        accept: 'text/event-stream',
        headers: memory.lastId === undefined ? {} : { 'last-event-id': memory.lastId },
        signal: connection.signal,
      })
      if ('response' in answer) {
        wasConnected = true
        reason = yield* readEvents(answer.response, memory)
      } else {
        const { error, isFinal } = answer.refusal
        if (isFinal || !wasConnected) throw error
        reason = error.message
        retryAfterMs = answer.refusal.retryAfterMs
        memory.failures++
      }
    } catch (error) {
      if (signal.aborted) return
      throw error
    } finally {
      signal.removeEventListener('abort', end)
      connection.abort()
    }
    if (signal.aborted) return
    const retryInMs = Math.max(retryAfterMs, backOff(memory))
    yield { type: 'lost', reason, retryInMs }
    // Rejects only when the signal aborts.
    await sleep(retryInMs, undefined, { signal }).catch(() => {})
  }
}

/** Reads one connection to its end, and returns why it ended. */
async function* readEvents(response: Response, memory: Memory): AsyncGenerator<StreamReport, string> {
  let reports: StreamReport[] = []
  let isReady = false
  const parser = createParser({
    maxBufferSize: MAX_EVENT_LENGTH,
    onRetry: (retry) => {
      memory.retryMs = Math.min(retry, MAX_RETRY_MS)
    },
    onError: (error) => {
      // Anything else that it complains of is passed over, as the standard says.
      if (error.type === 'max-buffer-size-exceeded') throw foreign(error)
    },
    onEvent: ({ event, data, id }) => {
      if (!isReady && event !== 'ready') throw foreign()
      if (event === 'log') addEntry(reports, data, id)
      else reports.push(...interpret(event, data, memory))
      isReady = true
      if (id !== undefined) memory.lastId = id
    },
  })
  const reader = (response.body as ReadableStream<Uint8Array>).getReader()
  const decoder = new TextDecoder()
  memory.failures++
  memory.silenceMs = READY_MS
  for (;;) {
    const { value, reason } = await read(reader, memory.silenceMs)
    if (value === undefined) return reason
    parser.feed(decoder.decode(value, { stream: true }))
    yield* reports
    reports = []
  }
}

type Piece =
  | { readonly value: Uint8Array; readonly reason?: never }
  | { readonly value?: never; readonly reason: string }

/** Waits for bytes. The clock runs only meanwhile: how long the caller took for the last ones says nothing of the server. */
async function read(reader: ReadableStreamDefaultReader<Uint8Array>, silenceMs: number): Promise<Piece> {
  let timer: ReturnType<typeof setTimeout> | undefined
  const silence = new Promise<Piece>((resolve) => {
    timer = setTimeout(() => resolve({ reason: `No sign of life for ${silenceMs / 1000} s.` }), silenceMs)
  })
  const bytes = reader.read().then(
    ({ done, value }): Piece => (done ? { reason: 'The server ended the stream.' } : { value }),
    (error: unknown): Piece => ({ reason: `The stream broke off: ${describeFailure(error)}.` }),
  )
  try {
    return await Promise.race([bytes, silence])
  } finally {
    clearTimeout(timer)
  }
}

function addEntry(reports: StreamReport[], data: string, id: string | undefined): void {
  const entry: StoredEntry = { id: id ?? '', ...(parseObject(data) as unknown as LogEntry) }
  const last = reports.at(-1)
  if (last?.type === 'entries') last.entries.push(entry)
  else reports.push({ type: 'entries', entries: [entry] })
}

/** What the other events report. */
function interpret(event: string | undefined, data: string, memory: Memory): StreamReport[] {
  if (event === 'ready') {
    const { heartbeatMs } = parseObject(data)
    memory.failures = 0
    if (typeof heartbeatMs === 'number') memory.silenceMs = Math.max(MIN_SILENCE_MS, heartbeatMs * SILENT_HEARTBEATS)
    return [{ type: 'connected' }]
  }
  if (event === 'gap') return [{ type: 'gap', gap: parseObject(data) as unknown as GapNotice }]
  if (event !== 'error') return []
  const { message, retryable } = parseObject(data)
  const words = `The server says: ${harmlessLine(String(message))}`
  if (retryable === false) throw new MonitorError('source_unavailable', words)
  return [{ type: 'failed', message: words }]
}

function parseObject(data: string): JsonObject {
  let value: unknown
  try {
    value = JSON.parse(data)
  } catch (error) {
    throw foreign(error)
  }
  if (!isObject(value)) throw foreign()
  return value
}

function foreign(cause?: unknown): MonitorError {
  return new MonitorError('not_found', 'The server sends events that are not those of an edgetail monitor.', { cause })
}

/** How long to wait: as long as the server said, and longer after each try that failed, with jitter. */
function backOff({ retryMs, failures }: Memory): number {
  if (failures === 0) return retryMs
  return Math.min(MAX_RETRY_MS, retryMs * 2 ** failures) * (0.5 + Math.random() / 2)
}
