/**
 * The text of a console call, from what it was called with. Follows the formatter of the Console Standard
 * (https://console.spec.whatwg.org/#formatter).
 */
import { snapshot } from '../snapshot.ts'

/** Arguments stand where the first one has a place for them; the others follow after blanks. */
export function consoleText(args: readonly unknown[]): string {
  const [first, ...others] = args
  if (typeof first !== 'string' || others.length === 0) return args.map(textOf).join(' ')
  let used = 0
  const text = first.replace(/%([sdifoOjc%])/g, (place, type: string) => {
    if (type === '%') return '%'
    return used < others.length ? fill(type, others[used++]) : place
  })
  return [text, ...others.slice(used).map(textOf)].join(' ')
}

function fill(type: string, value: unknown): string {
  // Colours are the browser's.
  if (type === 'c') return ''
  if (typeof value === 'object' || typeof value === 'symbol') return textOf(value)
  if (type === 'i') return String(Number.parseInt(String(value), 10))
  return type === 'd' || type === 'f' ? String(Number(value)) : textOf(value)
}

function textOf(value: unknown): string {
  const plain = snapshot(value)
  return typeof plain === 'string' ? plain : (JSON.stringify(plain) ?? 'undefined')
}
