/** The sockets: bound first, served once everything behind them is ready. */
import type { AddressInfo } from 'node:net'
import type { ListenerSettings } from '../../config/settings.ts'
import { HeliosError } from '../error.ts'
import { Engine, type Admit, type EngineOptions } from '../smtp/connection.ts'

export interface Listener {
  readonly settings: ListenerSettings
  readonly engine: Engine
  /** `127.0.0.1:2525`, `[::1]:25`: the real port. */
  readonly address: string
}

/** Who hears of what goes wrong. */
export type Told = Pick<EngineOptions, 'failed' | 'unproxied'>

/** Connections that wait to be accepted; the system has its own bound. What finds it full hangs at the client until it gives up. */
const BACKLOG = 4096

/**
 * Binds every listener. Rejects with HeliosError `cannot-listen`; then none stays bound.
 * @param inherited descriptors of sockets that another process has bound, in the order of the listeners
 */
export async function bindAll(
  settings: readonly ListenerSettings[], admit: (listener: ListenerSettings) => Admit, told: Told, inherited: readonly number[] = [],
): Promise<readonly Listener[]> {
  const bound: Listener[] = []
  try {
    for (const [index, listener] of settings.entries()) bound.push(await bind(listener, admit(listener), told, inherited[index]))
    return bound
  } catch (cause) {
    for (const { engine } of bound) engine.close()
    throw cause
  }
}

async function bind(settings: ListenerSettings, admit: Admit, told: Told, fd?: number): Promise<Listener> {
  const implicitTls = settings.tls !== false && settings.tls.mode === 'implicit'
  const engine = new Engine({ admit, timeoutSeconds: 1200, proxies: settings.proxy, implicitTls, ...told })
  await new Promise<void>((resolve, reject) => {
    const refused = (cause: NodeJS.ErrnoException): void => reject(cannotListen(settings, cause))
    engine.server.once('error', refused)
    engine.listen({ ...(fd === undefined ? { port: settings.port, host: settings.host } : { fd }), backlog: BACKLOG }, () => {
      engine.server.off('error', refused)
      resolve()
    })
  })
  return { settings, engine, address: addressOf(engine.server.address() as AddressInfo) }
}

export function addressOf({ address, port, family }: AddressInfo): string {
  return family === 'IPv6' ? `[${address}]:${port}` : `${address}:${port}`
}

export function cannotListen({ service, host, port }: ListenerSettings, cause: NodeJS.ErrnoException): HeliosError {
  const mend = cause.code === 'EADDRINUSE' ? 'stop what listens there, or give the listener another port in the settings'
    : cause.code === 'EACCES' ? 'ports below 1024 need root: start as root with "user" in the settings, or choose a higher port'
      : 'correct host and port of the listener in the settings'
  return new HeliosError('cannot-listen', `${service} cannot listen on ${host} port ${port}: ${cause.code ?? cause.message}`, {
    fault: 'operator', mend, cause,
  })
}
