/** The push client in a page that goes away. The page is played by what is put into the global scope. */
import { afterEach, expect, it, vi } from 'vitest'
import { createPushClient } from '../../src/client/push.ts'

afterEach(() => void vi.unstubAllGlobals())

it('sends what waits in a way that outlives the page, within 64 KiB, and does not double it if the page comes back', async () => {
  const page = new EventTarget()
  vi.stubGlobal('document', {})
  vi.stubGlobal('addEventListener', page.addEventListener.bind(page))
  vi.stubGlobal('removeEventListener', page.removeEventListener.bind(page))
  const sent: { key: string | null; body: string; keepalive: boolean | undefined }[] = []
  let hangs = true
  const client = createPushClient({
    url: 'http://receiver.test/monitor',
    flushMs: 20,
    gzip: false,
    fetch: async (_url, { headers, body, keepalive }) => {
      sent.push({ key: new Headers(headers).get('Idempotency-Key'), body: String(body), keepalive })
      // The page is gone before the answer comes.
      if (hangs) await new Promise((resolve) => setTimeout(resolve, 100))
      if (hangs) throw new TypeError('The page was left.')
      return Response.json({ accepted: 1, rejected: [] }, { status: 202 })
    },
    onError: () => {},
  })
  client.info('under way')
  await vi.waitFor(() => expect(sent).toHaveLength(1))
  for (let n = 0; n < 1000; n++) client.info(`waits ${n} €€€`)
  page.dispatchEvent(new Event('pagehide'))
  const last = sent.slice(1)
  expect(last.map(({ keepalive }) => keepalive)).toEqual([true, true])
  expect(last[0]?.key).toBe(sent[0]?.key)
  expect(last[1]?.body).toContain('waits 0 ')
  expect(last.reduce((sum, { body }) => sum + new TextEncoder().encode(body).length, 0)).toBeLessThan(64 * 1024)

  await new Promise((resolve) => setTimeout(resolve, 150))
  hangs = false
  await client.close()
  expect(client.stats()).toMatchObject({ pending: 0, delivered: 1001 })
  const bodies = new Map(sent.map(({ key, body }) => [key, body]))
  expect([...bodies.values()].join('').trimEnd().split('\n')).toHaveLength(1001)
  page.dispatchEvent(new Event('pagehide'))
})
