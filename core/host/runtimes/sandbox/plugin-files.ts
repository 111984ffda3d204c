/**
 * The files a sandboxed plugin may be made of: those below `<home>/plugins`, by their real paths. A symbolic link or a
 * `../` that leads out of it is refused before a byte is read, for `helios check` may be run by root.
 */
import { closeSync, constants, fstatSync, openSync, readlinkSync, readSync, realpathSync, statSync } from 'node:fs'
import { isAbsolute, join, relative, sep } from 'node:path'

/** Bytes of one file, and of all files of a plugin. */
const MOST_FILE_BYTES = 4 * 1024 * 1024
const MOST_BYTES = 16 * 1024 * 1024

/** Why a file cannot be part of a plugin, in words that follow its name. */
export class Unreadable extends Error {}

export class PluginFiles {
  /** `<home>/plugins`, its own links followed: where it stands is the operator's choice. */
  readonly root: string
  readonly #read = new Set<string>()
  #bytes = 0

  constructor(home: string) {
    const root = join(home, 'plugins')
    this.root = realPath(root) ?? root
  }

  /** Files looked at so far, absolute: an edit of one of them is an edit of the plugin. */
  get read(): readonly string[] {
    return [...this.#read]
  }

  /** The real path of a file below the root; undefined when there is no such file. Throws Unreadable. */
  find(path: string): string | undefined {
    if (!isAbsolute(path) || path.includes('\0')) throw new Unreadable('is no path')
    const real = realPath(path)
    // What is not there is not told apart from what lies outside: neither may be looked at.
    if (!this.#holds(real ?? path)) throw new Unreadable('lies outside the plugins folder')
    return real !== undefined && statSync(real, { throwIfNoEntry: false })?.isFile() === true ? real : undefined
  }

  /** The text of a file that `find` found. Throws Unreadable. */
  text(real: string): string {
    this.#read.add(real)
    const bytes = this.#open(real)
    this.#bytes += bytes.length
    if (this.#bytes > MOST_BYTES) throw new Unreadable(`makes the plugin larger than ${MOST_BYTES} bytes`)
    return bytes.toString('utf8')
  }

  /** As an operator would name it: from the home. */
  name(real: string): string {
    return join('plugins', relative(this.root, real))
  }

  /** The path behind a name that `name` gave. */
  path(name: string): string {
    return join(this.root, relative('plugins', name))
  }

  #open(real: string): Buffer {
    let fd: number
    try {
      fd = openSync(real, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
    } catch (error) {
      throw new Unreadable(`cannot be read: ${(error as NodeJS.ErrnoException).code ?? 'unknown'}`)
    }
    try {
      // A folder of the path may have been exchanged for a link since the path was looked at.
      if (!this.#holds(openedPath(fd) ?? realPath(real) ?? '')) throw new Unreadable('lies outside the plugins folder')
      const { size, isFile } = factsOf(fd)
      if (!isFile) throw new Unreadable('is not a regular file')
      if (size > MOST_FILE_BYTES) throw new Unreadable(`is larger than ${MOST_FILE_BYTES} bytes`)
      return readAll(fd, size)
    } finally {
      closeSync(fd)
    }
  }

  #holds(path: string): boolean {
    return path.startsWith(this.root + sep)
  }
}

function realPath(path: string): string | undefined {
  try {
    return realpathSync(path)
  } catch {
    return undefined
  }
}

/** Where an open file stands; undefined where the system does not tell. */
function openedPath(fd: number): string | undefined {
  try {
    return readlinkSync(`/proc/self/fd/${fd}`)
  } catch {
    return undefined
  }
}

function factsOf(fd: number): { readonly size: number; readonly isFile: boolean } {
  const stat = fstatSync(fd)
  return { size: stat.size, isFile: stat.isFile() }
}

/** At most `size` bytes: a file that grows meanwhile is read again after its edit. */
function readAll(fd: number, size: number): Buffer {
  const bytes = Buffer.alloc(size)
  let length = 0
  for (;;) {
    const read = readSync(fd, bytes, length, size - length, length)
    length += read
    if (read === 0 || length === size) return bytes.subarray(0, length)
  }
}
