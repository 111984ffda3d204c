/**
 * A file system in memory that knows what would survive a power failure: of a file, what was synced; of a name, what was
 * synced with its directory. `crash` gives the disk that a machine could find at the next start.
 */
import { basename, dirname } from 'node:path'
import type { FileSystem } from '../../core/message/file-system.ts'

class Inode {
  readonly directory: boolean
  data: Buffer = Buffer.alloc(0)
  /** Content at the last sync. */
  synced: Buffer = Buffer.alloc(0)
  readonly modifiedAt = Date.now()

  constructor(directory: boolean) {
    this.directory = directory
  }
}

/** A change of names: `add` sets a path to an inode, `remove` unsets it. A rename is one change of both kinds. */
interface Change {
  readonly add?: { readonly path: string; readonly inode: Inode }
  readonly remove?: string
  durable: boolean
}

/** What a crash keeps of what was not synced. */
export interface Luck {
  /** Asked for each change of names that was not synced. */
  readonly keepsName: () => boolean
  /** Asked for each file with bytes that were not synced: how many of them. */
  readonly keepsBytes: (unsynced: number) => number
}
export const noLuck: Luck = { keepsName: () => false, keepsBytes: () => 0 }
export const allLuck: Luck = { keepsName: () => true, keepsBytes: (unsynced) => unsynced }

const fail = (code: string, path: string): never => {
  throw Object.assign(new Error(`${code}: ${path}`), { code })
}

export class MemoryFileSystem implements FileSystem {
  readonly #names = new Map<string, Inode>()
  readonly #changes: Change[] = []
  readonly #afterwards: (() => void) | undefined

  /** @param afterwards called after each operation */
  constructor(afterwards?: () => void, names: ReadonlyMap<string, Inode> = new Map([['/', new Inode(true)]])) {
    this.#afterwards = afterwards
    for (const [path, inode] of names) this.#change({ add: { path, inode }, durable: true })
  }

  /** The disk after a power failure now. */
  crash(luck: Luck): MemoryFileSystem {
    const names = new Map<string, Inode>()
    for (const { add, remove, durable } of this.#changes) {
      if (!durable && !luck.keepsName()) continue
      if (remove !== undefined) names.delete(remove)
      if (add !== undefined) names.set(add.path, add.inode)
    }
    const copies = new Map<Inode, Inode>()
    for (const [path, inode] of names) {
      if (path !== '/' && names.get(dirname(path)) === undefined) {
        names.delete(path)
        continue
      }
      const copy = copies.get(inode) ?? new Inode(inode.directory)
      const kept = luck.keepsBytes(inode.data.length - inode.synced.length)
      copy.data = copy.synced = Buffer.from(inode.data.subarray(0, inode.synced.length + kept))
      copies.set(inode, copy)
      names.set(path, copy)
    }
    return new MemoryFileSystem(undefined, names)
  }

  /** Files below a directory with their bytes. */
  list(directory: string): Map<string, Buffer> {
    const files = [...this.#names].filter(([path, inode]) => !inode.directory && path.startsWith(`${directory}/`))
    return new Map(files.map(([path, inode]) => [path, inode.data]))
  }

  open: FileSystem['open'] = (path, how) => this.#step(() => {
    const found = this.#names.get(path)
    if (how === 'create' && found !== undefined) fail('EEXIST', path)
    if (how === 'directory' && found?.directory === false) fail('ENOTDIR', path)
    if (found === undefined && (how === 'read' || how === 'directory')) fail('ENOENT', path)
    const inode = found ?? this.#create(path, false)
    let open = true
    const step = <T>(work: () => T): Promise<T> => this.#step(() => (open ? work() : fail('EBADF', path)))
    return {
      read: (into, position) => step(() => inode.data.copy(into, 0, position, position + into.length)),
      size: () => step(() => inode.data.length),
      write: (data) => step(() => {
        inode.data = Buffer.concat([inode.data, data])
      }),
      sync: () => step(() => {
        if (inode.directory) this.#syncNames(path)
        else inode.synced = inode.data
      }),
      close: () => step(() => {
        open = false
      }),
    }
  })

  rename: FileSystem['rename'] = (from, to) => this.#step(() => {
    const inode = this.#names.get(from) ?? fail('ENOENT', from)
    if (!this.#names.has(dirname(to))) fail('ENOENT', to)
    this.#change({ remove: from, add: { path: to, inode }, durable: false })
  })

  unlink: FileSystem['unlink'] = (path) => this.#step(() => {
    if (!this.#names.has(path)) fail('ENOENT', path)
    this.#change({ remove: path, durable: false })
  })

  mkdir: FileSystem['mkdir'] = (path) => this.#step(() => {
    if (this.#names.has(path)) fail('EEXIST', path)
    this.#create(path, true)
  })

  readdir: FileSystem['readdir'] = (path) => this.#step(() => {
    if (!this.#names.has(path)) fail('ENOENT', path)
    return [...this.#names.keys()].filter((name) => name !== '/' && dirname(name) === path).map((name) => basename(name))
  })

  lstat: FileSystem['lstat'] = (path) => this.#step(() => {
    const inode = this.#names.get(path) ?? fail('ENOENT', path)
    return { kind: inode.directory ? 'directory' : 'file', size: inode.data.length, modifiedAt: inode.modifiedAt }
  })

  realpath: FileSystem['realpath'] = (path) => this.#step(() => (this.#names.has(path) ? path : fail('ENOENT', path)))

  #create(path: string, directory: boolean): Inode {
    if (!this.#names.has(dirname(path))) fail('ENOENT', path)
    const inode = new Inode(directory)
    this.#change({ add: { path, inode }, durable: false })
    return inode
  }

  #change(change: Change): void {
    this.#changes.push(change)
    if (change.remove !== undefined) this.#names.delete(change.remove)
    if (change.add !== undefined) this.#names.set(change.add.path, change.add.inode)
  }

  /** Makes the names of one directory durable. A rename is atomic: syncing either of its directories is enough. */
  #syncNames(directory: string): void {
    for (const change of this.#changes) {
      const touched = [change.add?.path, change.remove].some((path) => path !== undefined && dirname(path) === directory)
      if (touched) change.durable = true
    }
  }

  /** One operation, which like a real one takes a turn of the event loop. */
  async #step<T>(work: () => T): Promise<T> {
    await new Promise((resolve) => {
      setImmediate(resolve)
    })
    try {
      return work()
    } finally {
      this.#afterwards?.()
    }
  }
}

/** A disk with the directories of a fresh home, durably. */
export function memoryHome(home: string, afterwards?: () => void): MemoryFileSystem {
  return new MemoryFileSystem(afterwards, new Map(['/', home, `${home}/mail`].map((path) => [path, new Inode(true)])))
}
