/**
 * Cuts what is too large for an entry to carry, at the end and between characters. Nothing is refused for its size; the mark
 * `context.truncated` tells the original one.
 */
import { isObject, type JsonObject } from './log.ts'

/** Longest message kept, in UTF-8 bytes: a stack trace of some hundred frames fits, a dumped file does not. */
export const MAX_MESSAGE_BYTES: number = 32 * 1024

/** Longest context kept, in UTF-8 bytes of its JSON text. */
export const MAX_CONTEXT_BYTES: number = 64 * 1024

/** Room that the mark `context.truncated` takes at the most. */
const MARK_BYTES = 80

const utf8 = new TextEncoder()
const fromUtf8 = new TextDecoder('utf-8', { fatal: false, ignoreBOM: true })

/** UTF-16 units of an entry's JSON text up to which nothing of it can be over a limit: one unit is at most three bytes. */
export const SURELY_WHOLE: number = Math.floor(MAX_MESSAGE_BYTES / 3)

/** Cuts the message and the context of an entry where they are over their limits, and marks it. */
export function truncate(message: string, context: JsonObject): { message: string; context: JsonObject } {
  const messageBytes = utf8.encode(message).length
  const contextBytes = jsonBytes(context)
  const isMessageCut = messageBytes > MAX_MESSAGE_BYTES
  if (!isMessageCut && contextBytes <= MAX_CONTEXT_BYTES) return { message, context }
  const truncated: JsonObject = {}
  if (isMessageCut) {
    truncated.message = messageBytes
    message = cutText(message, MAX_MESSAGE_BYTES)
  }
  // Also a context that is not too large itself may have to make room for the mark of the message.
  if (contextBytes > MAX_CONTEXT_BYTES - (isMessageCut ? MARK_BYTES : 0)) {
    truncated.context = contextBytes
    context = cutObject(context, MAX_CONTEXT_BYTES - MARK_BYTES)
  }
  return { message, context: { ...context, truncated } }
}

/** Sets an own property also for the key `__proto__`, which JSON may hold and plain assignment would lose. */
export function assign(target: JsonObject, key: string, value: unknown): void {
  if (key === '__proto__') {
    Object.defineProperty(target, key, { value, enumerable: true, configurable: true, writable: true })
  } else target[key] = value
}

/**
 * The longest start of a text that fits the bytes and ends with a whole character. Decoded rather than sliced: engines keep the
 * whole text alive behind a slice of it, for as long as the entry is retained.
 */
function cutText(text: string, bytes: number): string {
  const buffer = new Uint8Array(Math.max(bytes, 0))
  return fromUtf8.decode(buffer.subarray(0, utf8.encodeInto(text, buffer).written))
}

/** The longest start of a text whose JSON form fits the bytes, at least two. */
function cutString(text: string, bytes: number): string {
  let cut = cutText(text, bytes - 2)
  // Escapes make JSON up to six times longer than the text. A step that splits a surrogate pair is never the last one: half a
  // pair is escaped in six bytes, two more than the pair takes.
  for (let over = jsonBytes(cut) - bytes; over > 0; over = jsonBytes(cut) - bytes) {
    cut = cut.slice(0, Math.max(0, cut.length - Math.ceil(over / 6)))
  }
  return cut
}

function jsonBytes(value: unknown): number {
  return utf8.encode(JSON.stringify(value)).length
}

/** Keeps fields in their order while they fit; the first that does not is cut inside, as deep as it goes. */
function cutObject(object: JsonObject, bytes: number): JsonObject {
  const kept: JsonObject = {}
  let left = bytes - 2
  for (const [key, value] of Object.entries(object)) {
    // Not measured when it cannot fit: of a million bytes of fields most do not.
    if (key.length + 6 > left) continue
    const room = left - jsonBytes(key) - 2
    const part = shorten(value, room)
    if (part === undefined) continue
    assign(kept, key, part.value)
    left = room - part.bytes
  }
  return kept
}

function cutArray(array: readonly unknown[], bytes: number): unknown[] {
  const kept: unknown[] = []
  let left = bytes - 2
  for (const value of array) {
    const part = shorten(value, left - 1)
    if (part === undefined) break
    kept.push(part.value)
    left -= part.bytes + 1
  }
  return kept
}

/** A value that fits the bytes, cut where that is possible; undefined where nothing of it fits. */
function shorten(value: unknown, bytes: number): { value: unknown; bytes: number } | undefined {
  if (bytes < 2) return undefined
  const whole = jsonBytes(value)
  if (whole <= bytes) return { value, bytes: whole }
  if (typeof value === 'string') value = cutString(value, bytes)
  else if (Array.isArray(value)) value = cutArray(value, bytes)
  else if (isObject(value)) value = cutObject(value, bytes)
  else return undefined
  return { value, bytes: jsonBytes(value) }
}
