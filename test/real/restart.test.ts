/** workerd, stopped and started again on the same folder. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { openStream } from '../support/sse-reader.ts'
import { startWranglerDev, type WranglerDev } from '../support/wrangler-dev.ts'

const headers = { Authorization: 'Bearer secret', 'Content-Type': 'application/json' }

it('keeps entries and ids through a restart of workerd, and a watcher resumes without a gap', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'edgetail-'))
  let worker: WranglerDev | undefined
  onTestFinished(async () => {
    await worker?.stop()
    await rm(folder, { recursive: true })
  })
  const start = async (): Promise<void> => {
    worker = await startWranglerDev({ EDGETAIL_TOKEN: 'secret' }, folder)
  }
  const call = (path: string, init: RequestInit = {}): Promise<Response> =>
    fetch(`${worker?.origin}/monitor${path}`, { ...init, headers: { ...headers, ...init.headers } })
  const send = (message: string): Promise<Response> =>
    call('/logs', { method: 'POST', body: JSON.stringify({ message }) })

  await start()
  for (const message of ['one', 'two', 'three']) expect((await send(message)).status).toBe(202)
  const before = (await (await call('/logs')).json()) as { entries: { id: string; message: string }[] }
  await worker?.stop()

  await start()
  const after = (await (await call('/logs')).json()) as typeof before
  expect(after).toEqual(before)
  await send('four')
  const reader = await openStream((path, init) => call(path, init), '/stream', {
    headers: { 'Last-Event-ID': before.entries[0]?.id as string },
  })
  await reader.until(() => reader.logs().length === 3)
  expect(reader.events.map(({ event }) => event)).toEqual(['ready', 'log', 'log', 'log'])
  expect(reader.logs().map(({ message }) => message)).toEqual(['two', 'three', 'four'])
  expect(reader.events.at(-1)?.id).toBe(before.entries[2]?.id.replace(/3$/, '4'))
  await reader.close()
})
