/**
 * The connections to database servers: few of them, made when they are needed, tried server by server, and given up
 * when they are slow. Waiting is bounded in time and number, so that a database that is down costs each session one
 * answer and never the server its memory.
 */
import type { Connection } from '../../../protocol/qmail/qmailconfig.ts'
import { WorldUnavailable } from '../../plugin/world.ts'
import { within, type Answer, type Limits, type OpenWire, type Wire } from './wire.ts'

export interface PoolOptions {
  readonly open: OpenWire
  /** Tried in turn, beginning with the one that answered last. At least one. */
  readonly servers: readonly Connection[]
  readonly limits: Limits
  /** Connections at the same time, 8 when absent. */
  readonly most?: number
  /** Milliseconds on a clock that only goes forward. */
  readonly clock?: () => number
}

/** A connection that is in use. */
export interface Lease {
  query(sql: string, parameters: readonly unknown[], prepared: boolean): Promise<Answer>
  /** Gives it back. */
  release(): void
  /** Ends it: nobody gets it any more. */
  end(): void
}

const MOST = 8
/** Questions that wait for a connection. Each is a session, so this is far above what a healthy server meets. */
const MOST_WAITING = 1000
/** After no server could be reached: milliseconds in which nobody tries again. */
const REST = 1000

interface Waiting {
  resolve(lease: Lease): void
  reject(error: unknown): void
}

export class Pool {
  readonly #options: PoolOptions
  readonly #clock: () => number
  readonly #idle: Wire[] = []
  readonly #open = new Set<Wire>()
  readonly #waiting = new Set<Waiting>()
  #connecting = 0
  #first = 0
  #failure: { readonly until: number; readonly error: WorldUnavailable } | undefined
  #closed = false

  constructor(options: PoolOptions) {
    this.#options = options
    this.#clock = options.clock ?? (() => performance.now())
  }

  /** A connection for several questions, a transaction for example. Rejects with WorldUnavailable. */
  async acquire(): Promise<Lease> {
    if (this.#closed) throw new WorldUnavailable('the connection to the account database was closed')
    const idle = this.#idle.pop()
    if (idle !== undefined) return this.#lease(idle)
    const failure = this.#failure
    if (failure !== undefined && this.#clock() < failure.until) throw failure.error
    if (this.#waiting.size >= MOST_WAITING) throw new WorldUnavailable(`${MOST_WAITING} questions wait for the account database already`)
    return this.#wait()
  }

  /** One question. A connection that turns out to be dead before it answers is replaced once, for questions that do no harm when they are asked twice; one whose statements no longer fit, always. */
  async ask(sql: string, parameters: readonly unknown[]): Promise<Answer> {
    for (let attempt = 1; ; attempt += 1) {
      const lease = await this.acquire()
      try {
        return await lease.query(sql, parameters, true)
      } catch (error) {
        if (isForgottenStatement(error)) lease.end()
        else if (attempt > 1 || !isLostConnection(error)) throw error
        // Of all that stand each may have to go.
        if (attempt > (this.#options.most ?? MOST)) throw error
      } finally {
        lease.release()
      }
    }
  }

  /** Ends idle connections now and those in use when they come back. */
  close(): void {
    this.#closed = true
    for (const wire of this.#idle.splice(0)) wire.destroy()
    this.#rejectAll(new WorldUnavailable('the connection to the account database was closed'))
  }

  /** Waits for a connection that is given back or made; the time is that of one whole round of attempts. */
  async #wait(): Promise<Lease> {
    const { promise, resolve, reject } = Promise.withResolvers<Lease>()
    const waiting: Waiting = { resolve, reject }
    this.#waiting.add(waiting)
    this.#connectMore()
    const { limits, servers } = this.#options
    const longest = limits.connect * servers.length + limits.query
    return within(limits.connect === 0 || limits.query === 0 ? 0 : longest, promise, () => {
      this.#waiting.delete(waiting)
      return new WorldUnavailable(`no connection to the account database was free within ${longest / 1000} s`)
    })
  }

  /** As many attempts as questions wait, but only one while no connection stands: a server that is down is knocked at once. */
  #connectMore(): void {
    const most = this.#options.most ?? MOST
    const room = this.#open.size === 0 ? 1 : most - this.#open.size
    while (this.#connecting < Math.min(room, this.#waiting.size)) {
      this.#connecting += 1
      void this.#connect().finally(() => {
        this.#connecting -= 1
        if (this.#waiting.size > 0 && !this.#closed && this.#failure === undefined) this.#connectMore()
      })
    }
  }

  /** Tries the servers in turn. Never rejects. */
  async #connect(): Promise<void> {
    const { servers, open, limits } = this.#options
    const reasons: string[] = []
    for (let turn = 0; turn < servers.length; turn += 1) {
      const index = (this.#first + turn) % servers.length
      const server = servers[index]!
      try {
        const held: { wire?: Wire; lost?: true } = {}
        const wire = await open(server, limits, () => {
          held.lost = true
          if (held.wire !== undefined) this.#forget(held.wire)
        })
        held.wire = wire
        if (held.lost === true) throw new Error('the connection ended at once')
        this.#first = index
        this.#failure = undefined
        this.#open.add(wire)
        this.#giveBack(wire)
        return
      } catch (error) {
        reasons.push(`${placeOf(server)}: ${reasonOf(error)}`)
      }
    }
    const error = new WorldUnavailable(`the account database cannot be reached: ${reasons.join('; ')}`)
    // Where other connections stand, those who wait get one of them in time.
    if (this.#open.size > 0) return
    this.#failure = { until: this.#clock() + REST, error }
    this.#rejectAll(error)
  }

  #lease(wire: Wire): Lease {
    const { limits } = this.#options
    let released = false
    return {
      query: async (sql, parameters, prepared) => {
        try {
          return await within(limits.query, wire.query(sql, parameters, prepared), () => {
            // Nobody knows when it would answer, and the next question must not wait behind it.
            wire.destroy()
            return new WorldUnavailable(`the account database gave no answer within ${limits.query / 1000} s`)
          })
        } catch (error) {
          // mysql2 tells of a connection that is lost while it is asked to whoever asked, and to nobody else.
          if (isLostConnection(error)) wire.destroy()
          throw error
        }
      },
      end: () => wire.destroy(),
      release: () => {
        if (released) return
        released = true
        this.#giveBack(wire)
      },
    }
  }

  #giveBack(wire: Wire): void {
    if (!this.#open.has(wire)) return this.#connectMore()
    if (this.#closed) return wire.destroy()
    const [next] = this.#waiting
    if (next === undefined) {
      this.#idle.push(wire)
      return
    }
    this.#waiting.delete(next)
    next.resolve(this.#lease(wire))
  }

  #forget(wire: Wire): void {
    this.#open.delete(wire)
    const at = this.#idle.indexOf(wire)
    if (at >= 0) this.#idle.splice(at, 1)
  }

  #rejectAll(error: WorldUnavailable): void {
    const all = [...this.#waiting]
    this.#waiting.clear()
    for (const { reject } of all) reject(error)
  }
}

function placeOf({ host, port, dbname, user }: Connection): string {
  return `${user} at ${host}${port === undefined ? '' : `:${port}`}/${dbname}`
}

/** Also of several failures at once, as for a name with two addresses. */
function reasonOf(error: unknown): string {
  const { message, code, errors } = error as { readonly message?: string; readonly code?: string; readonly errors?: readonly unknown[] }
  if (message !== undefined && message !== '') return message
  return errors === undefined ? String(code ?? error) : errors.map(reasonOf).join(', ')
}

const LOST_CODES: ReadonlySet<unknown> = new Set(['PROTOCOL_CONNECTION_LOST', 'ECONNRESET', 'EPIPE', '57P01', '57P02', 'ER_SERVER_SHUTDOWN'])

/** The connection ended before there was an answer. */
export function isLostConnection(error: unknown): boolean {
  const { code, message, fatal } = error as { readonly code?: unknown; readonly message?: unknown; readonly fatal?: unknown }
  // `fatal` is mysql2's word for an error that its connection does not outlive.
  return fatal === true || LOST_CODES.has(code) || /^Connection (?:terminated|was killed)|closed state|not queryable/.test(String(message))
}

/**
 * The server has the statement no more (a pooler in between gave us another connection), or its answer would have other columns than
 * when it was prepared: PostgreSQL says so on that connection for ever once somebody has changed the table.
 */
function isForgottenStatement(error: unknown): boolean {
  const { code, message } = error as { readonly code?: unknown; readonly message?: unknown }
  return code === '26000' || code === 'ER_UNKNOWN_STMT_HANDLER' || (code === '0A000' && String(message).startsWith('cached plan'))
}
