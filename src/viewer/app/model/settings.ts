/** What the user chose for this browser. Kept in localStorage; holds nothing of a log. */
import { effect, type Signal, signal } from '@preact/signals'
import type { TimeStyle } from './time.ts'

/** The choices. */
export interface Settings {
  readonly theme: 'system' | 'light' | 'dark'
  readonly time: TimeStyle
  /** Most entries held. */
  readonly hold: number
  /** Repeats on one row. */
  readonly collapse: boolean
  /** The context beside the message. */
  readonly context: boolean
}

/** Choices for {@link Settings.hold}. At about 300 bytes an entry, the largest takes some 150 MB. */
export const HOLDS = [1000, 10_000, 50_000, 100_000, 250_000, 500_000] as const

const KEY = 'edgetail.viewer'

const DEFAULTS: Settings = { theme: 'system', time: 'local', hold: 100_000, collapse: true, context: true }

/** The choices as they are now. */
export const settings: Signal<Settings> = signal(load())

/** Changes some. */
export function choose(change: Partial<Settings>): void {
  settings.value = { ...settings.value, ...change }
}

effect(() => {
  const text = JSON.stringify(settings.value)
  try {
    localStorage.setItem(KEY, text)
  } catch {
    // Storage that is full or forbidden: the choice lasts as long as the page.
  }
})

effect(() => {
  const { theme } = settings.value
  document.documentElement.dataset.theme = theme
})

/** What was kept, as far as it is of use. */
function load(): Settings {
  try {
    const kept = JSON.parse(localStorage.getItem(KEY) ?? '{}') as Partial<Record<keyof Settings, unknown>>
    return {
      theme: oneOf(kept.theme, ['system', 'light', 'dark'], DEFAULTS.theme),
      time: oneOf(kept.time, ['local', 'utc', 'relative'], DEFAULTS.time),
      hold: oneOf(kept.hold, HOLDS, DEFAULTS.hold),
      collapse: kept.collapse !== false,
      context: kept.context !== false,
    }
  } catch {
    return DEFAULTS
  }
}

function oneOf<Value>(value: unknown, values: readonly Value[], otherwise: Value): Value {
  return values.find((known) => known === value) ?? otherwise
}
