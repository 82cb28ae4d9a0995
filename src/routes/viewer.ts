/**
 * The page that people open, and the script of its worker, which has to have an address of its own for all tabs to share it. The
 * page holds no log data and no secret: it asks for the token and then reads the stream. It is the same for everybody, so its
 * policy names its script and its style by their hashes, and browsers may keep it.
 */
import { type Context, type Handler, Hono } from 'hono'
import { getRuntimeKey } from 'hono/adapter'
import { etag } from 'hono/etag'
import { secureHeaders } from 'hono/secure-headers'
import { PAGE, SCRIPT_HASH, STYLE_HASH, WORKER } from '../viewer/page.gen.ts'

/** Whether a host is reached by https only is for its owner to say, not for a page on it. */
const COMMON = { xFrameOptions: 'DENY', strictTransportSecurity: false } as const

/** `GET /` and `GET /viewer.js` */
export function viewerRoute(): Hono {
  const route = new Hono()
  route.get(
    '/',
    secureHeaders({
      ...COMMON,
      contentSecurityPolicy: {
        defaultSrc: ["'none'"],
        scriptSrc: [`'sha256-${SCRIPT_HASH}'`],
        styleSrc: [`'sha256-${STYLE_HASH}'`],
        workerSrc: ["'self'"],
        connectSrc: ["'self'"],
        imgSrc: ['data:'],
        baseUri: ["'none'"],
        formAction: ["'none'"],
        frameAncestors: ["'none'"],
      },
    }),
    etag({ weak: true }),
    fixed(PAGE, 'text/html; charset=UTF-8'),
  )
  route.get(
    '/viewer.js',
    secureHeaders({ ...COMMON, contentSecurityPolicy: { defaultSrc: ["'none'"], connectSrc: ["'self'"] } }),
    etag({ weak: true }),
    fixed(WORKER, 'text/javascript; charset=UTF-8'),
  )
  return route
}

/** Answers with a text that never changes. It is compressed once; Cloudflare compresses by itself. */
function fixed(text: string, type: string): Handler {
  let zipped: Promise<ArrayBuffer> | undefined
  return async (c) => {
    c.header('Content-Type', type)
    // Asked for again each time, and answered with 304 where it is still the same.
    c.header('Cache-Control', 'no-cache')
    c.header('Vary', 'Accept-Encoding')
    if (getRuntimeKey() === 'workerd' || !takesGzip(c)) return c.body(text)
    zipped ??= gzip(text)
    c.header('Content-Encoding', 'gzip')
    return c.body(await zipped)
  }
}

function takesGzip(c: Context): boolean {
  return /\bgzip\b(?!\s*;\s*q=0(?:\.0*)?\s*(?:,|$))/i.test(c.req.header('Accept-Encoding') ?? '')
}

function gzip(text: string): Promise<ArrayBuffer> {
  return new Response(new Blob([text]).stream().pipeThrough(new CompressionStream('gzip'))).arrayBuffer()
}
