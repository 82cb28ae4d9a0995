/** Colour codes and other control sequences of terminals (ECMA-48), which programs print around words. */

const ESCAPE = '\u001b'

/** CSI sequences, such as colours, and OSC ones, such as links. */
const SEQUENCES = new RegExp(
  `${ESCAPE}(?:\\[[0-9:;<=>?]*[ -/]*[@-~]|\\][^\\u0007${ESCAPE}]*(?:\\u0007|${ESCAPE}\\\\))`,
  'g',
)

/** The text as a person reads it. */
export function stripAnsi(text: string): string {
  return text.includes(ESCAPE) ? text.replace(SEQUENCES, '') : text
}
