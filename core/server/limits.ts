/** How many connections a network has at a time, over all listeners. */
import type { Limits } from '../../config/limits.ts'
import { isLoopback, networkOf } from '../../protocol/network.ts'

export interface ConnectionCount {
  /**
   * Counts a connection from this address. Undefined: its network has as many as it may already. Else what to call, once
   * or more often, when the connection is over.
   */
  take(ip: string, limits: Limits): MaybePromise<(() => void) | undefined>
}

type MaybePromise<T> = T | Promise<T>

/** Bounded by the connections there are: a network without one is forgotten. */
export class Connections implements ConnectionCount {
  readonly #counts = new Map<string, number>()

  take(ip: string, { connections, ipv4Network, ipv6Network }: Limits): (() => void) | undefined {
    return this.takeFrom(networkOf(ip, ipv4Network, ipv6Network), connections)
  }

  /** @param most connections of this network; 0: no limit */
  takeFrom(network: string, most: number): (() => void) | undefined {
    const count = this.#counts.get(network) ?? 0
    if (most > 0 && count >= most) return undefined
    this.#counts.set(network, count + 1)
    let over = false
    return () => {
      if (over) return
      over = true
      const left = this.#counts.get(network)! - 1
      if (left === 0) this.#counts.delete(network)
      else this.#counts.set(network, left)
    }
  }

  /** Networks with a connection. */
  get size(): number {
    return this.#counts.size
  }
}

/**
 * The limits a session begins with. Clients that may relay, and this machine itself, have as many connections as they
 * like: they are the operator's own, or come from a proxy that says nothing of its clients. A LIMITS of their own counts.
 */
export function startingLimits(limits: Limits, ip: string, env: Readonly<Record<string, string>>): Limits {
  return env['RELAYCLIENT'] !== undefined || isLoopback(ip) ? { ...limits, connections: 0 } : limits
}
