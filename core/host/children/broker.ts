/**
 * The broker, seen from the server. A fork copies the page tables of the process that forks, so the server never
 * forks for a plugin: a small child started first does, and only orders and results go between the two.
 */
import { spawn, type ChildProcess } from 'node:child_process'
import type { Socket } from 'node:net'
import { HeliosError } from '../../error.ts'
import { moduleFile } from '../../paths.ts'
import type { Log } from '../../plugin/plugin.ts'
import { turnsOf } from './vitals.ts'
import { openChannel, type Channel } from './channel.ts'
import { HeldPrograms, notStarted, type Handle, type StartJob } from './handle.ts'
import { fitJob, readArgumentLimit } from './limits.ts'
import { killGroup } from './run.ts'
import { OUTPUT_LIMIT, type SpawnJob, type SpawnResult } from './types.ts'
import { MAX_LINE, type Notice, type Order, type WireJob, type WireResult } from './wire.ts'

export interface BrokerOptions {
  readonly log: Log
  /** Milliseconds between looks at a broker that owes an answer; after four in silence it is replaced. Default 5000. */
  readonly heartbeatMs?: number
  /**
   * Where the socket for programs that stay may stand, such as `<home>/run`; without it, and when its path is too long
   * or others may look into it, in a new directory for temporary files. Made with the first such program.
   */
  readonly runDirectory?: string
}

/** Waits before a broker that died is started again; the last one repeats. */
const BACK_OFF_MS = [0, 100, 200, 400, 800, 1600, 3200, 5000] as const
/** A broker that lived so long had no trouble starting. */
const SETTLED_MS = 10_000
/** What a broker gets to be ready. */
const LAUNCH_MS = 30_000
/** What a broker gets to end after its pipe was closed. */
const CLOSE_MS = 2000
/** Silent heartbeats after which a broker is taken for stuck. */
const PATIENCE = 4
/** Milliseconds it waited for a processor between two looks, from which on its silence does not count. */
const STARVED_MS = 500

interface Call {
  readonly job: WireJob
  readonly resolve: (result: SpawnResult) => void
  readonly started: number
  readonly forget: () => void
  /** The process group, once the broker has told it. */
  pid?: number
  stopped: boolean
}

interface Alive {
  readonly child: ChildProcess
  readonly channel: Channel<Order>
  readonly since: number
}

export class Broker {
  readonly #log: Log
  readonly #heartbeat: NodeJS.Timeout
  readonly #argumentLimit = readArgumentLimit()
  readonly #calls = new Map<number, Call>()
  readonly #held: HeldPrograms
  #alive: Alive | undefined
  #nextId = 1
  #failures = 0
  #silent = 0
  #waited = 0
  #closing = false
  #restart: NodeJS.Timeout | undefined

  private constructor(options: BrokerOptions) {
    this.#log = options.log
    this.#heartbeat = setInterval(() => this.#listen(), options.heartbeatMs ?? 5000)
    this.#heartbeat.unref()
    this.#held = new HeldPrograms({
      directory: options.runDirectory, argumentLimit: this.#argumentLimit, nextId: () => this.#nextId++,
      send: (order) => this.#alive?.channel.send(order),
    })
  }

  /** Starts the broker; resolves once it takes orders. Rejects with HeliosError when it does not start. */
  static async start(options: BrokerOptions): Promise<Broker> {
    const broker = new Broker(options)
    try {
      await broker.#launch()
      return broker
    } catch (cause) {
      await broker.close()
      throw new HeliosError('broker-start', `the process that starts programs does not start: ${messageOf(cause)}`, {
        fault: 'system', mend: 'look for limits on processes, open files and memory (ulimit -a), and whether the installation is complete', cause,
      })
    }
  }

  /** The broker's process id; undefined while there is none. */
  get pid(): number | undefined {
    return this.#alive?.child.pid
  }

  /** Runs one program. Never rejects; an aborted signal kills the program's process group and resolves soon after. */
  run(job: SpawnJob, signal?: AbortSignal): Promise<SpawnResult> {
    if (this.#closing) return Promise.resolve(notRun({ cannotStart: 'Helios is stopping' }))
    if (signal?.aborted === true) return Promise.resolve(notRun({ aborted: true }))
    const fitted = fitJob(job, this.#argumentLimit)
    if (!fitted.ok) return Promise.resolve(notRun({ cannotExecute: fitted.reason }))
    const id = this.#nextId++
    return new Promise((resolve) => {
      const stop = (): void => this.#stop(id)
      signal?.addEventListener('abort', stop, { once: true })
      this.#calls.set(id, {
        job: wireJob(job, fitted.env), resolve, started: performance.now(), stopped: false,
        forget: () => signal?.removeEventListener('abort', stop),
      })
      this.#order(id)
    })
  }

  /**
   * Starts a program that stays and hands over its socket. Rejects with HeliosError: `cannot-execute` (the program),
   * `cannot-start` (the system, or Helios is stopping), `broker-died`.
   */
  start(job: StartJob): Promise<Handle> {
    if (this.#closing) return Promise.reject(notStarted('cannot-start', 'Helios is stopping'))
    return this.#held.start(job)
  }

  /** Ends the broker and with it every program it still runs; their calls end as if the broker had died. */
  async close(): Promise<void> {
    if (this.#closing) return
    this.#closing = true
    clearInterval(this.#heartbeat)
    clearTimeout(this.#restart)
    const alive = this.#alive
    if (alive === undefined) this.#endAll()
    else await endOf(alive)
    this.#held.close()
  }

  #launch(): Promise<void> {
    return new Promise((resolve, reject) => {
      // No environment: what the server was started with is nothing a broker, or /proc, needs to show.
      const child = spawn(process.execPath, [moduleFile('core/host/children/broker-child')], {
        cwd: '/', env: {}, stdio: ['ignore', 'ignore', 'pipe', 'pipe'],
      })
      child.stderr?.on('data', (chunk: Buffer) => this.#log.warn(`broker: ${chunk.toString('utf8').trimEnd()}`))
      child.once('error', reject)
      const socket = child.stdio[3] as Socket | undefined
      if (child.pid === undefined || socket === undefined) return
      const hurry = setTimeout(() => child.kill('SIGKILL'), LAUNCH_MS)
      const channel = openChannel<Notice, Order>(socket, MAX_LINE, {
        received: (notice) => {
          if (notice.notice === 'ready') {
            clearTimeout(hurry)
            this.#up({ child, channel, since: performance.now() })
            resolve()
          } else this.#hear(notice)
        },
        closed: (reason) => {
          clearTimeout(hurry)
          child.kill('SIGKILL')
          reject(new Error(reason ?? 'it ended at once'))
          if (this.#alive?.child === child) this.#down(reason ?? 'it ended')
        },
      })
    })
  }

  #up(alive: Alive): void {
    this.#alive = alive
    this.#silent = 0
    if (this.#closing) return alive.channel.close()
    for (const id of this.#calls.keys()) this.#order(id)
    this.#held.resend()
  }

  /** The broker is gone: its programs must not outlive it, whoever waited is told, a new one is started. */
  #down(reason: string): void {
    const lived = performance.now() - (this.#alive?.since ?? 0)
    this.#alive = undefined
    this.#endAll()
    if (this.#closing) return
    this.#log.warn(`the process that starts programs died (${reason}); a new one is started`)
    if (lived > SETTLED_MS) this.#failures = 0
    this.#startAgain()
  }

  #startAgain(): void {
    const wait = BACK_OFF_MS[Math.min(this.#failures++, BACK_OFF_MS.length - 1)]
    this.#restart = setTimeout(() => {
      this.#launch().catch((error: unknown) => {
        if (this.#closing || this.#alive !== undefined) return
        for (const id of [...this.#calls.keys()]) this.#end(id, { cannotStart: 'the process that starts programs does not start' })
        this.#log.warn(`the process that starts programs does not start: ${messageOf(error)}; trying again`)
        this.#startAgain()
      })
    }, wait)
  }

  #endAll(): void {
    for (const call of this.#calls.values()) if (call.pid !== undefined) killGroup(call.pid)
    for (const id of [...this.#calls.keys()]) this.#end(id, { fault: 'broker died' })
    this.#held.endAll()
  }

  /** Sends a call's job, or leaves it for the next broker. */
  #order(id: number): void {
    const call = this.#calls.get(id)
    if (call !== undefined) this.#alive?.channel.send({ order: 'run', id, job: call.job })
  }

  #stop(id: number): void {
    const call = this.#calls.get(id)
    if (call === undefined || call.stopped) return
    call.stopped = true
    if (this.#alive === undefined) return this.#end(id, { aborted: true })
    this.#alive.channel.send({ order: 'stop', id })
  }

  #hear(notice: Exclude<Notice, { notice: 'ready' }>): void {
    this.#silent = 0
    if (notice.notice === 'pong' || this.#held.hear(notice) || notice.notice === 'complaint') return
    if (notice.notice === 'ended') return this.#end(notice.id, resultOf(notice.result))
    const call = this.#calls.get(notice.id)
    if (call !== undefined) call.pid = notice.pid
  }

  #end(id: number, result: Partial<SpawnResult>): void {
    const call = this.#calls.get(id)
    if (call === undefined) return
    this.#calls.delete(id)
    call.forget()
    call.resolve({ ...notRun(result), ms: performance.now() - call.started })
  }

  /** True when it mostly waited for a processor since the last look: programs that compute leave it none, and that is no fault of its own. */
  #starved(pid: number): boolean {
    const waited = turnsOf(pid)?.waited ?? 0
    const more = waited - this.#waited
    this.#waited = waited
    return more > STARVED_MS
  }

  /** A broker that is stopped or stuck is as good as dead, but its pipe stays open. */
  #listen(): void {
    if (this.#alive === undefined || (this.#calls.size === 0 && !this.#held.waiting)) return
    if (!this.#starved(this.#alive.child.pid!)) this.#silent++
    if (this.#silent <= PATIENCE) return this.#alive.channel.send({ order: 'ping' })
    this.#alive.child.kill('SIGKILL')
  }
}

async function endOf({ child, channel }: Alive): Promise<void> {
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  channel.close()
  const impatience = setTimeout(() => child.kill('SIGKILL'), CLOSE_MS)
  if (child.exitCode === null && child.signalCode === null) await exited
  clearTimeout(impatience)
}

function wireJob(job: SpawnJob, env: readonly string[]): WireJob {
  const { form, text, cwd, stdin, timeoutMs } = job
  const outputLimit = Math.min(job.outputLimit ?? OUTPUT_LIMIT.default, OUTPUT_LIMIT.max)
  return { form, text, cwd, env, ...(stdin === undefined ? {} : { stdin }), timeoutMs, outputLimit }
}

function resultOf(wire: WireResult): Partial<SpawnResult> {
  const { exit, signal, stdout, ...rest } = wire
  return { ...rest, exit: exit ?? undefined, signal: signal ?? undefined, stdout: Buffer.from(stdout, 'base64') }
}

function notRun(result: Partial<SpawnResult>): SpawnResult {
  return {
    exit: undefined, signal: undefined, stdout: NO_BYTES, truncated: false, timedOut: false, aborted: false, stderr: '', ms: 0, ...result,
  }
}

const NO_BYTES = Buffer.alloc(0)

function messageOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause)
}
