/**
 * What the page knows of the filter language that `q` is written in. The server applies it; the page marks matches and adds
 * terms.
 */

/** What stands in a text because of a filter, in small letters: words that must occur. */
export function highlightTerms(q: string): string[] {
  const terms = new Set<string>()
  for (const [, sign, phrase, word = ''] of q.matchAll(/(?:^|(?<=\s|\())(-?)(?:"([^"]*)"?|([^\s()"]+))/g)) {
    if (sign === '-' || word === 'OR') continue
    const term = (phrase ?? word.replace(/^[\w.@-]+(?::|[<>]=?)/, '')).replace(/^["*]+|["*]+$/g, '').toLowerCase()
    if (term !== '' && !/^level[:<>=]/.test(word)) terms.add(term)
  }
  return [...terms]
}

/** The term for a field of the context with a value. */
export function fieldTerm(path: readonly (string | number)[], value: unknown): string {
  return `${path.join('.')}:${quote(typeof value === 'string' ? value : JSON.stringify(value))}`
}

/** A filter with a further term, or with its opposite. */
export function withTerm(q: string, term: string, negate = false): string {
  const added = negate ? `-${term}` : term
  return q.trim() === '' ? added : `${q.trim()} ${added}`
}

/** Where in the filter the server found a fault, if it says so. */
export function faultPosition(reason: string): number | undefined {
  const match = /(?:position|character|column) (\d+)/i.exec(reason)
  return match === null ? undefined : Number(match[1])
}

function quote(value: string): string {
  return /^[\w./@-]+$/.test(value) ? value : JSON.stringify(value)
}

/** Parts of a text, told apart by whether they match. */
export function markMatches(text: string, terms: readonly string[]): { text: string; marked: boolean }[] {
  if (terms.length === 0 || text === '') return [{ text, marked: false }]
  // Where lower case has another length, places would not fit; such letters are few.
  const lower = text.toLowerCase()
  if (lower.length !== text.length) return [{ text, marked: false }]
  const parts: { text: string; marked: boolean }[] = []
  let at = 0
  while (at < text.length) {
    let next = -1
    let length = 0
    for (const term of terms) {
      const found = lower.indexOf(term, at)
      if (found >= 0 && (next < 0 || found < next || (found === next && term.length > length))) {
        next = found
        length = term.length
      }
    }
    if (next < 0) break
    if (next > at) parts.push({ text: text.slice(at, next), marked: false })
    parts.push({ text: text.slice(next, next + length), marked: true })
    at = next + length
  }
  if (at < text.length) parts.push({ text: text.slice(at), marked: false })
  return parts
}
