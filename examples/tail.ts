/** A Tail Worker of one's own, with an entry for every invocation. */
import { createTail } from 'edgetail/cloudflare'

export default createTail({ invocations: 'all', ignore: ['my-monitor'] })
