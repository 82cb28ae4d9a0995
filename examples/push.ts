/** A program whose logs are watched elsewhere: by its own calls, and by whatever it prints. */
import { captureConsole } from 'edgetail'
import { createPushClient } from 'edgetail/client'

const client = createPushClient({ url: 'http://127.0.0.1:8787/monitor', token: process.env.EDGETAIL_TOKEN })
captureConsole(client)

client.error('payment failed', { orderId: 7 })
console.log('%d orders are open', 3)
await client.close()
