/** Help and settings, as native dialogs: they keep the focus inside and close with Esc by themselves. */
import type { ComponentChildren, JSX } from 'preact'
import { useLayoutEffect, useRef } from 'preact/hooks'
import { KEY_HELP } from '../model/keys.ts'
import { FILTER_HELP } from '../model/query.ts'
import { choose, HOLDS, type Settings, settings } from '../model/settings.ts'
import { dialog } from '../model/state.ts'
import { formatCount } from '../model/time.ts'
import { Icon } from './icons.tsx'

/** Opens one. */
export function dialogOf(name: 'help' | 'settings'): void {
  dialog.value = name
}

/** The one that is open. */
export function Dialogs(): JSX.Element | null {
  if (dialog.value === 'help') return <Help />
  return dialog.value === 'settings' ? <SettingsDialog /> : null
}

function Dialog({ title, children }: { title: string; children: ComponentChildren }): JSX.Element {
  const element = useRef<HTMLDialogElement>(null)
  useLayoutEffect(() => element.current?.showModal(), [])
  // At once: browsers fire `close` with a later frame, and what is typed until then would be lost. By then this one may be gone, and another open.
  const close = (): void => {
    if (element.current === null) return
    element.current.close()
    dialog.value = undefined
  }
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: Esc closes a dialog
    <dialog
      ref={element}
      aria-label={title}
      onCancel={close}
      onClose={close}
      onClick={(event) => {
        if (event.target === element.current) close()
      }}
    >
      {/* The dialog as a whole takes the focus at first, not its first button. */}
      <div class="dialog" tabIndex={-1} autofocus>
        <header>
          <h2>{title}</h2>
          <button type="button" class="tool" aria-label="Close" onClick={close}>
            <Icon name="close" />
          </button>
        </header>
        {children}
      </div>
    </dialog>
  )
}

function Help(): JSX.Element {
  return (
    <Dialog title="Keys and filters">
      <div class="key-help">
        {KEY_HELP.map(({ title, keys }) => (
          <section key={title}>
            <h3>{title}</h3>
            <dl>
              {keys.map(({ keys, does }) => (
                <div key={does}>
                  <dt>
                    {keys.map((key) => (
                      <kbd key={key}>{key}</kbd>
                    ))}
                  </dt>
                  <dd>{does}</dd>
                </div>
              ))}
            </dl>
          </section>
        ))}
      </div>
      <section class="filter-help">
        <h3>Filter</h3>
        <dl>
          {FILTER_HELP.map(({ q, finds }) => (
            <div key={q}>
              <dt>
                <code>{q}</code>
              </dt>
              <dd>{finds}</dd>
            </div>
          ))}
        </dl>
      </section>
      <p class="dialog-note">
        In the picture above the list: drag to choose a stretch of time, click a bar to go to its first error.
      </p>
    </Dialog>
  )
}

function SettingsDialog(): JSX.Element {
  const { theme, time, hold, collapse, context } = settings.value
  return (
    <Dialog title="Settings">
      <div class="settings">
        <Choice
          name="theme"
          label="Appearance"
          value={theme}
          options={[
            ['system', 'System'],
            ['light', 'Light'],
            ['dark', 'Dark'],
          ]}
        />
        <Choice
          name="time"
          label="Time"
          value={time}
          options={[
            ['local', 'Local'],
            ['utc', 'UTC'],
            ['relative', 'Relative'],
          ]}
        />
        <label class="setting">
          <span>
            Entries held <small>about {Math.max(1, Math.round((hold * 350) / 1e6))} MB</small>
          </span>
          <select value={String(hold)} onChange={({ currentTarget }) => choose({ hold: Number(currentTarget.value) })}>
            {HOLDS.map((count) => (
              <option key={count} value={String(count)}>
                {formatCount(count)}
              </option>
            ))}
          </select>
        </label>
        <Switch name="collapse" label="Repeats on one row, with their count" isOn={collapse} />
        <Switch name="context" label="Context beside the message" isOn={context} />
      </div>
      <p class="dialog-note">Kept in this browser.</p>
    </Dialog>
  )
}

function Choice<Name extends 'theme' | 'time'>(props: {
  name: Name
  label: string
  value: Settings[Name]
  options: readonly (readonly [Settings[Name], string])[]
}): JSX.Element {
  const { name, label, value, options } = props
  return (
    <fieldset class="setting">
      <legend>{label}</legend>
      <div class="segments">
        {options.map(([option, text]) => (
          <label key={option}>
            <input type="radio" name={name} checked={value === option} onChange={() => choose({ [name]: option })} />
            <span>{text}</span>
          </label>
        ))}
      </div>
    </fieldset>
  )
}

function Switch({ name, label, isOn }: { name: 'collapse' | 'context'; label: string; isOn: boolean }): JSX.Element {
  return (
    <label class="setting">
      <span>{label}</span>
      <input
        type="checkbox"
        class="switch"
        checked={isOn}
        onChange={({ currentTarget }) => choose({ [name]: currentTarget.checked })}
      />
    </label>
  )
}
