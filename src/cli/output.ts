/** Standard output at the pace of whoever reads it. */
import type { Writable } from 'node:stream'
import { MonitorError } from '../errors.ts'

/** Where lines go. */
export interface Output {
  /** Resolves when the lines have left. Rejects when they cannot be written. */
  write(text: string): Promise<void>
  /** Bytes so far. */
  readonly bytes: number
}

/**
 * Makes an output.
 *
 * @param onClosed - called when the reader has gone, as `head` does once it has enough; what comes later is passed over
 */
export function createOutput(stream: Writable, onClosed: () => void): Output {
  let bytes = 0
  let isClosed = false
  // Each write is told of its own failure.
  stream.on('error', () => {})
  return {
    write(text) {
      if (text === '' || isClosed) return Promise.resolve()
      const data = Buffer.from(text)
      bytes += data.length
      return new Promise((resolve, reject) => {
        stream.write(data, (error: NodeJS.ErrnoException | null | undefined) => {
          if (error?.code === 'EPIPE') {
            isClosed = true
            onClosed()
          } else if (error) return reject(unwritable(error))
          resolve()
        })
      })
    },
    get bytes() {
      return bytes
    },
  }
}

function unwritable(error: NodeJS.ErrnoException): MonitorError {
  const why = error.code === 'ENOSPC' ? 'no space is left' : error.message
  return new MonitorError('internal', `The output cannot be written: ${why}.`, { cause: error })
}
