import { memorySource } from '../../../src/sources/memory.ts'
import { testSource } from '../../../src/testing/source.ts'

testSource('memory', async () => memorySource({ retain: 50 }), { retain: 50 })
