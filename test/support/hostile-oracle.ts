/** What must hold of every answer to a bad request, and of the stream that was watched meanwhile. */
import { type HostileCase, placeOf } from './hostile.ts'
import type { Exchange, RawAnswer } from './raw-http.ts'
import { createStrictSse, type StrictEvent } from './strict-sse.ts'

/** The refusals that may be temporary; every other 5xx is a fault. */
const UNAVAILABLE = new Set(['draining', 'too_many_clients', 'not_configured', 'source_unavailable'])

/** Where a text comes from that no client should see. */
const INSIDES =
  /node_modules|node:internal|file:\/\/|\/work\/|\.ts:\d+|\n\s+at \S|(?:Type|Range|Syntax)Error|UnhandledPromise/

/** What a runtime says itself of what is no HTTP, before any of our code sees it; and Hono of paths that are not ours. */
const RUNTIME_REFUSALS = {
  node: /^(?:404 Not Found|)$/,
  workerd: /^(?:404 Not Found|Bad Request|invalid URI|invalid [\w -]+ parsed|ERROR: [\w .,'/:-]+|)$/,
}

/** What the proxy before a Worker in `wrangler dev` answers with 500 and 501 to what it cannot pass on. */
const PROXY_FAULTS =
  /^(?:Internal Server Error|Error: Network connection lost\.|ERROR: [\w .,'/:-]+|TypeError: Fetch API cannot load: [\s\S]*\/miniflare\/.*)$/

/** Where the server runs. */
export type Runtime = keyof typeof RUNTIME_REFUSALS

/** A write that was answered as accepted. */
export interface Accepted {
  readonly number: number
  readonly accepted: number
  readonly sentAt: number
  readonly answeredAt: number
}

/** Judges one exchange. */
export function judge(
  made: HostileCase,
  { answers, rest, ending }: Exchange,
  secrets: readonly string[],
  runtime: Runtime,
): { readonly faults: string[]; readonly accepted: number } {
  const faults: string[] = []
  let accepted = 0
  if (ending === 'timeout') faults.push('no answer in time')
  const missing = answers.length < made.methods.length
  // Of several on one connection a runtime may hang up after refusing one that is no HTTP.
  if (missing && (made.answered ? made.ours || answers.length === 0 : made.ours && ending !== 'reset')) {
    faults.push(`${answers.length} answers, then ${ending}`)
  }
  if (rest !== '' && ending === 'done') faults.push(`bytes after the answer: ${JSON.stringify(rest.slice(0, 200))}`)
  for (const answer of answers) {
    const body = answer.body.toString('utf8')
    const everything = `${JSON.stringify(answer.headers)}\n${body}`
    if (secrets.some((secret) => everything.includes(secret))) faults.push('a token in the answer')
    const isProxy = runtime === 'workerd' && !made.ours && PROXY_FAULTS.test(body)
    // The viewer's program knows what a stack looks like; it is the same for everybody.
    const isPage = answer.status === 200 && /^text\/(?:html|javascript)/.test(answer.headers['content-type'] ?? '')
    if (INSIDES.test(everything) && !isProxy && !isPage)
      faults.push(`the insides in the answer: ${INSIDES.exec(everything)}`)
    if (answer.headers['x-injected'] !== undefined) faults.push('a header that was injected')
    if (answer.headers.location !== undefined && leadsAway(answer.headers.location) && !isAbsolute(made)) {
      faults.push(`a redirect to ${answer.headers.location}`)
    }
    if (made.denied && answer.status !== 401 && answer.status !== 403)
      faults.push(`${answer.status} where it must be denied`)
    if (answer.streaming) faults.push(...faultsOfStart(answer.body))
    else if (answer.status === 202) {
      const count = (JSON.parse(body) as { accepted: unknown }).accepted
      if (typeof count === 'number' && count > 0) accepted += count
      else faults.push(`accepted ${count}`)
    } else if (answer.status >= 400) faults.push(...faultsOfRefusal(made, answer, body, runtime))
  }
  return { faults: faults.map((fault) => `${fault} (status ${answers.map(({ status }) => status).join()})`), accepted }
}

/** Whether a browser that follows it would leave the server, or not know where to go. */
function leadsAway(location: string): boolean {
  const from = 'http://127.0.0.1/monitor/a/'
  return !URL.canParse(location, from) || new URL(location, from).hostname !== '127.0.0.1'
}

/** Whether the request named another host itself. */
function isAbsolute({ pieces }: HostileCase): boolean {
  return pieces.some(
    (piece) => typeof piece !== 'number' && /^\S* https?:/i.test(Buffer.from(piece.subarray(0, 100)).toString()),
  )
}

/** Whether a path of OTLP was named, where refusals are Status messages. */
function isOtlp({ pieces }: HostileCase): boolean {
  return pieces.some((piece) => typeof piece !== 'number' && Buffer.from(piece.subarray(0, 300)).includes('/v1/logs'))
}

function faultsOfRefusal(made: HostileCase, { status, headers }: RawAnswer, body: string, runtime: Runtime): string[] {
  // Nor does the proxy pass on a refusal that comes before it has sent all of the body.
  if (runtime === 'workerd' && !made.answered && PROXY_FAULTS.test(body)) return []
  // OTLP refuses protobuf in protobuf: a Status of a code and a message.
  const isStatus = isOtlp(made) && /^\{"code":\d+,/.test(body)
  if (isOtlp(made) && headers['content-type'] === 'application/x-protobuf') {
    return status < 500 && body.startsWith('\b\x03\x12') ? [] : [`a refusal in another form: ${JSON.stringify(body)}`]
  }
  const isJson = headers['content-type']?.startsWith('application/json')
  if (!isJson && made.ours && !made.methods.includes('HEAD')) {
    return [`a refusal in another form: ${JSON.stringify(body.slice(0, 200))}`]
  }
  if (!isJson && status >= 500)
    return runtime === 'workerd' && PROXY_FAULTS.test(body) ? [] : [`a fault: ${body.slice(0, 200)}`]
  if (!isJson) return RUNTIME_REFUSALS[runtime].test(body) ? [] : [`a refusal of ${JSON.stringify(body.slice(0, 200))}`]
  if (body === '') return status >= 500 && status !== 503 ? ['a fault'] : []
  const answer = JSON.parse(body) as Record<string, unknown>
  const error = (isStatus ? answer : answer.error) as Record<string, unknown>
  const faults: string[] = []
  const members = Object.keys(answer).join()
  if (!isStatus && members !== 'error' && !(status === 400 && members === 'error,accepted,rejected')) {
    faults.push(`an error with the members ${members}`)
  }
  if (Object.keys(error ?? {}).join() !== 'code,message') faults.push(`the error ${body.slice(0, 200)}`)
  if (status >= 500 && !(status === 503 && UNAVAILABLE.has(String(error?.code)))) faults.push('a fault')
  return faults
}

/** A stream was left after some of it, so that only what is whole can be judged. */
function faultsOfStart(body: Buffer): string[] {
  const faults: string[] = []
  const events: StrictEvent[] = []
  const feed = createStrictSse({ onEvent: (event) => events.push(event), onViolation: (what) => faults.push(what) })
  feed(body.subarray(0, body.lastIndexOf('\n\n') + 2))
  if (events[0]?.event !== 'ready') faults.push(`a stream that begins with ${events[0]?.event}`)
  return faults
}

/** What is wrong with the entries that the watcher got, in the order in which it got them. */
export function faultsOfOrder(messages: readonly string[], writes: ReadonlyMap<number, Accepted>): string[] {
  const faults: string[] = []
  const seen = new Set<number>()
  let last: { number: number; index: number } | undefined
  let latestSent = 0
  for (const message of messages) {
    const place = placeOf(message)
    if (place !== undefined && place.number !== last?.number) {
      if (seen.has(place.number)) faults.push(`the entries of ${place.number} are not together`)
      seen.add(place.number)
      const write = writes.get(place.number)
      if (write === undefined) faults.push(`an entry of ${place.number}, which was not answered as accepted`)
      else {
        if (write.answeredAt < latestSent) faults.push(`${place.number} comes after what was sent after its answer`)
        latestSent = Math.max(latestSent, write.sentAt)
      }
    } else if (place !== undefined && last !== undefined && place.index <= last.index) {
      faults.push(`the entries of ${place.number} are not in order`)
    }
    last = place ?? last
  }
  return faults
}
