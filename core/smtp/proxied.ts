/** Waits for the PROXY header of a connection that one of the named proxies has made. */
import type { Socket } from 'node:net'
import { parseProxyHeader, type ProxiedAddresses } from '../../protocol/proxy/header.ts'

/** What the proxy says, or why the connection is of no use. */
export type Proxied =
  | { readonly addresses: ProxiedAddresses | undefined }
  /** Without a fault it never began, as checks of load balancers do. */
  | { readonly fault: string | undefined }

/**
 * Takes the header off the socket; what stands behind it stays to be read, and nothing is written. Never rejects. A proxy
 * sends the header at once, so `patienceMs` is the time for all of it.
 */
export function readProxied(socket: Socket, patienceMs: number): Promise<Proxied> {
  return new Promise((resolve) => {
    let bytes = Buffer.alloc(0)
    const done = (proxied: Proxied): void => {
      clearTimeout(late)
      for (const [event, listener] of Object.entries(listeners)) socket.off(event, listener)
      // A late error must find somebody.
      socket.on('error', () => {})
      resolve(proxied)
    }
    const read = (): void => {
      for (let chunk = socket.read() as Buffer | null; chunk !== null; chunk = socket.read() as Buffer | null) {
        bytes = Buffer.concat([bytes, chunk])
        const header = parseProxyHeader(bytes)
        if (header.kind === 'more') continue
        if (header.kind === 'bad') return done({ fault: header.reason })
        if (header.length < bytes.length) socket.unshift(bytes.subarray(header.length))
        return done({ addresses: header.addresses })
      }
    }
    const ended = (): void => done({ fault: bytes.length === 0 ? undefined : 'it ended in the middle' })
    const listeners = { readable: read, end: ended, close: ended, error: ended }
    const late = setTimeout(() => done({ fault: 'it did not come in time' }), patienceMs)
    for (const [event, listener] of Object.entries(listeners)) socket.on(event, listener)
    read()
  })
}
