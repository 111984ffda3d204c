/**
 * What stops starting a program that keeps failing, for a while. (The one in front of every line, core/host/breaker.ts, counts
 * answers and is slower to open: it starts nothing.) Pure: times are milliseconds of any clock that only goes forward.
 */

/** Failures within the window that open it: so many times a program is started in it, and no more. */
export const MOST_FAILURES = 6
const WINDOW_MS = 60_000
/** Waits before a program that failed is started again, by failures since its last answer; the last one repeats. */
const BACK_OFF_MS = [0, 100, 200, 400, 800, 1600] as const
const FIRST_REST_MS = 60_000
const LONGEST_REST_MS = 300_000

/** `closed`: ask. `open`: do not. `half-open`: one request may try whether it works again. */
export type StartBreakerState = 'closed' | 'open' | 'half-open'

export class StartBreaker {
  #failures: number[] = []
  /** Since the last answer. */
  #running = 0
  #restMs = FIRST_REST_MS
  /** When a probe may be made; undefined while closed. */
  #opensAgain: number | undefined

  state(now: number): StartBreakerState {
    if (this.#opensAgain === undefined) return 'closed'
    return now < this.#opensAgain ? 'open' : 'half-open'
  }

  /** Milliseconds to wait before the next start. */
  get wait(): number {
    return this.#running === 0 ? 0 : BACK_OFF_MS[Math.min(this.#running, BACK_OFF_MS.length) - 1]!
  }

  /** Milliseconds of rest, while it is open. */
  get restMs(): number {
    return this.#restMs
  }

  /** A program ended unasked, or had to be killed. @returns true when that opened the breaker, from closed */
  failed(now: number): boolean {
    this.#running++
    this.#failures = [...this.#failures.filter((time) => now - time < WINDOW_MS), now]
    if (this.#opensAgain !== undefined) {
      // One of several that failed together, or the probe.
      if (now < this.#opensAgain) return false
      this.#restMs = Math.min(this.#restMs * 2, LONGEST_REST_MS)
      this.#opensAgain = now + this.#restMs
      return false
    }
    if (this.#failures.length < MOST_FAILURES) return false
    this.#opensAgain = now + this.#restMs
    return true
  }

  /** A request was answered. @returns true when that closed the breaker */
  answered(now: number): boolean {
    this.#running = 0
    return this.state(now) === 'half-open' && this.reset()
  }

  /** Forgets everything: the program is another one now. @returns true when it was not closed */
  reset(): boolean {
    const was = this.#opensAgain !== undefined
    this.#failures = []
    this.#running = 0
    this.#restMs = FIRST_REST_MS
    this.#opensAgain = undefined
    return was
  }
}
