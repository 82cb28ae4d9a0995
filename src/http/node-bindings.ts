/**
 * What @hono/node-server passes as `env`, as far as it is used here. Typed by its structure, so that the core needs nothing of
 * Node; elsewhere all of it is absent.
 */
import type { Context } from 'hono'

interface NodeBindings {
  readonly incoming?: {
    readonly httpVersion?: string
    readonly socket?: { readonly remoteAddress?: string | undefined }
  }
  readonly outgoing?: { destroy?(): void }
}

function bindings(c: Context): NodeBindings {
  return (c.env as NodeBindings | undefined) ?? {}
}

/**
 * Whether the request came by HTTP/1.1, as far as is known. By HTTP/1.0 a response has no chunks (RFC 9112, section 6.1), and by
 * HTTP/2 it does not speak of its connection (RFC 9113, section 8.2.2).
 */
export function isHttp11(c: Context): boolean {
  return (bindings(c).incoming?.httpVersion ?? '1.1') === '1.1'
}

/** The address of the other end of the socket. */
export function socketAddress(c: Context): string | undefined {
  return bindings(c).incoming?.socket?.remoteAddress
}

/** Cuts the connection of a response. */
export function destroySocket(c: Context): void {
  bindings(c).outgoing?.destroy?.()
}
