/**
 * ANSI colour codes (SGR, ECMA-48 8.3.117) to styled runs of text. Every other control code is taken out or made visible: an
 * entry cannot do more to the page than colour its words.
 */

/** How a run looks. Colours are 0 to 15 of the palette, or CSS `rgb()`. */
export interface AnsiStyle {
  readonly color?: number | string
  readonly background?: number | string
  readonly bold?: boolean
  readonly dim?: boolean
  readonly italic?: boolean
  readonly underline?: boolean
  readonly strike?: boolean
}

/** Text that looks alike. */
export interface AnsiRun {
  readonly text: string
  readonly style: AnsiStyle | undefined
}

/** SGR and every other escape sequence, then the control characters that are left. */
const ESCAPE =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: that is what it looks for
  /\x1b(?:\[([0-9;:]*)([ -/]*[@-~])|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[@-Z\\^_]|\([A-Z0-9])|[\x00-\x08\x0b-\x1f\x7f]/g

// biome-ignore lint/suspicious/noControlCharactersInRegex: that is what it looks for
const CONTROL = /[\x00-\x08\x0b-\x1f\x7f]/

/** The text with its control codes taken out or made visible. */
export function plainText(text: string): string {
  return parseAnsi(text)
    .map(({ text }) => text)
    .join('')
}

/** Takes a text apart. */
export function parseAnsi(text: string): AnsiRun[] {
  // Most texts have no code at all.
  if (!CONTROL.test(text)) return [{ text, style: undefined }]
  const runs: AnsiRun[] = []
  let style: AnsiStyle | undefined
  let at = 0
  const push = (piece: string): void => {
    if (piece === '') return
    const last = runs.at(-1)
    if (last !== undefined && last.style === style) runs[runs.length - 1] = { text: last.text + piece, style }
    else runs.push({ text: piece, style })
  }
  for (const match of text.matchAll(ESCAPE)) {
    push(text.slice(at, match.index))
    at = match.index + match[0].length
    if (match[2] === 'm') style = applySgr(style ?? {}, match[1] ?? '')
    else if (match[0].length === 1 && match[0] !== '\r') push(picture(match[0]))
  }
  push(text.slice(at))
  return runs
}

/** The picture that Unicode has for a control character. */
function picture(control: string): string {
  const code = control.charCodeAt(0)
  return String.fromCharCode(code === 0x7f ? 0x2421 : 0x2400 + code)
}

function applySgr(before: AnsiStyle, parameters: string): AnsiStyle | undefined {
  const codes = parameters.split(/[;:]/).map(Number)
  let style: { -readonly [Key in keyof AnsiStyle]: AnsiStyle[Key] } = { ...before }
  for (let at = 0; at < codes.length; at++) {
    const code = codes[at] as number
    if (code === 0) style = {}
    else if (code === 1) style.bold = true
    else if (code === 2) style.dim = true
    else if (code === 3) style.italic = true
    else if (code === 4) style.underline = true
    else if (code === 9) style.strike = true
    else if (code === 22) {
      delete style.bold
      delete style.dim
    } else if (code === 23) delete style.italic
    else if (code === 24) delete style.underline
    else if (code === 29) delete style.strike
    else if (code === 7) {
      const { color, background } = style
      style.color = background ?? 0
      style.background = color ?? 7
    } else if (code >= 30 && code <= 37) style.color = code - 30
    else if (code >= 90 && code <= 97) style.color = code - 82
    else if (code >= 40 && code <= 47) style.background = code - 40
    else if (code >= 100 && code <= 107) style.background = code - 92
    else if (code === 39) delete style.color
    else if (code === 49) delete style.background
    else if (code === 38 || code === 48) {
      const [color, used] = extended(codes.slice(at + 1))
      if (color !== undefined) style[code === 38 ? 'color' : 'background'] = color
      at += used
    }
  }
  return Object.keys(style).length > 0 ? style : undefined
}

/** `5;n` of 256 colours, or `2;r;g;b`. Returns the colour and how many codes it took. */
function extended([kind, ...rest]: number[]): [number | string | undefined, number] {
  if (kind === 5) {
    const n = Math.min(255, rest[0] ?? 0)
    if (n < 16) return [n, 2]
    if (n >= 232) {
      const grey = 8 + (n - 232) * 10
      return [`rgb(${grey} ${grey} ${grey})`, 2]
    }
    const [r, g, b] = [Math.floor((n - 16) / 36), Math.floor((n - 16) / 6) % 6, (n - 16) % 6].map((step) =>
      step === 0 ? 0 : 55 + step * 40,
    )
    return [`rgb(${r} ${g} ${b})`, 2]
  }
  if (kind === 2) {
    const [r = 0, g = 0, b = 0] = rest.map((part) => Math.min(255, part || 0))
    return [`rgb(${r} ${g} ${b})`, 4]
  }
  return [undefined, 1]
}
