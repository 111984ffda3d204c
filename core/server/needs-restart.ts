/** Files whose edits a running server does not take up: the settings, and plugins trusted to run inside it. It says so, once for each edit. */
import { relative } from 'node:path'
import { fileStamp } from '../../config/snapshot.ts'

export class NeedsRestart {
  readonly #home: string
  readonly #warn: (message: string) => void
  /** Stamps as the server read the files, or as it last complained of. */
  readonly #known = new Map<string, string | undefined>()

  constructor(home: string, warn: (message: string) => void) {
    this.#home = home
    this.#warn = warn
  }

  /** Looks at these files, absolute: the first look is what the server runs with, a later difference is told. Never throws. */
  look(files: readonly string[]): void {
    for (const file of files) {
      const stamp = fileStamp(file)
      if (this.#known.has(file) && this.#known.get(file) !== stamp) {
        const name = file.startsWith(this.#home) ? relative(this.#home, file) : file
        this.#warn(`${name} was edited and needs a restart: this server goes on with what it read before`)
      }
      this.#known.set(file, stamp)
    }
  }
}
