/** How many connections a network has at a time, and all together, over all listeners. */
import type { Limits } from '../../config/limits.ts'
import { isLoopback, networkOf } from '../../protocol/network.ts'

export interface ConnectionCount {
  /**
   * Counts a connection from this address. What is full, where it may not be; else what to call, once or more often, when the
   * connection is over.
   */
  take(ip: string, limits: Limits): MaybePromise<(() => void) | Full>
}

/** The server has as many connections as it may, or the network has. */
export type Full = 'server' | 'network'

/** Connections that are allowed, of a network and in all; 0: no limit. */
export type Most = Pick<Limits, 'connections' | 'allConnections'>

type MaybePromise<T> = T | Promise<T>

/** Bounded by the connections there are: a network without one is forgotten. */
export class Connections implements ConnectionCount {
  readonly #counts = new Map<string, number>()
  #all = 0

  take(ip: string, limits: Limits): (() => void) | Full {
    return this.takeFrom(networkOf(ip, limits.ipv4Network, limits.ipv6Network), limits)
  }

  takeFrom(network: string, { connections, allConnections }: Most): (() => void) | Full {
    const count = this.#counts.get(network) ?? 0
    if (connections > 0 && count >= connections) return 'network'
    if (allConnections > 0 && this.#all >= allConnections) return 'server'
    this.#counts.set(network, count + 1)
    this.#all += 1
    let over = false
    return () => {
      if (over) return
      over = true
      this.#all -= 1
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
