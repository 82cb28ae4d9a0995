#!/usr/bin/env node
import { readFileSync } from 'node:fs'
import { MonitorError } from '../errors.ts'
import { HELP, readArguments } from './args.ts'
import { logs } from './logs.ts'
import { serve } from './serve.ts'
import { tail } from './tail.ts'

// Whoever read its words has gone (`2>&1 | head`): that is no reason to crash.
process.stderr.on('error', () => {})

try {
  const args = readArguments(process.argv.slice(2))
  if (args.command === 'help') process.stdout.write(HELP)
  else if (args.command === 'version') process.stdout.write(`${version()}\n`)
  else if (args.command === 'serve') await serve(args)
  else process.exit(await (args.command === 'tail' ? tail(args) : logs(args)))
} catch (error) {
  process.stderr.write(`edgetail: ${sentence(error)}\n`)
  process.exit(1)
}

function version(): string {
  const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
    version: string
  }
  return version
}

/** What `listen` fails with. */
type ListenError = NodeJS.ErrnoException & { address?: string; hostname?: string; port?: number }

function sentence(error: unknown): string {
  if (error instanceof MonitorError) return error.message
  const { code, address, hostname, port, message } = error as ListenError
  if (code === 'EADDRINUSE') return `${address}:${port} is in use. Choose another port with PORT or --port.`
  if (code === 'EACCES') return `${address}:${port} needs more rights. Choose a port from 1024 with PORT or --port.`
  if (code === 'EADDRNOTAVAIL' || code === 'ENOTFOUND')
    return `HOST ${address ?? hostname ?? ''} is no address of this machine.`
  return message
}
