/** A program that logs with pino. The address and the token come from EDGETAIL_URL and EDGETAIL_TOKEN. */
import type { PinoTransportOptions } from 'edgetail/pino'
import pino from 'pino'

const options: PinoTransportOptions = { maxBufferEntries: 50_000 }
const log = pino({
  transport: {
    targets: [
      { target: 'edgetail/pino', options },
      { target: 'pino/file', options: { destination: 1 } },
    ],
  },
})
log.error({ orderId: 7, err: new Error('declined') }, 'payment failed')
