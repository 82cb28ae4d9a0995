/**
 * What a proxy says of the client it stands for. Anybody can send these headers, so each is believed only when the operator has
 * named it, and Cloudflare's own on Cloudflare.
 */
import type { Context } from 'hono'
import { getRuntimeKey } from 'hono/adapter'
import type { ProxyHeader } from '../settings.ts'
import { requestSocket } from './node-bindings.ts'

/** The client's side of a request. */
export interface ClientView {
  /** The client's address, or one name for all whose address is not known. */
  address(c: Context): string
  /** Scheme, host and port as the client wrote them. */
  origin(c: Context): string
  isHttps(c: Context): boolean
}

/** A view that believes the headers named. */
export function createClientView(trusted: readonly ProxyHeader[]): ClientView {
  const believed = (c: Context, header: ProxyHeader): string | undefined =>
    trusted.includes(header) ? c.req.header(header) : undefined

  function origin(c: Context): string {
    const { protocol, host } = new URL(c.req.url)
    const scheme = believed(c, 'x-forwarded-proto')?.trim().toLowerCase()
    return `${scheme ? `${scheme}:` : protocol}//${believed(c, 'x-forwarded-host')?.trim().toLowerCase() ?? host}`
  }

  return {
    origin,
    isHttps: (c) => origin(c).startsWith('https:'),
    address(c) {
      if (getRuntimeKey() === 'workerd') return c.req.header('cf-connecting-ip') ?? 'unknown'
      // The last one is what the proxy itself saw; those before it are the client's own words.
      const forwarded = believed(c, 'x-forwarded-for')?.split(',').at(-1)?.trim()
      return (
        forwarded ??
        believed(c, 'x-real-ip') ??
        believed(c, 'cf-connecting-ip') ??
        requestSocket(c)?.remoteAddress ??
        'unknown'
      )
    },
  }
}
