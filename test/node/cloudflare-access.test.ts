/** The worked example, against keys of our own. */
import { once } from 'node:events'
import { createServer } from 'node:http'
import { exportJWK, generateKeyPair, SignJWT } from 'jose'
import { expect, it, onTestFinished } from 'vitest'
import { cloudflareAccess } from '../../examples/cloudflare-access.ts'
import { createMonitor } from '../../src/monitor.ts'
import { memorySource } from '../../src/sources/memory.ts'

it('lets in whom Cloudflare Access has signed in, to read, and nobody else', async () => {
  const { publicKey, privateKey } = await generateKeyPair('RS256')
  const jwk = { ...(await exportJWK(publicKey)), kid: 'key', alg: 'RS256' }
  const server = createServer((_, response) => {
    response.setHeader('Content-Type', 'application/json').end(JSON.stringify({ keys: [jwk] }))
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => void server.close())
  const team = `http://127.0.0.1:${(server.address() as { port: number }).port}`

  const { routes } = createMonitor({ source: memorySource(), authenticate: cloudflareAccess(team, 'our application') })
  const sign = (audience: string, expires: string): Promise<string> =>
    new SignJWT({ sub: 'ann' })
      .setProtectedHeader({ alg: 'RS256', kid: 'key' })
      .setIssuer(team)
      .setAudience(audience)
      .setExpirationTime(expires)
      .sign(privateKey)
  const read = async (token: string): Promise<number> =>
    (await routes.request('/logs', { headers: { 'Cf-Access-Jwt-Assertion': token } })).status

  expect(await read(await sign('our application', '1h'))).toBe(200)
  expect(await read(await sign('another application', '1h'))).toBe(401)
  expect(await read(await sign('our application', '-1h'))).toBe(401)
  expect(await read('no token')).toBe(401)
  const headers = { 'Cf-Access-Jwt-Assertion': await sign('our application', '1h'), 'Content-Type': 'application/json' }
  const write = { method: 'POST', body: '{}', headers: { ...headers, 'Sec-Fetch-Site': 'same-origin' } }
  expect((await routes.request('/logs', write)).status).toBe(403)
})
