/** The push client in a Worker: what is logged during a request is delivered after its answer. */
import { createExecutionContext, waitOnExecutionContext } from 'cloudflare:test'
import { exports } from 'cloudflare:workers'
import { expect, it } from 'vitest'
import { captureConsole } from '../../src/capture.ts'
import { createPushClient } from '../../src/client/push.ts'

const monitor = (exports as { default: Fetcher }).default

const stored = async (): Promise<{ message: string; context: Record<string, unknown> }[]> => {
  const response = await monitor.fetch('http://localhost/monitor/logs', {
    headers: { Authorization: 'Bearer test-token' },
  })
  return ((await response.json()) as { entries: { message: string; context: Record<string, unknown> }[] }).entries
}

it('sends through a service binding, for as long as waitUntil keeps the Worker alive', async () => {
  const context = createExecutionContext()
  const waited: Promise<unknown>[] = []
  const client = createPushClient({
    url: 'http://localhost/monitor',
    token: 'write-token',
    fetch: (url, init) => monitor.fetch(url, init as never) as never,
    waitUntil: (promise) => {
      waited.push(promise)
      context.waitUntil(promise)
    },
  })
  for (let n = 0; n < 20; n++) client.info(`m${n}`, { n })
  const restore = captureConsole(client)
  console.warn('printed by the Worker', { n: 20 })
  restore()
  // One for what is logged without a break, not one for each entry.
  expect(waited).toHaveLength(1)
  await Promise.resolve()
  client.info('after a break')
  expect(waited).toHaveLength(2)
  await waitOnExecutionContext(context)
  expect(client.stats()).toEqual({ pending: 0, delivered: 22, dropped: 0, refused: 0 })
  expect((await stored()).map(({ message }) => message)).toEqual([
    ...Array.from({ length: 20 }, (_, n) => `m${n}`),
    'printed by the Worker { n: 20 }',
    'after a break',
  ])
})
