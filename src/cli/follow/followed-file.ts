/**
 * One path that is followed. The file at a path may be replaced: the one before is read to its end first, and a while longer,
 * since programs go on writing to it until they notice. What is found at the path meanwhile waits in a queue, open, so that
 * nothing that happens to its name loses it.
 */
import { stat } from 'node:fs/promises'
import { type Append, createFeed } from '../feed.ts'
import { type FileStats, fileId, type OpenFile, openFile } from './open-file.ts'
import type { Registry } from './registry.ts'
import { openBetween } from './rotated.ts'

/** Time between two looks, in milliseconds. By looking, not by events: those do not come from network and container mounts. */
export const LOOK_MS = 200

/** Most bytes read before the next look at the path. */
const SLICE_BYTES = 1024 * 1024

const PIECE_BYTES = 64 * 1024

/** Quiet time after which a file that was replaced is done, in milliseconds: twice what a program needs to notice the rename. */
const REPLACED_QUIET_MS = LOOK_MS

/** Time after which it is done though it still grows, in milliseconds: somebody else writes it. */
const REPLACED_MAX_MS = 5000

/** Quiet time after which a deleted file is closed, in milliseconds: its space is not free before. */
const DELETED_QUIET_MS = 5000

/** How far back the start of an unfinished last line is looked for, in bytes. */
const MAX_BACK_BYTES = 64 * 1024

/** One path. */
export interface FollowedFile {
  /**
   * Looks at the path and reads what is new.
   *
   * @returns whether more can be read at once
   * @throws the error of the file system, after which it may be called again
   */
  look(): Promise<boolean>
  /** Takes an unfinished last line as it is, and closes. */
  end(): Promise<void>
}

/** Options of {@link createFollowedFile}. */
export interface FollowedFileOptions {
  /** Where to begin in the file that is there at the first look. */
  readonly from: 'start' | 'end'
  readonly append: Append
  readonly registry: Registry
}

/** A file that is or was at the path. */
interface Generation {
  readonly file: OpenFile
  position: number
  /** When another one took its place; undefined while none has, 0 where that was over before it was found. */
  replacedAt: number | undefined
  grewAt: number
}

/** Makes a follower of one path. It opens nothing before the first look. */
export function createFollowedFile(path: string, { from, append, registry }: FollowedFileOptions): FollowedFile {
  const feed = createFeed(append, { file: path })
  const queue: Generation[] = []
  const buffer = new Uint8Array(PIECE_BYTES)
  let isFirst = true

  async function findNew(): Promise<void> {
    const begin = isFirst ? from : 'start'
    isFirst = false
    const newest = queue.at(-1)
    const seen = await stat(path, { bigint: true }).catch(ignoreMissing)
    if (seen === undefined || !seen.isFile() || registry.isOpen(fileId(seen))) return
    const file = await openFile(path).catch(ignoreMissing)
    if (file === undefined) return
    if (!registry.claim(file.id)) return file.close()
    const position = begin === 'end' ? await lastLineStart(file) : await registry.positionOf(file)
    if (newest !== undefined) newest.replacedAt = performance.now()
    try {
      for (const between of newest ? await openBetween(path, newest.file, file, registry.isOpen) : []) {
        if (!registry.claim(between.id)) await between.close()
        else queue.push({ file: between, position: await registry.positionOf(between), replacedAt: 0, grewAt: 0 })
      }
    } finally {
      queue.push({ file, position, replacedAt: undefined, grewAt: performance.now() })
    }
  }

  /** Reads a slice, and returns how many bytes there were. */
  async function read(generation: Generation): Promise<number> {
    let bytes = 0
    while (bytes < SLICE_BYTES) {
      const count = await generation.file.read(buffer, generation.position)
      if (count === 0) break
      bytes += count
      generation.position += count
      await feed.push(buffer.subarray(0, count))
    }
    if (bytes > 0) generation.grewAt = performance.now()
    return bytes
  }

  async function close(generation: Generation): Promise<void> {
    await feed.end()
    await registry.release(generation.file, generation.position)
    await generation.file.close()
    queue.shift()
  }

  return {
    async look() {
      await findNew()
      const [generation] = queue
      if (generation === undefined) return false
      const stats = await generation.file.stat()
      if (stats.size < generation.position) {
        // Emptied and written anew.
        await feed.end()
        generation.position = 0
      }
      if ((await read(generation)) >= SLICE_BYTES) return true
      if (!isDone(generation, stats)) return false
      await close(generation)
      return queue.length > 0
    },
    async end() {
      while (queue[0] !== undefined) {
        while ((await read(queue[0])) > 0);
        await close(queue[0])
      }
    },
  }
}

function isDone({ replacedAt, grewAt }: Generation, { names }: FileStats): boolean {
  const now = performance.now()
  if (replacedAt === undefined) return names === 0 && now - grewAt >= DELETED_QUIET_MS
  if (replacedAt === 0) return true
  return now - Math.max(replacedAt, grewAt) >= REPLACED_QUIET_MS || now - replacedAt >= REPLACED_MAX_MS
}

/** Where the last line starts if it is not finished, otherwise the end. */
async function lastLineStart(file: OpenFile): Promise<number> {
  const { size } = await file.stat()
  const from = Math.max(0, size - MAX_BACK_BYTES)
  const bytes = new Uint8Array(size - from)
  const last = bytes.subarray(0, await file.read(bytes, from)).lastIndexOf(0x0a)
  if (last !== -1) return from + last + 1
  return from === 0 ? 0 : size
}

/** Not there yet, or not any more: it may come. */
function ignoreMissing(error: NodeJS.ErrnoException): undefined {
  if (error.code !== 'ENOENT' && error.code !== 'ENOTDIR') throw error
}
