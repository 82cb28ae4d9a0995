/**
 * Text of strangers for a terminal. Whoever can log can put control codes into an entry: they move the cursor, rewrite lines
 * above, set the title, fill the clipboard (OSC 52) or hide links (OSC 8). None of them gets through; each is shown instead.
 */

const ESC = '\u001b'

/** Ends all colours. */
const RESET = `${ESC}[0m`

/** What a terminal or its text layout acts on: C0 and C1 controls, DEL, line separators, and what turns the reading direction. */
const CONTROLS = /(?![\n\t])[\p{Cc}\p{Bidi_Control}\u2028\u2029]/gu

/** A colour sequence (SGR, ECMA-48 8.3.117), of no more parameters than anyone needs. */
const COLOURS = new RegExp(`${ESC}\\[([\\d;:]{0,48})m`, 'g')

/** Text in a colour. @param codes - of SGR, such as `31` */
export function paint(codes: string, text: string): string {
  return `${ESC}[${codes}m${text}${RESET}`
}

/**
 * Makes text harmless. Line breaks and tabs stay; CR before a line break goes.
 *
 * @param colour - keeps colours; false takes them out. Each line that has some ends with a reset
 */
export function harmless(text: string, colour: boolean): string {
  // The usual text has none.
  if (text.search(CONTROLS) === -1) return text
  return text
    .split(/\r?\n/)
    .map((line) => (line.includes(ESC) ? harmlessColours(line, colour) : showControls(line)))
    .join('\n')
}

/** Like {@link harmless}, on one line and without colours: for what stands within a line of ours. */
export function harmlessLine(text: string): string {
  return harmless(text, false).replaceAll('\n', '␊')
}

/** Escapes within JSON text what {@link harmless} shows: C1 controls and the like are not escaped by `JSON.stringify`. */
export function harmlessJson(json: string): string {
  return json.search(CONTROLS) === -1 ? json : json.replace(CONTROLS, toEscape)
}

function harmlessColours(line: string, colour: boolean): string {
  let safe = ''
  let end = 0
  for (const match of line.matchAll(COLOURS)) {
    const [sequence, parameters = ''] = match
    if (hides(parameters)) continue
    safe += showControls(line.slice(end, match.index)) + (colour ? sequence : '')
    end = match.index + sequence.length
  }
  const isColoured = colour && end > 0
  return safe + showControls(line.slice(end)) + (isColoured ? RESET : '')
}

/** Whether a colour sequence blinks or conceals (5, 6, 8), rather than having such a number within a colour. */
function hides(parameters: string): boolean {
  const codes = parameters.split(/[;:]/).map(Number)
  for (let index = 0; index < codes.length; index++) {
    const code = codes[index] as number
    if (code === 5 || code === 6 || code === 8) return true
    // 38;5;n and 38;2;r;g;b, also for the background and the underline.
    if (code === 38 || code === 48 || code === 58) index += codes[index + 1] === 5 ? 2 : 4
  }
  return false
}

function showControls(text: string): string {
  return text.replace(CONTROLS, (control) => {
    const code = control.charCodeAt(0)
    // Unicode has a picture of each of the old ones.
    if (code < 0x20) return String.fromCharCode(0x2400 + code)
    return code === 0x7f ? '␡' : toEscape(control)
  })
}

function toEscape(control: string): string {
  return `\\u${control.charCodeAt(0).toString(16).padStart(4, '0')}`
}
