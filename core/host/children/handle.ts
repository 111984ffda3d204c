/**
 * Programs that stay: started by the broker, talked to directly. The server listens on a socket of its own, the
 * broker connects to it, says which start this is, and gives the connected socket to the program. So no byte of a
 * conversation passes the broker.
 */
import { randomBytes } from 'node:crypto'
import type { Socket } from 'node:net'
import { HeliosError } from '../../error.ts'
import { fitJob } from './limits.ts'
import { Rendezvous } from './rendezvous.ts'
import { killGroup } from './run.ts'
import type { Notice, Order, WireResult, WireStart } from './wire.ts'

/** A program to start and to keep. */
export type StartJob = StartWhat & {
  /** Absolute. */
  readonly cwd: string
  /** The whole environment of the program: Text names and values; undefined ones are left out. */
  readonly env: Readonly<Record<string, string | undefined>>
  /** Told each line of standard error without its end, as Text; at most 50 of 1 KiB in 10 s, then how many there were. */
  readonly onStderr: (line: string) => void
}

type StartWhat =
  /** As in `SpawnJob`. */
  | { readonly form: 'shell' | 'path'; readonly text: string; readonly duplex: 'stdio' }
  /**
   * `text` is an absolute path, well-formed as the arguments and the environment must be. `stdio`: the socket is fd 0 and
   * fd 1. `fd3`: it is fd 3, where reading does not block, fd 0 is /dev/null, and fd 1 goes where standard error goes.
   */
  | { readonly form: 'exec'; readonly text: string; readonly args: readonly string[]; readonly duplex: 'stdio' | 'fd3' }

/** A program that runs, or ran. */
export interface Handle {
  /** The leader of a process group of its own. */
  readonly pid: number
  /** The other end of the program's socket. Paused, with nothing read; errors are swallowed, `close` always comes. */
  readonly socket: Socket
  /** Resolves once it has ended, with what was left of its process group killed. Never rejects. */
  readonly exited: Promise<Exit>
  /** SIGKILL to the process group. Once it has ended, nothing. */
  kill(): void
}

export interface Exit {
  readonly code: number | undefined
  /** Such as `SIGKILL`. */
  readonly signal: string | undefined
  /** The program was killed because the broker ended. */
  readonly fault?: 'broker died'
}

/** A program that was ordered and has told neither its process id nor its socket for so long is given up. */
const START_MS = 30_000

interface Held {
  readonly order: Order
  readonly onStderr: StartJob['onStderr']
  readonly started: PromiseWithResolvers<Handle>
  readonly exited: PromiseWithResolvers<Exit>
  readonly forget: () => void
  pid?: number
  socket?: Socket
  over: boolean
  /** Nobody waits for it any more: it is killed as soon as its process id is known. */
  abandoned: boolean
}

export interface HeldDeps {
  /** Where the socket stands, when its path is short enough and the directory nobody else's. */
  readonly directory: string | undefined
  readonly argumentLimit: number
  nextId(): number
  /** Sends an order, or leaves it: `resend` comes with the next broker. */
  send(order: Order): void
}

/** The server's side of all programs that stay. */
export class HeldPrograms {
  readonly #deps: HeldDeps
  readonly #held = new Map<number, Held>()
  #rendezvous: Promise<Rendezvous> | undefined
  #closed = false

  constructor(deps: HeldDeps) {
    this.#deps = deps
  }

  /** True while the broker owes an answer. */
  get waiting(): boolean {
    return [...this.#held.values()].some((held) => held.pid === undefined)
  }

  /** See `Broker.start`. */
  async start(job: StartJob): Promise<Handle> {
    const fitted = fitJob(job, this.#deps.argumentLimit)
    if (!fitted.ok) throw notStarted('cannot-execute', fitted.reason)
    const rendezvous = await this.#meet()
    if (this.#closed) throw notStarted('cannot-start', 'Helios is stopping')
    const id = this.#deps.nextId()
    const token = randomBytes(16).toString('hex')
    const wire: WireStart = {
      form: job.form, text: job.text, args: job.form === 'exec' ? job.args : [], cwd: job.cwd, env: fitted.env,
      duplex: job.duplex, socket: rendezvous.path, token,
    }
    const patience = setTimeout(() => this.#giveUp(id), START_MS)
    const unexpect = rendezvous.expect(token, (socket) => this.#met(id, socket))
    const held: Held = {
      order: { order: 'start', id, job: wire }, onStderr: job.onStderr, started: Promise.withResolvers(), exited: Promise.withResolvers(),
      over: false, abandoned: false,
      forget() {
        clearTimeout(patience)
        unexpect()
      },
    }
    this.#held.set(id, held)
    this.#deps.send(held.order)
    return held.started.promise
  }

  /** What the broker tells of a program that stays. False: it is of another. */
  hear(notice: Extract<Notice, { id: number }>): boolean {
    const held = this.#held.get(notice.id)
    if (held === undefined) return false
    switch (notice.notice) {
      case 'started':
        held.pid = notice.pid
        if (held.abandoned) killGroup(notice.pid)
        else this.#complete(held)
        break
      case 'complaint':
        for (const line of notice.lines) held.onStderr(line)
        break
      case 'ended':
        this.#ended(notice.id, held, notice.result)
    }
    return true
  }

  /** A new broker: what the old one was not told. */
  resend(): void {
    for (const held of this.#held.values()) this.#deps.send(held.order)
  }

  /** The broker is gone, and so must be its programs. */
  endAll(): void {
    for (const [id, held] of [...this.#held]) {
      this.#held.delete(id)
      held.forget()
      held.over = true
      if (held.pid !== undefined) killGroup(held.pid)
      held.exited.resolve({ code: undefined, signal: undefined, fault: 'broker died' })
      held.started.reject(notStarted('broker-died', 'the process that starts programs died, and the program with it'))
      // With a handle, the owner has it.
      if (held.pid === undefined) held.socket?.destroy()
    }
  }

  close(): void {
    this.#closed = true
    this.endAll()
    this.#rendezvous?.then((rendezvous) => rendezvous.close(), () => undefined)
  }

  async #meet(): Promise<Rendezvous> {
    const opening = this.#rendezvous ??= Rendezvous.open(this.#deps.directory)
    try {
      return await opening
    } catch (cause) {
      if (this.#rendezvous === opening) this.#rendezvous = undefined
      throw notStarted('cannot-start', `no socket for it: ${cause instanceof Error ? cause.message : String(cause)}`)
    }
  }

  #met(id: number, socket: Socket): void {
    const held = this.#held.get(id)
    if (held === undefined || held.abandoned) return void socket.destroy()
    held.socket = socket
    this.#complete(held)
    if (held.over) this.#held.delete(id)
  }

  /** Process id and socket come on different ways, in any order. */
  #complete(held: Held): void {
    const { pid, socket } = held
    if (pid === undefined || socket === undefined) return
    held.forget()
    held.started.resolve({
      pid, socket, exited: held.exited.promise,
      kill: () => { if (!held.over) killGroup(pid) },
    })
  }

  #ended(id: number, held: Held, result: WireResult): void {
    held.over = true
    const refusal = result.cannotExecute ?? result.cannotStart
    if (refusal !== undefined) {
      held.started.reject(notStarted(result.cannotExecute === undefined ? 'cannot-start' : 'cannot-execute', refusal))
      held.socket?.destroy()
    }
    held.exited.resolve({ code: result.exit ?? undefined, signal: result.signal ?? undefined })
    // One that ended at once may be ahead of its own socket.
    if (refusal === undefined && held.socket === undefined && !held.abandoned) return
    held.forget()
    this.#held.delete(id)
  }

  #giveUp(id: number): void {
    const held = this.#held.get(id)
    if (held === undefined) return
    held.abandoned = true
    held.forget()
    if (held.over) this.#held.delete(id)
    else if (held.pid !== undefined) killGroup(held.pid)
    held.started.reject(notStarted('cannot-start', `it was not there after ${START_MS / 1000} s`))
  }
}

export type NotStartedCode = 'cannot-execute' | 'cannot-start' | 'broker-died'

/** Why a program that stays did not start; the code says whether the file, the system or the broker was at fault. */
export function notStarted(code: NotStartedCode, reason: string): HeliosError {
  return new HeliosError(code, reason, {
    fault: code === 'cannot-execute' ? 'plugin' : 'system',
    mend: code === 'cannot-execute'
      ? 'correct the path, or make the file executable'
      : 'look for limits on processes, memory and open files (ulimit -a)',
  })
}
