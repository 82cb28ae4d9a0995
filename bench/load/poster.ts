/** One keep-alive connection that posts, written by hand so that it costs the load's core as little as it can. */
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import type { Target } from './stream-client.ts'

/** A connection that posts. */
export interface Poster {
  /** Resolves when the answer is complete; rejects when it is no 2xx. */
  post(body: string, type: string): Promise<void>
}

/** Connects. */
export async function connectPoster({ host, port, path, headers }: Target): Promise<Poster> {
  const socket = connect({ host, port, noDelay: true })
  await once(socket, 'connect')
  const fixed = Object.entries({ Host: `${host}:${port}`, ...headers })
  const head = `POST ${path} HTTP/1.1\r\n${fixed.map(([name, value]) => `${name}: ${value}\r\n`).join('')}`
  const nextAnswer = readAnswers(socket)
  return {
    async post(body, type) {
      socket.write(`${head}Content-Type: ${type}\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`)
      const answer = await nextAnswer()
      if (!answer.startsWith('HTTP/1.1 2')) throw new Error(`A post was answered: ${answer.slice(0, 300)}`)
    },
  }
}

/** Complete answers, one for each call. */
function readAnswers(socket: Socket): () => Promise<string> {
  let text = ''
  let waiting: { resolve(answer: string): void; reject(error: Error): void } | undefined
  socket.on('data', (bytes) => {
    text += bytes.toString('latin1')
    if (!isComplete(text)) return
    waiting?.resolve(text)
    text = ''
  })
  socket.on('error', (error) => waiting?.reject(error))
  socket.on('close', () => waiting?.reject(new Error('The server closed the connection of the publisher.')))
  return () =>
    new Promise((resolve, reject) => {
      waiting = { resolve, reject }
    })
}

function isComplete(text: string): boolean {
  const end = text.indexOf('\r\n\r\n')
  if (end === -1) return false
  const head = text.slice(0, end).toLowerCase()
  const length = /\r\ncontent-length: (\d+)/.exec(head)
  if (length !== null) return text.length >= end + 4 + Number(length[1])
  return head.includes('transfer-encoding: chunked') ? text.endsWith('\r\n0\r\n\r\n') : true
}
