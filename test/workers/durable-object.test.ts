import { testSource } from '../../src/testing/source.ts'
import { roomSource } from './room-source.ts'

// The retention is a setting of the object: vitest.config.ts binds it, and in the project `relays` few places at each.
testSource('durable object', roomSource, { retain: 50, durable: true, shared: true })
