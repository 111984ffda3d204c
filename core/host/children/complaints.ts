/** The standard error of a program that stays: lines for a log, and no flood. */
import { textOf } from '../../../protocol/text.ts'

/** Lines told in one window; what is more is counted. */
const MOST_LINES = 50
const WINDOW_MS = 10_000
/** Bytes kept of one line. */
const MOST_BYTES = 1024
const LF = 0x0a
const CUT = ' …'

export class Complaints {
  readonly #tell: (lines: readonly string[]) => void
  #partial: Buffer[] = []
  #length = 0
  #told = 0
  #dropped = 0
  #window: NodeJS.Timeout | undefined

  /** @param tell lines as Text, without their end; empty ones are left out */
  constructor(tell: (lines: readonly string[]) => void) {
    this.#tell = tell
  }

  read(chunk: Buffer): void {
    const lines: string[] = []
    let start = 0
    for (let at = chunk.indexOf(LF); at !== -1; at = chunk.indexOf(LF, start)) {
      this.#keep(chunk.subarray(start, at))
      this.#take(lines)
      start = at + 1
    }
    this.#keep(chunk.subarray(start))
    if (lines.length > 0) this.#tell(lines)
  }

  /** The program has ended: what is left, and how much was not told. */
  end(): void {
    const lines: string[] = []
    this.#take(lines)
    if (lines.length > 0) this.#tell(lines)
    this.#turn()
  }

  #keep(piece: Buffer): void {
    const room = MOST_BYTES - this.#length
    // Copied: a slice would keep the whole chunk.
    if (room > 0 && piece.length > 0) this.#partial.push(Buffer.from(piece.subarray(0, room)))
    this.#length += piece.length
  }

  /** Ends the line. */
  #take(lines: string[]): void {
    const text = textOf(Buffer.concat(this.#partial))
    const cut = this.#length > MOST_BYTES
    this.#partial = []
    this.#length = 0
    if (text === '') return
    this.#window ??= setTimeout(() => this.#turn(), WINDOW_MS)
    if (this.#told >= MOST_LINES) {
      this.#dropped++
      return
    }
    this.#told++
    lines.push(cut ? text + CUT : text)
  }

  #turn(): void {
    clearTimeout(this.#window)
    this.#window = undefined
    const dropped = this.#dropped
    this.#told = 0
    this.#dropped = 0
    if (dropped > 0) this.#tell([`… ${dropped} lines more`])
  }
}
