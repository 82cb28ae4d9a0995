/**
 * What @hono/node-server passes as `env`, as far as it is used here. Typed by its structure, so that the core needs nothing of
 * Node; elsewhere all of it is absent.
 */
import type { Context } from 'hono'

interface NodeBindings {
  readonly incoming?: {
    readonly httpVersionMajor?: number
    readonly socket?: { readonly remoteAddress?: string | undefined }
  }
  readonly outgoing?: { destroy?(): void }
}

function bindings(c: Context): NodeBindings {
  return (c.env as NodeBindings | undefined) ?? {}
}

/** Whether the request came by HTTP/2 or later, where a response must not speak of its connection. */
export function isHttp2(c: Context): boolean {
  return (bindings(c).incoming?.httpVersionMajor ?? 1) >= 2
}

/** The address of the other end of the socket. */
export function socketAddress(c: Context): string | undefined {
  return bindings(c).incoming?.socket?.remoteAddress
}

/** Cuts the connection of a response. */
export function destroySocket(c: Context): void {
  bindings(c).outgoing?.destroy?.()
}
