/**
 * Files that a rotation has already renamed when it is noticed. A program that writes a lot may rotate twice between two looks;
 * what it wrote in between then stands only beside the file, under another name.
 */
import { readdir, stat } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { type FileId, type FileStats, type OpenFile, openFile } from './open-file.ts'

/** What a rotation has packed holds the lines no longer as text. */
const PACKED = /\.(?:gz|bz2|xz|zst|zip|lz4)$/

/** Bytes that tell a copy of a file from another file. */
const START_BYTES = 256

interface Found {
  readonly name: string
  readonly file: OpenFile
  readonly stats: FileStats
}

/**
 * Opens the files that were at a path after one and before another, oldest first. A file counts when it is named like the
 * path with something behind, was made since the earlier one was last written to, and is not a copy of either.
 *
 * @param isKnown - whether a file is followed already
 */
export async function openBetween(
  path: string,
  earlier: OpenFile,
  later: OpenFile,
  isKnown: (id: FileId) => boolean,
): Promise<OpenFile[]> {
  const found: Found[] = []
  const { mtimeMs: written } = await earlier.stat()
  const starts = [await startOf(earlier), await startOf(later)]
  for (const name of await readdir(dirname(path))) {
    if (!name.startsWith(basename(path)) || name === basename(path) || isPacked(name)) continue
    const beside = join(dirname(path), name)
    // Most are rotations of old and need not be opened.
    const seen = await stat(beside).catch(ignoreGone)
    if (seen === undefined || !seen.isFile() || seen.birthtimeMs < written) continue
    const file = await openFile(beside).catch(ignoreGone)
    if (file === undefined) continue
    const stats = await file.stat()
    const isTaken = isKnown(file.id) || found.some((other) => other.file.id === file.id)
    if (isTaken || stats.birthtimeMs < written || isCopy(await startOf(file), starts)) await file.close()
    else found.push({ name, file, stats })
  }
  return found.sort(byAge).map(({ file }) => file)
}

/** Oldest first. Clocks of file systems step by some milliseconds; in one step, the higher number is the older file. */
function byAge(a: Found, b: Found): number {
  const { birthtimeMs, mtimeMs } = a.stats
  return (
    birthtimeMs - b.stats.birthtimeMs ||
    mtimeMs - b.stats.mtimeMs ||
    b.name.localeCompare(a.name, undefined, { numeric: true })
  )
}

/** Whether a name says that the file is compressed. */
export function isPacked(name: string): boolean {
  return PACKED.test(name)
}

async function startOf(file: OpenFile): Promise<string> {
  const bytes = Buffer.alloc(START_BYTES)
  return bytes.toString('latin1', 0, await file.read(bytes, 0))
}

function isCopy(start: string, starts: readonly string[]): boolean {
  return starts.some((other) => other !== '' && (start.startsWith(other) || other.startsWith(start)))
}

/** It was renamed again or removed meanwhile: where it still matters, the next look finds it. */
function ignoreGone(error: NodeJS.ErrnoException): undefined {
  if (error.code !== 'ENOENT') throw error
}
