/**
 * Group commit for directories: a new or removed name is durable once its directory is synced, and one
 * fsync serves everybody who asked before it began. So a hundred messages at a time cost a few syncs.
 */
import type { FileSystem } from './file-system.ts'

interface Turn {
  readonly running: Promise<void>
  /** The fsync that will begin when `running` is over, once somebody has asked for it. */
  next: Promise<void> | undefined
}

export class DirectorySync {
  readonly #fs: FileSystem
  readonly #turns = new Map<string, Turn>()

  constructor(fs: FileSystem) {
    this.#fs = fs
  }

  /**
   * Resolves when an fsync of the directory that began after this call has succeeded; rejects with the system's error
   * when that one failed. A failed fsync says nothing about names it covered: the caller must not trust its own.
   */
  sync(path: string): Promise<void> {
    const turn = this.#turns.get(path)
    if (turn === undefined) return this.#begin(path)
    turn.next ??= turn.running.then(() => this.#begin(path), () => this.#begin(path))
    return turn.next
  }

  #begin(path: string): Promise<void> {
    const turn: Turn = { running: this.#run(path), next: undefined }
    this.#turns.set(path, turn)
    const over = (): void => {
      if (turn.next === undefined) this.#turns.delete(path)
    }
    turn.running.then(over, over)
    return turn.running
  }

  async #run(path: string): Promise<void> {
    const directory = await this.#fs.open(path, 'directory')
    try {
      await directory.sync()
    } finally {
      // Nothing was written through it: closing has nothing to report.
      await directory.close().catch(() => undefined)
    }
  }
}
