/** A Worker that is watched in two ways: by what it prints, through a Tail Worker, and by what it sends during the request. */
import { env, waitUntil } from 'cloudflare:workers'
import { createPushClient } from '../../../src/client/index.ts'

const { EDGETAIL, EDGETAIL_TOKEN } = env as unknown as { EDGETAIL: Fetcher; EDGETAIL_TOKEN: string }

const logger = createPushClient({
  url: 'https://edgetail/monitor',
  token: EDGETAIL_TOKEN,
  fetch: (url, init) => EDGETAIL.fetch(url, init),
  waitUntil,
})

const worker = {
  async fetch(request: Request): Promise<Response> {
    const { pathname } = new URL(request.url)
    if (pathname === '/lines') print()
    if (pathname === '/throw') {
      console.log('before the throw')
      throw new RangeError('too far')
    }
    if (pathname === '/later') waitUntil(Promise.reject(new TypeError('later')))
    if (pathname === '/hang') await new Promise(() => {})
    if (pathname === '/flood') for (let line = 0; line < 400; line++) console.log(`${line} ${'x'.repeat(1000)}`)
    if (pathname === '/slow') {
      for (let step = 1; step <= 3; step++) {
        logger.info(`step ${step}`, { step })
        await new Promise((resolve) => setTimeout(resolve, 1000))
      }
      logger.error('the last step', { orderId: 7, password: 'hunter2' })
      console.log('slow is done')
    }
    return new Response('ok')
  },
}

function print(): void {
  for (let line = 0; line < 30; line++) console.log('line', line, { line })
  console.debug('%s is %d', 'debug', 1)
  console.info('info', ['a', 1, null])
  console.warn('warn')
  console.error('payment failed', new RangeError('too far'))
  console.log({ message: 'structured', level: 'warn', orderId: 7, password: 'hunter2' })
  console.log(JSON.stringify({ level: 50, time: 1767323045678, msg: 'from pino', pid: 7 }))
  console.log('')
  console.log('two\nlines \u001b[31mred\u001b[0m é')
}

export default worker
