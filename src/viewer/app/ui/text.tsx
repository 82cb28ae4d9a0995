/** Text of an entry: ANSI colours shown, matches marked. Everything is a text node; nothing of an entry is ever HTML. */
import type { CSSProperties, JSX } from 'preact'
import { type AnsiStyle, parseAnsi } from '../model/ansi.ts'
import { markMatches } from '../model/query.ts'

/** A text with its colours and its matches. */
export function Text({ text, terms }: { text: string; terms: readonly string[] }): JSX.Element {
  return (
    <>
      {parseAnsi(text).map(({ text: run, style }) =>
        style === undefined ? (
          <Marked text={run} terms={terms} />
        ) : (
          <span class={classesOf(style)} style={colorsOf(style)}>
            <Marked text={run} terms={terms} />
          </span>
        ),
      )}
    </>
  )
}

/** A text with its matches. */
export function Marked({ text, terms }: { text: string; terms: readonly string[] }): JSX.Element {
  if (terms.length === 0) return <>{text}</>
  return <>{markMatches(text, terms).map(({ text: part, marked }) => (marked ? <mark>{part}</mark> : part))}</>
}

function classesOf({ color, background, bold, dim, italic, underline, strike }: AnsiStyle): string {
  const classes = []
  if (typeof color === 'number') classes.push(`fg${color}`)
  if (typeof background === 'number') classes.push(`bg${background}`)
  if (bold) classes.push('bold')
  if (dim) classes.push('dim')
  if (italic) classes.push('italic')
  if (underline) classes.push('underline')
  if (strike) classes.push('strike')
  return classes.join(' ')
}

/** Colours beyond the sixteen. Set by the style object, which the policy allows; an attribute it would not. */
function colorsOf({ color, background }: AnsiStyle): CSSProperties {
  return {
    ...(typeof color === 'string' && { color }),
    ...(typeof background === 'string' && { backgroundColor: background }),
  }
}
