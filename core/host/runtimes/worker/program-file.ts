/** Tells when the file of a program has become another one, looking at it no more than once a second. */
import { stat } from 'node:fs/promises'
import { setTimeout as delay } from 'node:timers/promises'
import { bytesOf } from '../../../../protocol/text.ts'

const LOOK_EVERY_MS = 1000
/** A file counts once it has stood unchanged for so long: half of a program is none. */
const SETTLE_MS = 100

export class ProgramFile {
  readonly #path: Buffer
  readonly #changed: () => void
  #stamp: Promise<string | undefined> | undefined
  #lookedAt = -Infinity
  #looking = false

  /** @param path absolute, Text; @param changed told once for each change */
  constructor(path: string, changed: () => void) {
    this.#path = bytesOf(path)
    this.#changed = changed
  }

  /** To be called when the first process is started: this is what it runs. */
  remember(): void {
    this.#stamp = stampOf(this.#path)
  }

  /** @param now milliseconds of a clock that only goes forward */
  look(now: number): void {
    if (this.#looking || this.#stamp === undefined || now - this.#lookedAt < LOOK_EVERY_MS) return
    this.#lookedAt = now
    this.#looking = true
    void this.#compare(this.#stamp).finally(() => { this.#looking = false })
  }

  async #compare(known: Promise<string | undefined>): Promise<void> {
    const stamp = await stampOf(this.#path)
    // A file that is away for a moment is being replaced.
    if (stamp === undefined || stamp === await known) return
    await delay(SETTLE_MS)
    if (await stampOf(this.#path) !== stamp) return
    this.#stamp = Promise.resolve(stamp)
    this.#changed()
  }
}

async function stampOf(path: Buffer): Promise<string | undefined> {
  try {
    const { mtimeNs, ctimeNs, size, ino } = await stat(path, { bigint: true })
    return `${mtimeNs}.${ctimeNs}.${size}.${ino}`
  } catch {
    return undefined
  }
}
