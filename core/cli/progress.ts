/** A bar that grows while something long is done, on a terminal; nothing anywhere else. */
import type { Io } from './command.ts'

const CELLS = 30
/** Milliseconds between two looks. */
const PACE = 100

export class Progress {
  readonly #io: Pick<Io, 'ask' | 'terminal'>
  #shown = -Infinity
  #length = 0

  constructor(io: Pick<Io, 'ask' | 'terminal'>) {
    this.#io = io
  }

  /** @param total 0 where it is not known */
  show(what: string, done: number, total: number): void {
    const now = performance.now()
    const over = total > 0 && done >= total
    if (!this.#io.terminal || (now - this.#shown < PACE && !over)) return
    this.#shown = now
    const line = total === 0 ? `${what} ${number(done)}` : `${what} [${bar(done / total)}] ${Math.floor(Math.min(done / total, 1) * 100)} % of ${number(total)}`
    this.#io.ask(`\r${line.padEnd(this.#length)}`)
    this.#length = line.length
  }

  /** Leaves the line to what comes. */
  clear(): void {
    if (this.#length > 0) this.#io.ask(`\r${' '.repeat(this.#length)}\r`)
    this.#length = 0
  }
}

function bar(share: number): string {
  return '#'.repeat(Math.min(CELLS, Math.round(share * CELLS))).padEnd(CELLS, '.')
}

function number(value: number): string {
  return value.toLocaleString('en')
}
