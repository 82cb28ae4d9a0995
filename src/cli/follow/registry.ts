/** Which files were read how far, by what they are rather than by name, so that none is read twice after it was renamed. */
import type { FileId, OpenFile } from './open-file.ts'

/** Most files remembered after they were closed. */
const MAX_CLOSED = 10_000

/** Remembers files. */
export interface Registry {
  isOpen(id: FileId): boolean
  /** Takes a file to be followed under one name; false when it is followed under another. */
  claim(id: FileId): boolean
  /** Where to go on with a file that was followed before; 0 for one that was not. */
  positionOf(file: OpenFile): Promise<number>
  /** Notes how far a file was read before it is closed. */
  release(file: OpenFile, position: number): Promise<void>
}

/** A file that was closed. */
interface Closed {
  readonly position: number
  /** Its number may be given to a new file once it is deleted; that one is younger. */
  readonly birthtimeMs: number
}

/** Makes a registry. */
export function createRegistry(): Registry {
  const open = new Set<FileId>()
  const closed = new Map<FileId, Closed>()
  return {
    isOpen: (id) => open.has(id),
    claim(id) {
      if (open.has(id)) return false
      open.add(id)
      return true
    },
    async positionOf(file) {
      const known = closed.get(file.id)
      const { birthtimeMs, size } = await file.stat()
      return known === undefined || known.birthtimeMs !== birthtimeMs || known.position > size ? 0 : known.position
    },
    async release(file, position) {
      const { names, birthtimeMs } = await file.stat()
      open.delete(file.id)
      closed.delete(file.id)
      if (names === 0) return
      closed.set(file.id, { position, birthtimeMs })
      const [oldest] = closed.keys()
      if (closed.size > MAX_CLOSED && oldest !== undefined) closed.delete(oldest)
    },
  }
}
