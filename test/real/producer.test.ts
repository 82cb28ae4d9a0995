/** A real workerd that logs to a real server: many requests share a client, and each may end before its entries are sent. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, it, onTestFinished } from 'vitest'
import { TOO_LONG } from '../support/long.ts'
import { recordingReceiver, TOKEN } from '../support/recording-receiver.ts'
import { startWranglerDev } from '../support/wrangler-dev.ts'

it.skipIf(TOO_LONG)('delivers what requests log, also while the receiver is away, each entry once', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'edgetail-'))
  const receiver = await recordingReceiver()
  await receiver.start()
  const worker = await startWranglerDev(
    { RECEIVER: receiver.url, EDGETAIL_TOKEN: TOKEN },
    folder,
    'test/workers/producer.toml',
  )
  onTestFinished(async () => {
    await worker.stop()
    await rm(folder, { recursive: true })
  })
  const request = async (n: number): Promise<void> => {
    expect(await (await fetch(`${worker.origin}/?n=${n}`)).text()).toBe('ok')
  }
  const messages = (): string[] => receiver.entries().map(({ message }) => message)
  /** What is asked for so far; the readiness probe of `startWranglerDev` logs 0 too. */
  const isComplete = (count: number): boolean =>
    Array.from({ length: count }, (_, index) => index + 1).every(
      (n) => messages().includes(`a${n}`) && messages().includes(`b${n}`),
    )

  await Promise.all(Array.from({ length: 30 }, (_, index) => request(index + 1)))
  await expect.poll(() => isComplete(30), { timeout: 5000 }).toBe(true)
  expect(messages()[0]).toBe('top')

  await receiver.kill()
  for (let n = 31; n <= 40; n++) await request(n)
  await sleep(3000)
  await receiver.start()
  // Nobody asks for anything any more: it is waitUntil that keeps the entries on their way.
  await expect.poll(() => isComplete(40), { timeout: 20_000 }).toBe(true)

  const own = messages().filter((message) => !/^[ab]0$/.test(message))
  expect(new Set(own).size).toBe(own.length)
  for (let n = 1; n <= 40; n++) expect(own.indexOf(`a${n}`)).toBeLessThan(own.indexOf(`b${n}`))
  expect(await (await fetch(`${worker.origin}/stats`)).json()).toMatchObject({ pending: 0, dropped: 0, refused: 0 })
  expect(worker.output()).not.toMatch(/hung|different request|never resolve/i)
})
