/** Debian's Chromium. */
import { existsSync } from 'node:fs'
import { type Browser, chromium } from 'playwright-core'

const PATH = process.env.CHROMIUM_PATH ?? '/usr/bin/chromium'

/** Why browser tests cannot run here; undefined when they can. In CI a missing browser fails instead. */
export const NO_BROWSER: string | undefined =
  existsSync(PATH) || process.env.CI ? undefined : `skipped: no Chromium at ${PATH} (set CHROMIUM_PATH)`

/** Starts it without anything that would call home. */
export function launchBrowser(): Promise<Browser> {
  return chromium.launch({
    executablePath: PATH,
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  })
}
