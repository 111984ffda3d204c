/** One sandbox process: its pipe, its pulse and its memory. What is asked in it is its owner's business. */
import { openChannel, type Channel } from '../../children/channel.ts'
import { putBehind } from '../../children/priority.ts'
import { residentBytes, turnsOf, type Turns } from '../../children/vitals.ts'
import type { SandboxLimits } from './limits.ts'
import { sandboxProgram, type SandboxProcess, type StartProcess } from './program.ts'
import { readNotice } from './read.ts'
import { MAX_LINE, type Notice, type Order } from './wire.ts'

/** How a process came to its end. */
export interface Down {
  readonly kind: 'crashed' | 'timed-out'
  /** In words that follow "its process". */
  readonly detail: string
  /** What ran in it has nothing to do with its end. */
  readonly innocent?: true
}

export interface ChildOwner {
  heard(notice: Notice, child: Child): void
  /** Exactly once, unless `end` was called. */
  down(child: Child, down: Down): void
}

interface Ping {
  readonly n: number
  readonly at: number
  readonly turns: Turns | undefined
}

/** From one pulse to the next, in milliseconds. */
const PULSE_MS = 100
/** Milliseconds of processor time without a word, after which it is one that computes. */
const COMPUTES_MS = 50
/** What a process gets to be gone once its pipe is: only to tell how it ended. */
const EXIT_MS = 250
/** Log lines and the like in one second, beyond which nobody listens, and beyond which the process is mad. */
const CHATTER = { heard: 500, mad: 50_000 } as const

export class Child {
  readonly #process: SandboxProcess
  readonly #limits: SandboxLimits
  readonly #channel: Channel<Order>
  readonly #ready = Promise.withResolvers<void>()
  owner: ChildOwner | undefined
  /** Whose code runs, as far as the process has said. */
  running: { readonly p: number; readonly i: number } | undefined
  #over = false
  #behind = false
  /** What it had got when it was looked at first since it said something. */
  #silentSince: Turns | undefined
  #busy = 0
  #loading = 0
  #watch: NodeJS.Timeout | undefined
  #ping: Ping | undefined
  #lastPulse = 0
  #pings = 0
  #chatter = 0
  #chatterSince = 0

  private constructor(started: SandboxProcess, limits: SandboxLimits) {
    this.#process = started
    this.#limits = limits
    // A process that is killed with something unread in its pipe resets it.
    let reset = false
    started.socket.once('error', () => { reset = true })
    this.#channel = openChannel<unknown, Order>(started.socket, MAX_LINE, {
      received: (value) => this.#received(value),
      closed: (reason) => reason === undefined || reset ? void this.#ended() : this.condemn(`broke the protocol (${reason})`),
    })
    started.socket.resume()
  }

  /** Resolves once the process takes orders. Rejects when it does not start, or not in time. */
  static async start(start: StartProcess, limits: SandboxLimits): Promise<Child> {
    const child = new Child(await start(sandboxProgram(limits)), limits)
    const impatience = setTimeout(() => child.#fail({ kind: 'timed-out', detail: 'did not start in time' }), limits.startMs)
    try {
      await child.#ready.promise
      return child
    } finally {
      clearTimeout(impatience)
    }
  }

  get pid(): number {
    return this.#process.pid
  }

  get alive(): boolean {
    return !this.#over
  }

  /** Resolves once the process is gone. */
  get gone(): Promise<unknown> {
    return this.#process.exited
  }

  send(order: Order): void {
    if (!this.#over) this.#channel.sendNow(order)
  }

  /** Something is expected of the process from now on: it is watched. @param load compiling may take its time */
  begin(load = false): void {
    this.#busy++
    if (load) this.#loading++
    if (this.#watch !== undefined || this.#over) return
    this.#lastPulse = performance.now()
    this.#watch = setInterval(() => this.#look(), this.#limits.watchMs)
  }

  done(load = false): void {
    this.#busy--
    if (load) this.#loading--
  }

  get idle(): boolean {
    return this.#busy === 0
  }

  /** Ends it without a word to its owner. */
  end(): void {
    this.owner = undefined
    this.#fail({ kind: 'crashed', detail: 'was ended' })
  }

  /** Ends it because of what it did. */
  condemn(detail: string): void {
    this.#fail({ kind: 'crashed', detail })
  }

  #fail(down: Down): void {
    if (this.#over) return
    this.#over = true
    clearInterval(this.#watch)
    this.#process.kill()
    this.#channel.close()
    this.#ready.reject(new Error(`the sandbox's process ${down.detail}`))
    this.#ready.promise.catch(() => undefined)
    this.owner?.down(this, down)
  }

  /** The process has closed its pipe by itself: it is going, or gone. */
  async #ended(): Promise<void> {
    if (this.#over) return
    const late = Promise.withResolvers<undefined>()
    const timer = setTimeout(late.resolve, EXIT_MS, undefined)
    const exit = await Promise.race([this.#process.exited, late.promise])
    clearTimeout(timer)
    if (exit?.fault !== undefined) return this.#fail({ kind: 'crashed', detail: `ended, for the ${exit.fault}`, innocent: true })
    const how = exit?.signal === undefined ? 'ended by itself' : `ended by ${exit.signal}`
    const detail = exit?.signal === 'SIGABRT' ? `${how}, as at the end of its ${this.#limits.heapMiB} MiB of heap` : how
    this.#fail({ kind: 'crashed', detail })
  }

  #received(value: unknown): void {
    if (this.#over) return
    this.#silentSince = undefined
    const notice = readNotice(value)
    if (notice === undefined) return this.condemn('broke the protocol (a line that is no notice)')
    switch (notice.k) {
      case 'ready':
        return this.#ready.resolve()
      case 'pong':
        if (notice.n === this.#ping?.n) this.#ping = undefined
        return
      case 'run':
        this.running = notice.p === 0 ? undefined : { p: notice.p, i: notice.i }
        return
      case 'log': case 'stray':
        if (this.#chatters()) return
    }
    this.owner?.heard(notice, this)
  }

  /** True when there is more chatter than anybody should listen to. */
  #chatters(): boolean {
    const now = performance.now()
    if (now - this.#chatterSince > 1000) {
      this.#chatterSince = now
      this.#chatter = 0
    }
    if (++this.#chatter > CHATTER.mad) this.condemn('wrote more log lines than anybody reads')
    return this.#chatter > CHATTER.heard
  }

  #look(): void {
    if (this.#busy === 0) {
      clearInterval(this.#watch)
      this.#watch = undefined
      this.#ping = undefined
      this.#silentSince = undefined
      return
    }
    const { rssMiB } = this.#limits
    if ((residentBytes(this.pid) ?? 0) > rssMiB * 1024 * 1024) return this.condemn(`used more than ${rssMiB} MiB of memory and was killed`)
    this.#feelPulse()
    if (!this.#behind && this.#loading === 0) this.#lookForLoops()
  }

  #lookForLoops(): void {
    const turns = turnsOf(this.pid)
    if (turns === undefined) return
    const since = this.#silentSince ??= turns
    if (turns.computed - since.computed < COMPUTES_MS) return
    // As with the pulse: what it said while this loop stood still is read first.
    setImmediate(() => {
      if (this.#silentSince === since && !this.#over) this.#behind = putBehind(this.pid)
    })
  }

  #feelPulse(): void {
    const now = performance.now()
    const ping = this.#ping
    if (ping === undefined) {
      if (now - this.#lastPulse < PULSE_MS) return
      this.#lastPulse = now
      this.#ping = { n: ++this.#pings, at: now, turns: turnsOf(this.pid) }
      return this.send({ k: 'ping', n: this.#pings })
    }
    const silentFor = now - ping.at
    const turns = turnsOf(this.pid)
    // A process that gets no processor is not to blame; without figures, only the clock tells.
    const known = turns !== undefined && ping.turns !== undefined
    const computed = known ? turns.computed - ping.turns.computed : silentFor
    const still = known ? silentFor - (turns.waited - ping.turns.waited) : silentFor
    const { heartbeatMs, silenceMs, loadMs } = this.#limits
    const stuck = computed >= (this.#loading > 0 ? loadMs : heartbeatMs) || still >= Math.max(silenceMs, this.#loading > 0 ? loadMs : 0)
    if (!stuck) return
    // This loop itself may have stood still: what the process said meanwhile is read first.
    setImmediate(() => {
      if (this.#ping !== ping) return
      this.#fail({ kind: 'timed-out', detail: `gave no sign of life for ${Math.round(silentFor)} ms and was killed` })
    })
  }
}
