/** `edgetail file.log …`: follows files as they grow, are rotated, emptied, deleted and made anew. */
import { setTimeout as delay } from 'node:timers/promises'
import type { Append } from '../feed.ts'
import { createFollowedFile, type FollowedFile, LOOK_MS } from './followed-file.ts'
import { findMatches, type Names } from './names.ts'
import { createRegistry } from './registry.ts'

/** Time between two searches for new files that match a pattern, in milliseconds, where a search takes little. */
const SEARCH_MS = 1000

/** A search takes at most one part in so many of the time. */
const SEARCH_SHARE = 20

/** Options of {@link openFiles}. */
export interface FollowOptions {
  /** Read what stands in the files already. New files are always read from their start. */
  readonly fromStart: boolean
  /** Takes the entries; they have the file's name as `context.file`. */
  readonly append: Append
  /** Told in one sentence what the user should know of. */
  readonly report: (sentence: string) => void
}

/** Files that are open. */
export interface Files {
  /** Follows them until the signal, and reads what is there by then. */
  follow(signal: AbortSignal): Promise<void>
}

/** Opens files, so that what is written from now on is seen. */
export async function openFiles(
  { paths, patterns }: Names,
  { fromStart, append, report }: FollowOptions,
): Promise<Files> {
  const registry = createRegistry()
  const files = new Map<string, FollowedFile>()

  /** Looks once at a file; what the file system refuses is told once, until it works again. */
  const troubles = new Map<string, string>()
  async function look(path: string, file: FollowedFile): Promise<boolean> {
    try {
      const more = await file.look()
      troubles.delete(path)
      return more
    } catch (error) {
      const { code, syscall } = error as NodeJS.ErrnoException
      if (code === undefined || syscall === undefined) throw error
      if (troubles.get(path) !== code) report(`${path} cannot be read (${code}). It is tried again until it can.`)
      troubles.set(path, code)
      return false
    }
  }

  /** Opens a file, unless it is followed under this name. */
  async function add(path: string, from: 'start' | 'end'): Promise<FollowedFile | undefined> {
    if (files.has(path)) return undefined
    const file = createFollowedFile(path, { from, append, registry })
    files.set(path, file)
    await look(path, file)
    return file
  }

  const begin = fromStart ? 'start' : 'end'
  for (const path of paths) await add(path, begin)
  for (const pattern of patterns) {
    const matches = await findMatches(pattern)
    if (matches.length === 0) report(`No file matches ${pattern} yet. Those that come are followed.`)
    for (const path of matches) await add(path, begin)
  }

  return {
    async follow(signal) {
      let fail: (error: unknown) => void = () => {}
      const failed = new Promise<never>((_, reject) => {
        fail = reject
      })
      const running: Promise<void>[] = []
      const start = (path: string, file: FollowedFile): void => {
        const run = async (): Promise<void> => {
          while (!signal.aborted) if (!(await look(path, file))) await pause(LOOK_MS, signal)
          await look(path, file)
          await file.end()
        }
        running.push(run().catch(fail))
      }
      const search = async (pattern: string): Promise<void> => {
        while (!signal.aborted) {
          const started = performance.now()
          for (const path of await findMatches(pattern)) {
            const file = await add(path, 'start')
            if (file !== undefined) start(path, file)
          }
          await pause(Math.max(SEARCH_MS, (performance.now() - started) * SEARCH_SHARE), signal)
        }
      }
      for (const [path, file] of files) start(path, file)
      await Promise.race([failed, Promise.all(patterns.map(search)).then(() => Promise.all(running))])
    },
  }
}

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await delay(ms, undefined, { signal }).catch((error: unknown) => {
    if (!signal.aborted) throw error
  })
}
