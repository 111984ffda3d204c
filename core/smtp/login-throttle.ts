/**
 * Slows down networks that guess passwords. Each try counts as a failure until it proves right, so that many at once gain nothing, and
 * waits before the password is looked at, so that a client that hangs up early learns nothing. In memory: a restart forgets.
 */

/** Seconds after which a network that tried nothing more is forgotten. */
const FORGOTTEN_S = 15 * 60
const LONGEST_S = 20
/** Networks in memory; the one that has been there longest makes room. */
const MOST = 10_000

export interface Try {
  /** Milliseconds to wait before the password is looked at. */
  readonly wait: number
  /** The password was right: the try does not count. */
  right(): void
}

/** Where tries are counted: here, or in another process. */
export interface Throttle {
  begin(network: string): Try | Promise<Try>
}

export class LoginThrottle implements Throttle {
  readonly #networks = new Map<string, { failures: number; at: number }>()
  readonly #now: () => number

  /** @param now milliseconds that never go back */
  constructor(now: () => number) {
    this.#now = now
  }

  /** Nothing for the first failure, then 1, 2, 4, … seconds. */
  begin(network: string): Try {
    const now = this.#now()
    const before = this.#networks.get(network)
    const failures = before === undefined || now - before.at > FORGOTTEN_S * 1000 ? 0 : before.failures
    const entry = { failures: failures + 1, at: now }
    this.#networks.delete(network)
    this.#networks.set(network, entry)
    if (this.#networks.size > MOST) this.#networks.delete(this.#networks.keys().next().value!)
    const wait = failures === 0 ? 0 : Math.min(2 ** (failures - 1), LONGEST_S) * 1000
    return { wait, right: () => this.right(network) }
  }

  /** Networks with failures. */
  get size(): number {
    return this.#networks.size
  }

  /** One try of this network less. */
  right(network: string): void {
    const entry = this.#networks.get(network)
    if (entry === undefined) return
    entry.failures -= 1
    if (entry.failures <= 0) this.#networks.delete(network)
  }
}
