/**
 * How often somebody may end a process. After so many ends within a while it rests, for every start costs all who
 * share the process; then one call tries it. (The breaker of a line counts failures of any kind, and in a row.)
 */

export interface RestartLimits {
  /** Ends within the window. */
  readonly most: number
  readonly windowMs: number
  readonly restMs: number
  /** Milliseconds of any clock that only goes forward. Default: performance.now. */
  readonly now?: () => number
}

export class Restarts {
  readonly #limits: RestartLimits
  readonly #now: () => number
  #ends: readonly number[] = []
  #restUntil: number | undefined
  #probing = false

  constructor(limits: RestartLimits) {
    this.#limits = limits
    this.#now = limits.now ?? (() => performance.now())
  }

  /** True when it may be asked. After the rest true for one caller, until that one has `succeeded`, `failed` or `withdrawn`. */
  allows(): boolean {
    if (this.#restUntil === undefined) return true
    if (this.#now() < this.#restUntil || this.#probing) return false
    this.#probing = true
    return true
  }

  /** @returns true when this end begins the rest, which is worth telling */
  failed(): boolean {
    const now = this.#now()
    const resting = this.#restUntil !== undefined
    this.#ends = [...this.#ends.filter((at) => now - at < this.#limits.windowMs), now]
    if (!resting && this.#ends.length < this.#limits.most) return false
    this.#probing = false
    this.#restUntil = now + this.#limits.restMs
    return !resting
  }

  /** @returns true when this success ends the rest */
  succeeded(): boolean {
    if (!this.#probing) return false
    this.#probing = false
    this.#restUntil = undefined
    this.#ends = []
    return true
  }

  /** The probe ended without telling anything. */
  withdrawn(): void {
    this.#probing = false
  }
}
