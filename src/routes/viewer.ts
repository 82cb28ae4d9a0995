/** The page that people open. It holds no log data and no secret: it asks for the token and then reads the stream. */
import { Hono } from 'hono'
import { NONCE, secureHeaders } from 'hono/secure-headers'
import { renderPage } from '../viewer/page.ts'

/** `GET /` */
export function viewerRoute(): Hono {
  const route = new Hono()
  route.get(
    '/',
    secureHeaders({
      contentSecurityPolicy: {
        defaultSrc: ["'none'"],
        scriptSrc: [NONCE],
        styleSrc: [NONCE],
        connectSrc: ["'self'"],
        imgSrc: ['data:'],
        baseUri: ["'none'"],
        formAction: ["'none'"],
        frameAncestors: ["'none'"],
      },
      xFrameOptions: 'DENY',
      // Whether a host is reached by https only is for its owner to say, not for a page on it.
      strictTransportSecurity: false,
    }),
    (c) => c.html(renderPage(c.get('secureHeadersNonce') ?? '')),
  )
  return route
}
