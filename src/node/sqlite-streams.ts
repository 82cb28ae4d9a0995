/** Named streams in files: each an SQLite file of its own, in a folder beside the one of the default log. */
import { mkdirSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { MonitorError } from '../errors.ts'
import { Places } from '../places.ts'
import type { LogSource } from '../source.ts'
import { isStreamName, type LogDirectory } from '../streams.ts'
import { isUnusedFile, type SqliteSourceOptions, sqliteSource } from './sqlite.ts'

const SUFFIX = '.db'

/**
 * Named streams that outlive the process, for one process at a time: `edgetail.db-streams/shop.db` beside `edgetail.db`.
 *
 * @param options - as for {@link sqliteSource}, whose `path` is that of the default log; the limits are for each stream
 * @throws MonitorError `invalid_setting` when the folder is there and cannot be read
 * @example
 * const path = './edgetail.db'
 * const monitor = createMonitor({ source: sqliteSource({ path }), streams: sqliteStreams({ path }), token })
 */
export function sqliteStreams(options: SqliteSourceOptions): LogDirectory {
  const folder = `${options.path}-streams`
  /** Those of an earlier run that have not been opened since: nobody knows yet whether there is anything in them. */
  const found = new Set(namesIn(folder))
  const places = new Places([...found])
  /** What is open: its file stays, also without a place, since the name may get one again. */
  const opened = new Map<string, LogSource>()
  const fileOf = (name: string): string => join(folder, `${name}${SUFFIX}`)

  /** Removes the file of a name that has no place and no entry, unless it is open. */
  function remove(name: string): void {
    if (places.has(name) || opened.has(name)) return
    for (const suffix of ['', '-wal', '-shm', '-journal']) rmSync(fileOf(name) + suffix, { force: true })
  }

  /** Frees the place of a file that an earlier run made for somebody who only looked. */
  function freeUnused(): boolean {
    for (const name of found) {
      found.delete(name)
      if (!isUnusedFile(fileOf(name))) continue
      places.release(name)
      remove(name)
      return true
    }
    return false
  }

  return {
    list: async () => places.list(),

    async claim(name, claim) {
      for (;;) {
        try {
          for (const freed of places.claim(name, claim)) remove(freed)
          found.delete(name)
          return
        } catch (error) {
          if (!(error instanceof MonitorError) || !freeUnused()) throw error
        }
      }
    },

    open(name) {
      mkdirSync(folder, { recursive: true })
      const source = sqliteSource({ ...options, path: fileOf(name) })
      opened.set(name, source)
      return {
        ...source,
        async close() {
          await source.close()
          if (opened.get(name) !== source) return
          opened.delete(name)
          remove(name)
        },
      }
    },
  }
}

/** The streams that have a file in a folder; none where there is no folder. */
function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder, { withFileTypes: true })
      .filter((file) => !file.isDirectory() && file.name.endsWith(SUFFIX))
      .map(({ name }) => name.slice(0, -SUFFIX.length))
      .filter(isStreamName)
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw new MonitorError('invalid_setting', `${folder} cannot be read: named streams are kept in it.`, { cause })
  }
}
