/** The names of files that the command is given: paths as they are, and patterns that are looked for again and again. */
import { type Stats, statSync } from 'node:fs'
import { isAbsolute } from 'node:path'
import { glob, isDynamicPattern } from 'tinyglobby'
import { MonitorError } from '../../errors.ts'
import { isPacked } from './rotated.ts'

/** What is followed. */
export interface Names {
  /** Files that were named themselves. */
  readonly paths: readonly string[]
  /** Patterns, such as `logs/*.log`. */
  readonly patterns: readonly string[]
}

/**
 * Tells paths and patterns apart. A file whose own name looks like a pattern is a path.
 *
 * @throws MonitorError `invalid_setting` for a path that is no file
 */
export function readNames(names: readonly string[]): Names {
  const paths: string[] = []
  const patterns: string[] = []
  for (const name of new Set(names)) {
    const stats = lookAt(name)
    if (stats === undefined && isDynamicPattern(name)) patterns.push(name)
    else {
      ensureFile(name, stats)
      paths.push(name)
    }
  }
  return { paths, patterns }
}

/** The files that match now, sorted; compressed ones, as rotations leave them, are passed over. */
export async function findMatches(pattern: string): Promise<string[]> {
  const found = await glob(pattern, { absolute: isAbsolute(pattern), expandDirectories: false, onlyFiles: true })
  return found.filter((name) => !isPacked(name)).sort()
}

function lookAt(name: string): Stats | undefined {
  try {
    return statSync(name)
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined
    throw new MonitorError('invalid_setting', `${name} cannot be read (${code}).`, { cause })
  }
}

function ensureFile(name: string, stats: Stats | undefined): void {
  if (stats === undefined) {
    throw new MonitorError(
      'invalid_setting',
      `${name} does not exist. A quoted pattern such as '*.log' may match later.`,
    )
  }
  if (stats.isDirectory()) {
    throw new MonitorError('invalid_setting', `${name} is a directory. Name its files, such as '${name}/*.log'.`)
  }
  if (!stats.isFile()) {
    throw new MonitorError('invalid_setting', `${name} is no regular file. Pipe it in: edgetail < ${name}`)
  }
}
