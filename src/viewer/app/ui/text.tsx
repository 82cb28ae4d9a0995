/** Text of an entry: ANSI colours shown, matches marked. Everything is a text node; nothing of an entry is ever HTML. */
import type { ComponentChildren, CSSProperties, JSX } from 'preact'
import { type AnsiStyle, parseAnsi } from '../model/ansi.ts'
import { type Highlighter, markMatches, type TextPart } from '../model/query.ts'

/** A text with its colours and its matches. */
export function Text({ text, highlighter }: { text: string; highlighter: Highlighter }): JSX.Element {
  const runs = parseAnsi(text)
  // In the whole text: a match may begin in one colour and end in another.
  const ranges = highlighter(runs.map((run) => run.text).join(''))
  let end = 0
  return (
    <>
      {runs.map(({ text: run, style }) => {
        const parts = drawn(markMatches(run, ranges, end))
        end += run.length
        if (style === undefined) return parts
        return (
          <span class={classesOf(style)} style={colorsOf(style)}>
            {parts}
          </span>
        )
      })}
    </>
  )
}

/** A text with its matches. */
export function Marked({ text, highlighter }: { text: string; highlighter: Highlighter }): JSX.Element {
  return <>{drawn(markMatches(text, highlighter(text)))}</>
}

function drawn(parts: readonly TextPart[]): ComponentChildren {
  return parts.map(({ text, marked }) => (marked ? <mark>{text}</mark> : text))
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
