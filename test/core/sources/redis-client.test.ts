import { describe, expect, it } from 'vitest'
import { commandOf, type NodeRedisClient } from '../../../src/sources/redis-client.ts'

describe('commandOf', () => {
  it('spares a timer for each command while the connection stands, and has them refused in time while it does not', async () => {
    const sent: unknown[] = []
    const client = (isReady: boolean): NodeRedisClient => ({
      isReady,
      sendCommand: async (...given) => void sent.push(given),
      duplicate: () => client(isReady),
      on: () => {},
      connect: async () => {},
      destroy: () => {},
    })
    await commandOf(client(true), 'key')('GET', 'a')
    await commandOf(client(false), 'key')('GET', 'b')
    expect(sent).toEqual([
      [['GET', 'a'], { timeout: 0 }],
      [['GET', 'b'], undefined],
    ])
  })
})
