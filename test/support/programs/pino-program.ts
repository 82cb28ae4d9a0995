/**
 * A program that logs with pino: so many lines, so many each 10 ms, and then has nothing left to do. Its lines are numbered. Where
 * they go is by its arguments: through the transport, or as pino does without one.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import pino from 'pino'

const [, , count = '0', each = '1', through = 'transport', ending = 'end'] = process.argv
const target = new URL('../../../src/pino/index.ts', import.meta.url).pathname
const options = JSON.parse(process.env.PINO_OPTIONS ?? '{}') as Record<string, unknown>
const log = through === 'transport' ? pino({ transport: { target, options } }) : pino()

for (let n = 0; n < Number(count); n++) {
  log.warn(
    { n, nested: { text: 'é"\n😀', list: [1, null] }, err: n % 100 === 0 ? new RangeError(`e${n}`) : undefined },
    `m${n}`,
  )
  if ((n + 1) % Number(each) === 0 && n + 1 < Number(count)) await sleep(10)
}
process.stderr.write('done\n')
if (ending === 'exit') process.exit(0)
