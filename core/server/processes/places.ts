/**
 * Sockets that are bound here and served by other processes. The main process keeps them open, so a port below 1024 outlives every
 * process that serves it, and what waits to be accepted is not lost with one; it accepts nothing itself.
 */
import { lookup } from 'node:dns/promises'
import * as net from 'node:net'
import { getSystemErrorName } from 'node:util'
import type { ListenerSettings } from '../../../config/settings.ts'
import { addressOf, cannotListen } from '../listeners.ts'

export interface Place {
  readonly settings: ListenerSettings
  /** `127.0.0.1:2525`, `[::1]:25`: the real port. */
  readonly address: string
  /** To be inherited. */
  readonly fd: number
  close(): void
}

interface Handle {
  readonly fd: number
  getsockname(into: object): number
  close(): void
}

/**
 * node:net has no word for "bind, and leave accepting to somebody else"; this is what node:cluster calls for it. A number is the
 * system's error, negative.
 */
const { _createServerHandle: bindHandle } = net as unknown as {
  _createServerHandle(address: string, port: number, family: 4 | 6): Handle | number
}

/** Binds every listener. Throws HeliosError `cannot-listen`; then none stays bound. */
export async function bindPlaces(settings: readonly ListenerSettings[]): Promise<readonly Place[]> {
  const bound: Place[] = []
  try {
    for (const listener of settings) bound.push(bind(listener, await addressFor(listener)))
    return bound
  } catch (cause) {
    for (const place of bound) place.close()
    throw cause
  }
}

function bind(settings: ListenerSettings, address: string): Place {
  const handle = bindHandle(address, settings.port, net.isIPv6(address) ? 6 : 4)
  if (typeof handle === 'number') throw cannotListen(settings, systemError(handle))
  const name: { address?: string; port?: number; family?: string } = {}
  // An address that is taken shows here only.
  const error = handle.getsockname(name)
  if (error !== 0) {
    handle.close()
    throw cannotListen(settings, systemError(error))
  }
  return { settings, address: addressOf({ address: name.address!, port: name.port!, family: name.family! }), fd: handle.fd, close: () => handle.close() }
}

/** A host name as listeners may have it. */
async function addressFor(settings: ListenerSettings): Promise<string> {
  if (net.isIP(settings.host) !== 0) return settings.host
  try {
    return (await lookup(settings.host)).address
  } catch (cause) {
    throw cannotListen(settings, cause as NodeJS.ErrnoException)
  }
}

function systemError(number: number): NodeJS.ErrnoException {
  const code = getSystemErrorName(number)
  return Object.assign(new Error(code), { code })
}
