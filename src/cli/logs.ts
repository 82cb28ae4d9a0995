/**
 * `edgetail logs`: what a server has stored, oldest first, to its end. It reads the stream, which begins with the oldest entry
 * wanted and resumes when it is cut, and stops at the entry that was the last when it began; pages of `GET /logs` come newest
 * first and would have to be held until the last of them.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { MonitorError } from '../errors.ts'
import type { FilterQuery } from '../filter/filter.ts'
import type { StoredEntry } from '../source.ts'
import type { ReadArguments } from './args.ts'
import { follow } from './follow.ts'
import { createOutput, type Output } from './output.ts'
import { describeGap } from './print.ts'
import { createProgress, type Progress } from './progress.ts'
import { describeLoss, openRemote, printerFor, say, stopOnSignals } from './reading.ts'
import type { Remote } from './remote.ts'

/** Tries to learn where the end is, and the wait between two, in milliseconds: the stream is held up meanwhile. */
const TRIES = 5
const TRY_AGAIN_MS = 1000

/** Downloads. @returns the exit status */
export async function logs(args: ReadArguments): Promise<number> {
  const remote = await openRemote(args.url)
  if (remote === undefined) return 1
  const interrupt = new AbortController()
  stopOnSignals(interrupt, () => {
    say('The output is partial. It was stopped.')
    process.exit(1)
  })
  const readerGone = new AbortController()
  const signal = AbortSignal.any([interrupt.signal, readerGone.signal])
  const output = createOutput(process.stdout, () => readerGone.abort())
  const progress = createProgress(output)
  const count = { entries: 0 }
  try {
    await download(remote, args, { output, progress, count, signal })
    interrupt.signal.throwIfAborted()
  } catch (error) {
    progress.clear()
    if (readerGone.signal.aborted) return 0
    const why = interrupt.signal.aborted ? 'It was stopped.' : (error as Error).message
    const { entries } = count
    const how = entries === 0 ? '' : `The output is partial, it ends after ${countOf(entries)}. `
    throw new MonitorError('source_unavailable', how + why, { cause: error })
  }
  progress.finish(count.entries)
  return 0
}

interface Download {
  readonly output: Output
  readonly progress: Progress
  /** Counted while it runs, so that a failure can say how far it came. */
  readonly count: { entries: number }
  readonly signal: AbortSignal
}

async function download(
  remote: Remote,
  args: ReadArguments,
  { output, progress, count, signal }: Download,
): Promise<void> {
  const { tail, level, q } = args
  const printer = printerFor(args)
  let last: string | undefined
  for await (const report of follow({ remote, query: { tail: String(tail), level, q }, signal })) {
    if (report.type === 'connected') {
      // Asked for only now: what is last now is at or after the end of what this stream began with.
      last ??= await lastId(remote, { level, q }, signal)
      if (last === undefined || tail === 0) return
    } else if (report.type === 'entries') {
      const wanted = upTo(report.entries.slice(0, tail - count.entries), last)
      await output.write(printer.entries(wanted))
      count.entries += wanted.length
      progress.show(count.entries)
      if (count.entries === tail || wanted.at(-1)?.id === last) return
    } else if (report.type === 'gap') {
      throw new MonitorError('source_unavailable', `${describeGap(report.gap)}.`)
    } else {
      progress.clear()
      say(report.type === 'failed' ? report.message : describeLoss(report))
    }
  }
}

/** The id of the newest entry that matches; undefined when there is none. */
async function lastId(remote: Remote, filter: FilterQuery, signal: AbortSignal): Promise<string | undefined> {
  const request = { path: '/logs', query: { ...filter, tail: '1' }, accept: 'application/json', signal } as const
  for (let tries = 1; ; tries++) {
    const answer = await remote.get(request)
    if ('response' in answer) {
      const { entries } = (await answer.response.json()) as { entries: StoredEntry[] }
      return entries[0]?.id
    }
    const { error, isFinal } = answer.refusal
    if (isFinal || tries === TRIES) throw error
    await sleep(TRY_AGAIN_MS, undefined, { signal })
  }
}

function upTo(entries: readonly StoredEntry[], last: string | undefined): readonly StoredEntry[] {
  const place = entries.findIndex(({ id }) => id === last)
  return place === -1 ? entries : entries.slice(0, place + 1)
}

function countOf(entries: number): string {
  return entries === 1 ? '1 entry' : `${entries.toLocaleString('en')} entries`
}
