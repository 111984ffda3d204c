/** A file system that fails on order: the n-th operation, or everything from the n-th on. */
import type { FileSystem, OpenFile } from '../../core/message/file-system.ts'

export interface Faults {
  /** Which operation fails, 1 for the first; Infinity for none. */
  at: number
  code: string
  /** Whether all later ones fail too. */
  readonly lasting: boolean
  /** Operations so far. */
  count: number
}

export function faultyFileSystem(real: FileSystem, faults: Faults): FileSystem {
  const failing = (): boolean => {
    faults.count += 1
    return faults.lasting ? faults.count >= faults.at : faults.count === faults.at
  }
  const failure = (): Error => Object.assign(new Error(`${faults.code}: injected`), { code: faults.code })
  const check = (): void => {
    if (failing()) throw failure()
  }
  const openFile = (file: OpenFile): OpenFile => ({
    read: async (into, position) => (check(), file.read(into, position)),
    size: async () => (check(), file.size()),
    sync: async () => (check(), file.sync()),
    write: async (data) => {
      if (!failing()) return file.write(data)
      // As a disk that fills up: part of it is written.
      await file.write(data.subarray(0, data.length >> 1))
      throw failure()
    },
    close: async () => {
      // As the system does it: after a failed close the descriptor is gone all the same.
      await file.close()
      check()
    },
  })
  return {
    open: async (path, how) => (check(), openFile(await real.open(path, how))),
    rename: async (from, to) => (check(), real.rename(from, to)),
    unlink: async (path) => (check(), real.unlink(path)),
    mkdir: async (path) => (check(), real.mkdir(path)),
    readdir: async (path) => (check(), real.readdir(path)),
    lstat: async (path) => (check(), real.lstat(path)),
    realpath: async (path) => (check(), real.realpath(path)),
  }
}
