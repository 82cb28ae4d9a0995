/** A Tail Worker that leaves nothing out by name: what it stores must not come back to it. */
import { createTail, type Tail } from '../../../src/cloudflare/tail.ts'

const worker: Tail = createTail({ invocations: 'all', ignore: [] })

export default worker
