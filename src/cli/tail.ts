/** `edgetail tail`: past entries, then each new one, until Ctrl-C. */
import type { ReadArguments } from './args.ts'
import { follow } from './follow.ts'
import { createOutput } from './output.ts'
import { describeGap } from './print.ts'
import { describeLoss, openRemote, printerFor, say, stopOnSignals } from './reading.ts'

/** Runs until a signal, or until whoever reads the output has gone. @returns the exit status */
export async function tail(args: ReadArguments): Promise<number> {
  const remote = await openRemote(args.url)
  if (remote === undefined) return 0
  const stop = new AbortController()
  stopOnSignals(stop, () => process.exit(0))
  const output = createOutput(process.stdout, () => stop.abort())
  const printer = printerFor(args)
  const { tail, level, q } = args
  let lost: string | undefined
  let isFirst = true
  for await (const report of follow({ remote, query: { tail: String(tail), level, q }, signal: stop.signal })) {
    if (report.type === 'entries') await output.write(printer.entries(report.entries))
    else if (report.type === 'gap') {
      await output.write(printer.gap(report.gap))
      if (args.json) say(describeGap(report.gap))
    } else if (report.type === 'failed') say(report.message)
    else if (report.type === 'connected') {
      if (!isFirst) say('Connected again.')
      else if (process.stderr.isTTY) say(`Watching ${remote.base}. Ctrl-C ends it.`)
      isFirst = false
      lost = undefined
    } else if (report.reason !== lost) {
      // Of a server that stays away the same thing is said once.
      say(describeLoss(report))
      lost = report.reason
    }
  }
  return 0
}
