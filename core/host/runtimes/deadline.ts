/** The time a handler has. It stands still while the handler sleeps through its world. */
export class Deadline {
  readonly #expired: () => void
  #left: number
  #since: number
  #sleepers = 0
  #timer: NodeJS.Timeout | undefined
  #armed = false
  #over = false

  /** @param ms from now. The clock is only watched after `arm`. */
  constructor(ms: number, expired: () => void) {
    this.#left = ms
    this.#since = performance.now()
    this.#expired = expired
  }

  /** Watches the clock: a handler that has answered already needs no timer. */
  arm(): void {
    this.#armed = true
    if (this.#sleepers === 0) this.#watch()
  }

  /** One sleep more or less; the clock runs while there is none. */
  sleep(asleep: boolean): void {
    if (this.#over) return
    if (asleep && this.#sleepers++ === 0) {
      clearTimeout(this.#timer)
      this.#left -= performance.now() - this.#since
    } else if (!asleep && --this.#sleepers === 0) {
      this.#since = performance.now()
      if (this.#armed) this.#watch()
    }
  }

  stop(): void {
    this.#over = true
    clearTimeout(this.#timer)
  }

  #watch(): void {
    const left = this.#left - (performance.now() - this.#since)
    this.#timer = setTimeout(() => {
      this.stop()
      this.#expired()
    }, Math.max(left, 0))
  }
}
