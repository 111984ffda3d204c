/**
 * The few operations on files that durable delivery needs, as an interface, so that a test can fail the n-th
 * of them or lose what was not synced. Nothing here opens the target of a symbolic link.
 */
import { constants } from 'node:fs'
import { lstat, mkdir, open, readdir, realpath, rename, unlink } from 'node:fs/promises'
import type { FileHandle } from 'node:fs/promises'

/**
 * `create`: write, must not exist. `append`: write at the end, created when missing. `read`: an existing file.
 * `directory`: to be synced.
 */
export type OpenHow = 'create' | 'append' | 'read' | 'directory'

export interface FileFacts {
  readonly kind: 'file' | 'directory' | 'link' | 'other'
  /** Bytes. */
  readonly size: number
  /** Milliseconds since 1970. */
  readonly modifiedAt: number
}

export interface OpenFile {
  /** Fills `into` from the byte at `position`; resolves with the bytes read, fewer only at the end of the file. */
  read(into: Uint8Array, position: number): Promise<number>
  /** Writes all of it after what was written before, or rejects. */
  write(data: Uint8Array): Promise<void>
  /** Bytes of the file. */
  size(): Promise<number>
  sync(): Promise<void>
  close(): Promise<void>
}

/** Everything rejects with Node's system errors (`code`: ENOSPC, EIO, …). New files are 0600, new directories 0700. */
export interface FileSystem {
  open(path: string, how: OpenHow): Promise<OpenFile>
  rename(from: string, to: string): Promise<void>
  unlink(path: string): Promise<void>
  mkdir(path: string): Promise<void>
  readdir(path: string): Promise<readonly string[]>
  /** Of the entry itself, never of what a link points to. */
  lstat(path: string): Promise<FileFacts>
  realpath(path: string): Promise<string>
}

const { O_APPEND, O_CREAT, O_DIRECTORY, O_EXCL, O_NOFOLLOW, O_RDONLY, O_WRONLY } = constants
const flags: Readonly<Record<OpenHow, number>> = {
  create: O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW,
  append: O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW,
  read: O_RDONLY | O_NOFOLLOW,
  directory: O_RDONLY | O_DIRECTORY | O_NOFOLLOW,
}

/** The file system of this machine. */
export const nodeFileSystem: FileSystem = {
  open: async (path, how) => openFile(await open(path, flags[how], 0o600)),
  rename,
  unlink,
  mkdir: (path) => mkdir(path, 0o700),
  readdir: (path) => readdir(path),
  lstat: async (path) => {
    const stats = await lstat(path)
    const kind = stats.isFile() ? 'file' : stats.isDirectory() ? 'directory' : stats.isSymbolicLink() ? 'link' : 'other'
    return { kind, size: stats.size, modifiedAt: stats.mtimeMs }
  },
  realpath: (path) => realpath(path),
}

function openFile(handle: FileHandle): OpenFile {
  return {
    read: async (into, position) => {
      let filled = 0
      while (filled < into.length) {
        const { bytesRead } = await handle.read(into, filled, into.length - filled, position + filled)
        if (bytesRead === 0) break
        filled += bytesRead
      }
      return filled
    },
    write: async (data) => {
      // A full disk shows as a short write first and as ENOSPC at the next.
      let written = 0
      while (written < data.length) written += (await handle.write(data, written, data.length - written)).bytesWritten
    },
    size: async () => (await handle.stat()).size,
    sync: () => handle.sync(),
    close: () => handle.close(),
  }
}

/** The system's word for what went wrong (`ENOSPC`), or undefined when the error is not the system's. */
export function errorCode(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('code' in error)) return undefined
  return typeof error.code === 'string' ? error.code : undefined
}

/** Unlinks; a file that is not there is as good. Other errors reject. */
export async function unlinkIfThere(fs: FileSystem, path: string): Promise<void> {
  try {
    await fs.unlink(path)
  } catch (error) {
    if (errorCode(error) !== 'ENOENT') throw error
  }
}
