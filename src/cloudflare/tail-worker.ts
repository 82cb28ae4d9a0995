/** The Tail Worker that is deployed. */
import { createTail, type Tail } from './tail.ts'

const worker: Tail = createTail()

export default worker
