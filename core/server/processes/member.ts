/** One process that serves sessions, seen from the main process of the server. */
import { spawn, type ChildProcess } from 'node:child_process'
import type { Duplex, Readable } from 'node:stream'
import type { Problem } from '../../../config/problem.ts'
import type { Settings } from '../../../config/settings.ts'
import { openChannel, type Channel } from '../../host/children/channel.ts'
import { moduleFile } from '../../paths.ts'
import type { LoginThrottle } from '../../smtp/login-throttle.ts'
import type { TicketSecret } from '../../tls/tickets.ts'
import { readTracePipe } from '../../trace/pipe.ts'
import type { Full, Most } from '../limits.ts'
import { CHANNEL_FD, MAX_LINE, TRACE_FD, type Lead, type MemberState, type Notice, type Order } from './wire.ts'

export interface MemberOptions {
  readonly settings: Settings
  /** From 1. */
  readonly number: number
  readonly mark: string
  readonly pepper: Uint8Array
  readonly tickets: TicketSecret
  readonly throttle: LoginThrottle
  /** The listeners' sockets. */
  readonly sockets: readonly number[]
  /** Whole lines of its trace. */
  trace(lines: Buffer): void
  accepted(notice: Extract<Notice, { readonly notice: 'accepted' | 'stored' }>): void
  lead(): Promise<Lead>
  /** Counts a connection; what to call when it is over, or what is full. */
  take(network: string, most: Most): (() => void) | Full
}

export class Member {
  readonly startedAt = Date.now()
  readonly mark: string
  /** Resolves once it serves. Rejects with why it does not. */
  readonly ready: Promise<void>
  /** Resolves with how it ended, once nothing more of it can come. */
  readonly ended: Promise<string>
  state: MemberState = { sessions: 0, generation: 0, resting: [] }
  readonly #options: MemberOptions
  /** Undefined where the system made none. */
  readonly #child: ChildProcess | undefined
  readonly #channel: Channel<Order>
  readonly #taken = new Map<number, () => void>()
  readonly #looks = new Map<number, (problems: readonly Problem[]) => void>()
  #nextLook = 1
  #reasons: readonly string[] = []
  #silent = 0

  constructor(options: MemberOptions) {
    this.#options = options
    this.mark = options.mark
    const { promise: ready, resolve, reject } = Promise.withResolvers<void>()
    this.ready = ready
    ready.catch(() => undefined)
    const child = spawnChild(options.sockets)
    this.#child = child instanceof Error ? undefined : child
    const exited = child instanceof Error ? Promise.resolve(notStarted(child)) : new Promise<string>((ended) => {
      child.once('error', (error) => ended(notStarted(error)))
      child.once('exit', (code, signal) => ended(signal ?? `exit status ${code}`))
    })
    // A process that could not be made has no streams; out of descriptors, it has not even a place for them.
    const stdio = (this.#child?.stdio ?? []) as readonly unknown[]
    const [socket, pipe] = [stdio[CHANNEL_FD] as Duplex | undefined, stdio[TRACE_FD] as Readable | undefined]
    const closed = Promise.withResolvers<void>()
    const traced = Promise.withResolvers<void>()
    if (socket === undefined || pipe === undefined) {
      this.#channel = { send: () => {}, sendNow: () => {}, close: () => {} }
      closed.resolve()
      traced.resolve()
    } else {
      this.#channel = openChannel<Notice, Order>(socket, MAX_LINE, {
        received: (notice) => {
          this.#silent = 0
          if (notice.notice === 'ready') resolve()
          else this.#hear(notice)
        },
        closed: () => {
          // Without its channel it can tell nobody what it accepts.
          this.kill()
          closed.resolve()
        },
      })
      readTracePipe(pipe, options.settings.trace.maxBytes, (lines) => options.trace(lines))
      pipe.once('close', () => traced.resolve())
      try {
        this.#channel.sendNow({
          order: 'begin', settings: options.settings, number: options.number, mark: options.mark, pepper: Buffer.from(options.pepper).toString('base64'),
          tickets: options.tickets.toString('base64'),
        })
      } catch (cause) {
        // Left alone it would wait for its order for ever, and this process for it.
        this.#reasons = [(cause as Error).message]
        this.kill()
      }
    }
    this.ended = Promise.all([exited, closed.promise, traced.promise]).then(([how]) => {
      this.#over()
      const why = [how, ...this.#reasons].join(': ')
      reject(new Error(why))
      return why
    })
  }

  get pid(): number | undefined {
    return this.#child?.pid
  }

  /** It has looked at the files; what keeps it from the generation in force. */
  look(): Promise<readonly Problem[]> {
    const ask = this.#nextLook++
    return new Promise((resolve) => {
      this.#looks.set(ask, resolve)
      this.#channel.send({ order: 'look', ask })
    })
  }

  renewTickets(secret: TicketSecret): void {
    this.#channel.send({ order: 'tickets', secret: secret.toString('base64') })
  }

  /** Tells it to let its sessions finish and to end. */
  finish(): void {
    this.#channel.sendNow({ order: 'finish' })
  }

  kill(): void {
    this.#child?.kill('SIGKILL')
  }

  /** How often this was asked since it was heard last. */
  silence(): number {
    return this.#silent++
  }

  #hear(notice: Exclude<Notice, { readonly notice: 'ready' }>): void {
    switch (notice.notice) {
      case 'failed':
        this.#reasons = notice.reasons
        return
      case 'state':
        this.state = notice.state
        return
      case 'accepted':
      case 'stored':
        return this.#options.accepted(notice)
      case 'lead':
        void this.#options.lead().then((lead) => this.#channel.send({ order: 'lead', to: notice.ask, lead }))
        return
      case 'looked':
        this.#looks.get(notice.to)?.(notice.problems)
        this.#looks.delete(notice.to)
        return
      case 'take': {
        const release = this.#options.take(notice.network, notice.most)
        if (typeof release === 'string') return this.#channel.send({ order: 'taken', to: notice.ask, full: release })
        this.#taken.set(notice.ask, release)
        return this.#channel.send({ order: 'taken', to: notice.ask })
      }
      case 'release':
        this.#taken.get(notice.taken)?.()
        this.#taken.delete(notice.taken)
        return
      case 'try':
        return this.#channel.send({ order: 'try', to: notice.ask, ...this.#options.throttle.count(notice.guess) })
      case 'right':
      case 'wrong':
      case 'undo':
        this.#options.throttle[notice.notice](notice.counted)
    }
  }

  /** What it held is nobody's any more, and who waits for it need not. */
  #over(): void {
    for (const release of this.#taken.values()) release()
    this.#taken.clear()
    for (const looked of this.#looks.values()) looked([])
    this.#looks.clear()
  }
}

/** Some of what keeps a process from being made is thrown (ENOMEM), the rest comes as the event `error`. */
function spawnChild(sockets: readonly number[]): ChildProcess | Error {
  try {
    return spawn(process.execPath, [...process.execArgv, '--disable-warning=ExperimentalWarning', moduleFile('core/server/processes/child')], {
      stdio: ['ignore', 'ignore', 'inherit', 'pipe', 'pipe', ...sockets],
    })
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error))
  }
}

function notStarted(error: Error): string {
  return `it does not start: ${error.message}`
}
