/** What a path of the plugin list leads to. */
import { accessSync, closeSync, constants, openSync, readSync, statSync } from 'node:fs'

/** A regular file, behind links or not; false also for links in a circle. Throws where a directory on the way may not be looked into: what is there is not known then. */
export function isFile(path: string): boolean {
  try {
    return statSync(path, { throwIfNoEntry: false })?.isFile() === true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ELOOP') return false
    throw error
  }
}

export function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return isFile(path)
  } catch {
    return false
  }
}

/** Ask `isExecutable` or `isFile` first: opening a FIFO would wait for its writer. */
export function startsWithShebang(path: string): boolean {
  try {
    const fd = openSync(path, 'r')
    try {
      const start = Buffer.alloc(2)
      readSync(fd, start, 0, 2, 0)
      return start.toString('latin1') === '#!'
    } finally {
      closeSync(fd)
    }
  } catch {
    return false
  }
}
