/** Files whose edits a running server does not take up: the settings, and plugins trusted to run inside it. It says so, once for each edit. */
import { relative } from 'node:path'
import { fileStamp } from '../../config/snapshot.ts'

interface Known {
  /** As the server read it. */
  readonly read: string | undefined
  /** As it was when last looked at. */
  readonly seen: string | undefined
}

export class NeedsRestart {
  readonly #home: string
  readonly #warn: (message: string) => void
  /** Stamps by file, absolute. */
  readonly #known = new Map<string, Known>()
  #watched: readonly string[] = []

  constructor(home: string, warn: (message: string) => void) {
    this.#home = home
    this.#warn = warn
  }

  /** Looks at these files, absolute: the first look is what the server runs with, a later difference is told. Never throws. */
  look(files: readonly string[]): void {
    this.#watched = files
    for (const file of files) {
      const stamp = fileStamp(file)
      const known = this.#known.get(file)
      if (known !== undefined && known.seen !== stamp) {
        this.#warn(`${this.#nameOf(file)} was edited and needs a restart: this server goes on with what it read before`)
      }
      this.#known.set(file, { read: known === undefined ? stamp : known.read, seen: stamp })
    }
  }

  /** Those of the files looked at last that stand otherwise than the server read them, by the names an operator knows. */
  edited(): readonly string[] {
    return this.#watched.filter((file) => this.#known.get(file)?.read !== this.#known.get(file)?.seen).map((file) => this.#nameOf(file))
  }

  #nameOf(file: string): string {
    return file.startsWith(`${this.#home}/`) ? relative(this.#home, file) : file
  }
}
