/** The page's icons: strokes in the colour of the text beside them. */
import type { JSX } from 'preact'

const PATHS = {
  pause: 'M5.5 3.5v9M10.5 3.5v9',
  play: 'M5 3.2v9.6l7.5-4.8z',
  download: 'M8 2.5v7.5M4.8 7 8 10.2 11.2 7M3 13.2h10',
  settings: 'M2.5 5h6M11.5 5h2M2.5 11h2M7.5 11h6M10 3.2v3.6M6 9.2v3.6',
  help: 'M6 6.2c.1-2.6 4.2-2.5 4 .1-.1 1.5-2 1.6-2 3.2M8 12.3v.2',
  exit: 'M6.5 2.8H3.2v10.4h3.3M7 8h6.2M10.8 5.4 13.4 8l-2.6 2.6',
  search: 'M7 11.5a4.5 4.5 0 1 0 0-9 4.5 4.5 0 0 0 0 9zM10.4 10.4l3.1 3.1',
  close: 'M4 4l8 8M12 4l-8 8',
  copy: 'M6 6h7v7H6zM3 10V3h7',
  link: 'M6.8 9.2l2.4-2.4M7.5 4.8l1.2-1.2a2.6 2.6 0 0 1 3.7 3.7l-1.2 1.2M8.5 11.2l-1.2 1.2a2.6 2.6 0 0 1-3.7-3.7l1.2-1.2',
  around: 'M2.5 8h11M4.5 4.2h7M4.5 11.8h7',
  plus: 'M8 4v8M4 8h8',
  minus: 'M4 8h8',
  up: 'M4 10l4-4 4 4',
  down: 'M4 6l4 4 4-4',
  warn: 'M8 2.8 14 13H2zM8 6.8v2.8M8 11.3v.2',
} as const

/** One icon. It says nothing to a screen reader: its button has a name. */
export function Icon({ name }: { name: keyof typeof PATHS }): JSX.Element {
  return (
    <svg class="icon" viewBox="0 0 16 16" aria-hidden="true">
      <path d={PATHS[name]} />
    </svg>
  )
}

/** The mark: lines as they come. */
export function Mark(): JSX.Element {
  return (
    <svg class="mark" viewBox="0 0 32 32" aria-hidden="true">
      <rect width="32" height="32" rx="8" />
      <path d="M8 10h9M8 16h16M8 22h12" />
    </svg>
  )
}
