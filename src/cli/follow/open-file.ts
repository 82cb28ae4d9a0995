/** A file that is open, told apart from others whatever its name is by now. */
import { type FileHandle, open } from 'node:fs/promises'

/** Names a file on this machine as long as it is open: its number is given to no other before. */
export type FileId = string

/** What a file is like at a moment; times in milliseconds since the epoch. */
export interface FileStats {
  readonly size: number
  /** How many names it has; 0 when it was deleted. */
  readonly names: number
  readonly mtimeMs: number
  readonly birthtimeMs: number
}

/** An open file. */
export interface OpenFile {
  readonly id: FileId
  stat(): Promise<FileStats>
  /** Reads into the bytes from a place on and returns how many there were. */
  read(bytes: Uint8Array, position: number): Promise<number>
  close(): Promise<void>
}

/** Opens a file to read. @throws the error of `open`, such as `ENOENT` */
export async function openFile(path: string): Promise<OpenFile> {
  const handle = await open(path, 'r')
  const { dev, ino } = await handle.stat({ bigint: true })
  return {
    id: fileId({ dev, ino }),
    stat: () => statOf(handle),
    read: async (bytes, position) => (await handle.read(bytes, 0, bytes.byteLength, position)).bytesRead,
    close: () => handle.close(),
  }
}

/** The name of a file by its numbers, which do not fit into a double everywhere. */
export function fileId({ dev, ino }: { readonly dev: bigint; readonly ino: bigint }): FileId {
  return `${dev}:${ino}`
}

async function statOf(handle: FileHandle): Promise<FileStats> {
  const { size, nlink, mtimeMs, birthtimeMs } = await handle.stat()
  return { size, names: nlink, mtimeMs, birthtimeMs }
}
