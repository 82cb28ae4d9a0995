import { env } from 'cloudflare:workers'
import { durableObjectSource, type LogRoomNamespace } from '../../src/sources/durable-object.ts'
import { testSource } from '../../src/testing/source.ts'

const namespace = (env as unknown as { LOG_ROOM: LogRoomNamespace }).LOG_ROOM

// The retention is a setting of the object: vitest.config.ts binds it.
testSource('durable object', async (name) => durableObjectSource(namespace, { name }), {
  retain: 50,
  durable: true,
  shared: true,
})
