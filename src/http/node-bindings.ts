/**
 * What @hono/node-server passes as `env`, as far as it is used here. Typed by its structure, so that the core needs nothing of
 * Node; elsewhere all of it is absent.
 */
import type { Context } from 'hono'

interface NodeBindings {
  readonly incoming?: {
    readonly httpVersion?: string
    readonly socket?: RequestSocket
  }
  readonly outgoing?: Connection
}

/** The socket that a request came by. */
export interface RequestSocket {
  readonly remoteAddress?: string | undefined
  once?(event: 'close', listener: () => void): unknown
}

/** The connection of a response. */
export interface Connection {
  /** Cuts it. */
  destroy?(): void
  on?(event: 'close', listener: () => void): unknown
  /** Ends the response. */
  end?(): unknown
  readonly headersSent?: boolean
  /** Whether its headers say `Transfer-Encoding: chunked`. Node's own name, which it does not document. */
  readonly chunkedEncoding?: boolean
  /** Null while an earlier response of a pipelined connection is not done. */
  readonly socket?: ChunkSocket | null
}

/** The socket of a response. */
export interface ChunkSocket {
  /** Holds back what is written until {@link uncork}. */
  cork(): void
  uncork(): void
  /** Whether it wants more; otherwise `drain` tells when it does. */
  write(bytes: Uint8Array): boolean
  once(event: 'drain', listener: () => void): unknown
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

/** The socket that the request came by. */
export function requestSocket(c: Context): RequestSocket | undefined {
  return bindings(c).incoming?.socket
}

/** The connection that the response is written to. */
export function connectionOf(c: Context): Connection | undefined {
  return bindings(c).outgoing
}
