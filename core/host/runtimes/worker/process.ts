/** One process of a worker's pool, as the server sees it: it says hello, is asked, answers, and ends. */
import { AnswerReader, HelloReader } from '../../../../protocol/spp/framing.ts'
import { textOf } from '../../../../protocol/text.ts'
import { HeliosError } from '../../../error.ts'
import type { Exit, Handle } from '../../children/handle.ts'
import type { Fault } from '../../types.ts'

/** What became of one request. */
export type Outcome =
  | { readonly output: Uint8Array; readonly fault?: undefined }
  | { readonly fault: Fault; readonly exit?: number | string }

export interface WorkerEvents {
  /** It can be asked. */
  ready(worker: WorkerProcess): void
  /**
   * It is not asked any more, and ends by itself if it has not yet. Exactly once and last.
   * @param failure undefined when it was sent away, or the broker ended it
   */
  gone(worker: WorkerProcess, failure: Fault | undefined): void
}

export interface WorkerLimits {
  /** Bytes of one answer. */
  readonly answer: number
  readonly helloMs: number
  /** What a process gets to exit at the end of its input. */
  readonly endMs: number
}

export const LIMITS: WorkerLimits = { answer: 256 * 1024, helloMs: 5000, endMs: 2000 }

/** What a process that closed its socket gets to exit, and one that exited to close its socket. */
const LAST_WORDS_MS = 200
/** Of status 120 an spp program says that it could not be executed (spp-protocol 6). */
const CANNOT_EXECUTE = 120

interface Call {
  readonly reader: AnswerReader
  readonly timer: NodeJS.Timeout
  readonly done: (outcome: Outcome) => void
}

export class WorkerProcess {
  readonly #events: WorkerEvents
  readonly #limits: WorkerLimits
  readonly #hello = new HelloReader()
  #handle: Handle | undefined
  #helloTimer: NodeJS.Timeout | undefined
  #call: Call | undefined
  #ready = false
  #retiring = false
  #gone = false
  /** How it ended, and whether everything it said has been read. */
  #exit: Exit | undefined
  #closed = false

  /** Starts it; never throws. */
  constructor(start: () => Promise<Handle>, events: WorkerEvents, limits: WorkerLimits = LIMITS) {
    this.#events = events
    this.#limits = limits
    start().then((handle) => this.#attach(handle), (cause: unknown) => this.#leave(faultOfStart(cause)))
  }

  /**
   * Asks; only after `ready`, and once for each. `done` is called exactly once, before `ready` or `gone`.
   * @param timeoutMs until the whole answer is there; then the process group is killed
   */
  ask(request: Uint8Array, timeoutMs: number, done: (outcome: Outcome) => void): void {
    this.#call = {
      reader: new AnswerReader(this.#limits.answer), done,
      timer: setTimeout(() => this.#kill({ kind: 'timed-out', detail: `no answer after ${timeoutMs / 1000} s` }), timeoutMs),
    }
    this.#handle!.socket.write(request)
  }

  /** Sends it away: at once, or after its answer. */
  retire(): void {
    this.#retiring = true
    if (this.#call !== undefined) return
    this.#end()
    this.#leave(undefined)
  }

  #attach(handle: Handle): void {
    this.#handle = handle
    const { socket } = handle
    socket.on('data', (chunk: Buffer) => this.#read(chunk))
    socket.once('close', () => this.#close())
    socket.resume()
    void handle.exited.then((exit) => this.#exited(exit))
    if (this.#gone) return this.#end()
    const { helloMs } = this.#limits
    this.#helloTimer = setTimeout(() => {
      const said = this.#hello.partial === '' ? '' : `, only ${shown(this.#hello.partial)}`
      this.#kill({ kind: 'bad-command', detail: `it did not say spp/2 within ${helloMs / 1000} s${said}` })
    }, helloMs)
  }

  #read(chunk: Buffer): void {
    if (this.#gone) return
    if (this.#call !== undefined) return this.#readAnswer(this.#call, chunk)
    if (this.#ready) return this.#kill(behind(chunk))
    const step = this.#hello.read(chunk)
    if (step.kind === 'more') return
    clearTimeout(this.#helloTimer)
    if (step.kind === 'wrong') {
      return this.#kill({ kind: 'bad-command', detail: `its first line is ${shown(step.line)} and not spp/2` })
    }
    this.#ready = true
    if (step.rest.length > 0) this.#kill({ kind: 'bad-command', detail: `it printed ${shown(textOf(step.rest))} before it was asked` })
    else this.#events.ready(this)
  }

  #readAnswer(call: Call, chunk: Buffer): void {
    const step = call.reader.read(chunk)
    if (step.kind === 'more') return
    if (step.kind === 'too-long') {
      return this.#kill({ kind: 'too-much-output', detail: `more than ${this.#limits.answer} bytes before the dot` })
    }
    this.#settle({ output: step.output })
    if (step.rest.length > 0) return this.#kill(behind(step.rest))
    if (this.#retiring) {
      this.#end()
      return this.#leave(undefined)
    }
    // What it says behind its dot must not be taken for the next answer: one turn of the loop reads it.
    setImmediate(() => {
      if (!this.#gone && !this.#retiring) this.#events.ready(this)
    })
  }

  #close(): void {
    this.#closed = true
    if (this.#exit !== undefined) return this.#over(this.#exit)
    setTimeout(() => this.#handle!.kill(), LAST_WORDS_MS)
    // Nobody may be sent there, though why it ended is not known yet.
    if (this.#waiting) this.#leave({ kind: 'crashed', detail: 'it closed its output between requests' })
  }

  #exited(exit: Exit): void {
    this.#exit = exit
    if (this.#closed || this.#waiting) return this.#over(exit)
    // Somebody it left behind may hold the socket.
    setTimeout(() => this.#handle!.socket.destroy(), LAST_WORDS_MS)
  }

  /** It said hello, and nobody asks it at the moment. */
  get #waiting(): boolean {
    return this.#ready && this.#call === undefined
  }

  #over(exit: Exit): void {
    if (this.#gone) return
    const where = this.#call !== undefined ? 'in a request' : this.#ready ? 'between requests' : 'before it said spp/2'
    this.#leave(faultOfExit(exit, where), exit.code ?? exit.signal)
  }

  #kill(fault: Fault): void {
    this.#handle?.kill()
    this.#leave(fault)
  }

  /** Its input is at an end; one that does not care is killed. */
  #end(): void {
    const handle = this.#handle
    if (handle === undefined) return
    handle.socket.end()
    const impatience = setTimeout(() => handle.kill(), this.#limits.endMs)
    void handle.exited.then(() => clearTimeout(impatience))
  }

  #leave(fault: Fault | undefined, exit?: number | string): void {
    if (this.#gone) return
    this.#gone = true
    clearTimeout(this.#helloTimer)
    if (fault !== undefined) this.#settle(exit === undefined ? { fault } : { fault, exit })
    this.#events.gone(this, fault)
  }

  #settle(outcome: Outcome): void {
    const call = this.#call
    if (call === undefined) return
    this.#call = undefined
    clearTimeout(call.timer)
    call.done(outcome)
  }
}

/** True for failures that say nothing about the program. */
export function isElsewhere(fault: Fault): boolean {
  return fault.kind === 'unavailable'
}

const BROKER_DIED: Fault = { kind: 'unavailable', detail: 'broker died, and the program with it' }

function faultOfStart(cause: unknown): Fault {
  if (!(cause instanceof HeliosError)) return { kind: 'cannot-start', detail: cause instanceof Error ? cause.message : String(cause) }
  if (cause.code === 'broker-died') return BROKER_DIED
  return { kind: cause.code === 'cannot-execute' ? 'cannot-execute' : 'cannot-start', detail: cause.message }
}

function faultOfExit({ code, signal, fault }: Exit, where: string): Fault {
  if (fault !== undefined) return BROKER_DIED
  if (code === CANNOT_EXECUTE) return { kind: 'cannot-execute', detail: `it ended with status ${code}` }
  const end = code === undefined ? `killed by ${signal ?? 'an unknown signal'}` : `it ended with status ${code}`
  return { kind: 'crashed', detail: `${end} ${where}` }
}

function behind(bytes: Uint8Array): Fault {
  return { kind: 'bad-command', detail: `it printed ${shown(textOf(bytes.subarray(0, 200)))} behind its answer` }
}

function shown(text: string): string {
  return JSON.stringify(text.length > 60 ? `${text.slice(0, 60)}…` : text)
}
