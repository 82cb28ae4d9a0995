/** From a value to the term that finds it, as "filter by this value" needs it. */

/** Names that mean an entry's own fields where they stand alone. */
const OWN_FIELDS = ['level', 'message', 'ts']

const PLAIN_NAME = /^[\p{L}_@$][\p{L}\p{N}_@$/-]*(?:\.[\p{L}\p{N}_@$/-]+)*$/u

/**
 * Writes the term that lets through the entries in which a field has a value; put a `-` before it for all others.
 *
 * @param path - from the entry on: `['level']`, `['context', 'user', 'id']`
 * @param value - a text, number, boolean or null; for an object or a list, the term asks whether the field is there
 */
export function formatTerm(path: readonly string[], value: unknown): string {
  const inContext = path[0] === 'context' && path.length > 1
  const own = (inContext ? path.slice(1) : path).join('.')
  // A context may have a field of the same name, or one that begins like the prefix itself.
  const isTaken = OWN_FIELDS.includes(own) || own.startsWith('context.')
  const name = inContext && isTaken ? `context.${own}` : own
  const isPlain = PLAIN_NAME.test(name) && !name.endsWith('-')
  const text = typeof value === 'object' && value !== null ? '*' : quote(String(value))
  return `${isPlain ? name : quote(name)}:${text}`
}

function quote(text: string): string {
  return `"${text.replaceAll('"', '""')}"`
}
