/** Title and icon say what came while nobody looked. */
import { effect } from '@preact/signals'
import { status, unseen } from './state.ts'
import { DEFAULT_STREAM, stream } from './streams.ts'
import { formatCount } from './time.ts'

/** Keeps both up. */
export function showInTitle(): void {
  effect(() => {
    const { entries, errors } = unseen.value
    const isDown = status.value.state === 'waiting' || status.value.state === 'refused'
    const mark = errors > 0 ? `(${formatCount(errors)}!) ` : entries > 0 ? '• ' : ''
    const name = stream.value === DEFAULT_STREAM ? '' : `${stream.value} · `
    document.title = `${mark}${isDown ? '✕ ' : ''}${name}edgetail`
    const link = document.querySelector<HTMLLinkElement>('link[rel=icon]')
    if (link !== null) link.href = icon(errors > 0 ? '#e5484d' : entries > 0 ? '#5b8def' : undefined, isDown)
  })
}

/** The mark, with a dot for what is new, grey when the server is away. */
function icon(dot: string | undefined, isDown: boolean): string {
  const [back, front] = isDown ? ['#6b7280', '#e5e7eb'] : ['#171c26', '#5ee0b5']
  const bars = `<path d="M8 10h9M8 16h16M8 22h12" stroke="${front}" stroke-width="3.4" stroke-linecap="round"/>`
  const badge = dot === undefined ? '' : `<circle cx="25" cy="7" r="7" fill="${dot}"/>`
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><rect width="32" height="32" rx="8" fill="${back}"/>${bars}${badge}</svg>`
  return `data:image/svg+xml,${encodeURIComponent(svg)}`
}
