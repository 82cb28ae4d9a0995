/** Lets in whom Cloudflare Access has signed in: its token is checked as its documentation says. Needs `jose`. */
import type { Authenticate } from 'edgetail'
import { createRemoteJWKSet, errors, jwtVerify } from 'jose'

/**
 * @param team - such as https://example.cloudflareaccess.com
 * @param audience - the application's audience tag
 */
export function cloudflareAccess(team: string, audience: string): Authenticate {
  const keys = createRemoteJWKSet(new URL('/cdn-cgi/access/certs', team))
  return async (request) => {
    const token = request.headers.get('Cf-Access-Jwt-Assertion')
    if (token === null) return undefined
    try {
      const { payload } = await jwtVerify(token, keys, { issuer: team, audience })
      const { sub = '', exp = 0 } = payload
      return { name: sub, rights: ['read'], expires: exp * 1000 }
    } catch (error) {
      // Not a token of this application, or no longer one. Anything else is a fault, and nobody is let in by it.
      if (error instanceof errors.JOSEError) return undefined
      throw error
    }
  }
}
