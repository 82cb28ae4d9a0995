/** Patterns with `*` for any text, none included. */

/** Makes the test whether a whole text fits a pattern. Costs one search for each part, whatever the text. */
export function createGlob(pattern: string): (text: string) => boolean {
  const [first = '', ...parts] = pattern.split('*')
  const last = parts.pop()
  if (last === undefined) return (text) => text === first
  return (text) => {
    if (!text.startsWith(first)) return false
    let at = first.length
    for (const part of parts) {
      const found = text.indexOf(part, at)
      if (found === -1) return false
      at = found + part.length
    }
    return at + last.length <= text.length && text.endsWith(last)
  }
}
