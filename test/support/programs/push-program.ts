/** A program that logs with the push client: so many lines, so many each 10 ms, and then ends as its arguments say. */
import { setTimeout as sleep } from 'node:timers/promises'
import { createPushClient } from '../../../src/client/index.ts'

const [, , count = '0', each = '1', ending = 'end'] = process.argv
const client = createPushClient({
  url: process.env.EDGETAIL_URL ?? '',
  token: process.env.EDGETAIL_TOKEN,
  ...(JSON.parse(process.env.PUSH_OPTIONS ?? '{}') as object),
})
for (let n = 0; n < Number(count); n++) {
  client.warn(`m${n}`, { n, nested: { text: 'é"\n😀', list: [1, null] } })
  if ((n + 1) % Number(each) === 0 && n + 1 < Number(count)) await sleep(10)
}
process.stderr.write('done\n')
if (ending === 'close') {
  await client.close()
  process.exit(0)
}
