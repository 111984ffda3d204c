/** Where a server meets its clients: in its own process, or in others that serve sessions for it. */
import type { Problem } from '../../config/problem.ts'
import type { Settings } from '../../config/settings.ts'
import { HeliosError } from '../error.ts'
import type { Generation } from '../host/generation.ts'
import type { Reloader } from '../host/reloader.ts'
import type { Logger } from '../log.ts'
import type { Queue } from '../queue/queue.ts'
import type { Admit } from '../smtp/connection.ts'
import type { TicketSecret } from '../tls/tickets.ts'
import type { HomeRecorder } from '../trace/recorder.ts'
import { bindAll, type Listener, type Told } from './listeners.ts'
import type { House } from './serve.ts'
import { admitTo, type SessionDeps } from './sessions.ts'
import type { WorkerStatus } from './status-file.ts'

/** Seconds that running sessions and deliveries get to finish. */
export const STOP_SECONDS = 25

/** What stands behind the sessions. */
export interface Behind {
  readonly log: Logger
  readonly house: House
  readonly reloader: Reloader
  readonly queue: Queue
  readonly trace: HomeRecorder
  /** For sessions in this process. */
  readonly sessions: SessionDeps
  /** The secret of TLS session tickets that is in force. */
  readonly tickets: () => TicketSecret
}

export interface Front {
  readonly addresses: readonly { readonly service: string; readonly address: string }[]
  /** Those of this process. */
  readonly listeners: readonly Listener[]
  /** Serves what has connected since it was bound, and what will. Rejects with HeliosError when it cannot. */
  begin(behind: Behind): Promise<void>
  sessions(): number
  /** Lines that rest in other processes (`lineKey`). */
  resting(): ReadonlySet<string>
  /** Other processes that serve sessions; undefined when there are none. */
  workers(): readonly WorkerStatus[] | undefined
  /** Every process has looked at the files. What kept one of them from the generation that the server has. */
  look(): Promise<readonly Problem[]>
  /** The server has a new generation. */
  loaded(generation: Generation): void
  /** For handshakes in other processes. */
  renewTickets(secret: TicketSecret): void
  /** What kept a process from the present generation at the last look. */
  trouble(): { readonly at: number; readonly problems: readonly Problem[] } | undefined
  /** Stops listening and lets running sessions finish; after the bound they are ended. Twice does no harm. */
  close(): Promise<void>
}

/** Sessions in this process. Rejects with HeliosError `cannot-listen`. */
export async function ownFront(settings: Settings, told: Told): Promise<Front> {
  const ready = Promise.withResolvers<SessionDeps>()
  ready.promise.catch(() => undefined)
  const listeners = await bindAll(settings.listeners, (listener) => {
    let admit: Admit | undefined
    return async (peer, port) => (admit ??= admitTo(listener, await ready.promise))(peer, port)
  }, told)
  return {
    addresses: listeners.map(({ settings: { service }, address }) => ({ service, address })),
    listeners,
    begin: async ({ sessions }) => ready.resolve(sessions),
    sessions: () => countSessions(listeners),
    resting: () => new Set(),
    workers: () => undefined,
    look: async () => [],
    loaded: () => {},
    renewTickets: () => {},
    trouble: () => undefined,
    close: () => {
      ready.reject(new HeliosError('not-started', 'the server did not start', { fault: 'operator', mend: 'see its messages' }))
      return finishAll(listeners)
    },
  }
}

export function countSessions(listeners: readonly Listener[]): number {
  return listeners.reduce((sum, { engine }) => sum + engine.count, 0)
}

/** Twice does no harm. */
export async function finishAll(listeners: readonly Listener[]): Promise<void> {
  await Promise.all(listeners.map(({ engine }) => engine.finish(STOP_SECONDS * 1000)))
}
