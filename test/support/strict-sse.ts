/**
 * A reader of the stream that forgives nothing: what a lenient parser passes over (an unknown field, a carriage return, bytes
 * that are no UTF-8) is a bug of the server.
 */
import { createParser, type EventSourceMessage } from 'eventsource-parser'

/** Every member that an event's data has, in order. `ready` may have more than the first. */
const MEMBERS: Record<string, readonly string[]> = {
  ready: ['resumed'],
  log: ['ts', 'level', 'message', 'context'],
  gap: ['reason', 'dropped'],
  checkpoint: [],
  error: ['code', 'message', 'retryable'],
}

/** The fields that an event may have, in order: `id` last, because some clients take it before the event is whole. */
const SHAPES = new Set(['retry event data id', 'retry event data', 'event data id', 'event data', 'retry'])

/** An event whose data is JSON of its kind. */
export interface StrictEvent {
  readonly event: string
  readonly id: string | undefined
  readonly data: Record<string, unknown>
}

/** What is told. */
export interface StrictSseOptions {
  onEvent(event: StrictEvent): void
  onViolation(what: string): void
}

/** Makes a reader that takes the bytes as they arrive. */
export function createStrictSse({ onEvent, onViolation }: StrictSseOptions): (chunk: Uint8Array) => void {
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
  const parser = createParser({
    onEvent: (message) => {
      const event = check(message, onViolation)
      if (event !== undefined) onEvent(event)
    },
    onError: (error) => onViolation(`parser: ${error.message}`),
  })
  let rest = ''
  let fields: string[] = []

  function line(text: string): void {
    if (text === '') {
      if (!SHAPES.has(fields.join(' '))) onViolation(`an event of the fields ${JSON.stringify(fields)}`)
      fields = []
    } else if (text === ':') {
      if (fields.length > 0) onViolation('a heartbeat inside an event')
    } else {
      const [, field] = /^(retry|event|data|id): ./.exec(text) ?? []
      if (field === undefined || /[\r\0]/.test(text)) onViolation(`the line ${JSON.stringify(text.slice(0, 200))}`)
      if (field === 'id' && !/^id: [0-9A-Za-z]+-\d+$/.test(text)) onViolation(`the id line ${JSON.stringify(text)}`)
      fields.push(field ?? 'unknown')
    }
  }

  return (chunk) => {
    let text: string
    try {
      text = decoder.decode(chunk, { stream: true })
    } catch {
      onViolation('bytes that are no UTF-8')
      return
    }
    const lines = (rest + text).split('\n')
    rest = lines.pop() as string
    lines.forEach(line)
    parser.feed(text)
  }
}

function check({ event, id, data }: EventSourceMessage, onViolation: (what: string) => void): StrictEvent | undefined {
  const members = MEMBERS[event ?? '']
  let value: unknown
  try {
    value = JSON.parse(data)
  } catch {
    onViolation(`data that is no JSON: ${data.slice(0, 200)}`)
    return undefined
  }
  if (event === undefined || members === undefined || typeof value !== 'object' || value === null) {
    onViolation(`the event ${event} ${data.slice(0, 200)}`)
    return undefined
  }
  const found = Object.keys(value)
  const exact = event === 'ready' || found.length === members.length
  if (!exact || !members.every((member, index) => found[index] === member)) {
    onViolation(`${event} with the members ${found.join()}`)
  }
  return { event, id, data: value as Record<string, unknown> }
}
