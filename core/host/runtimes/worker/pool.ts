/** The processes of one worker line: who is asked next, when there is one more, and when nobody is asked any more. */
import type { Log } from '../../../plugin/plugin.ts'
import type { Handle } from '../../children/handle.ts'
import { NOBODY_WAITS } from '../../left.ts'
import type { Fault } from '../../types.ts'
import { isElsewhere, WorkerProcess, type Outcome, type WorkerLimits } from './process.ts'
import { ProgramFile } from './program-file.ts'
import { MOST_FAILURES, StartBreaker } from './start-breaker.ts'

export interface PoolOptions {
  /** How the log names it. */
  readonly name: string
  /** Processes at most. */
  readonly most: number
  /** Milliseconds for an answer, and before that for a free process. */
  readonly timeoutMs: number
  readonly start: () => Promise<Handle>
  readonly log: Log
  /** The program's file, absolute, where it is known: an edit starts it anew. */
  readonly file?: string
  readonly limits?: WorkerLimits
  /** Milliseconds of a clock that only goes forward. */
  readonly now?: () => number
}

/** A request that has waited so long gets another process. */
const GROW_AFTER_MS = 10
/** A pool that nobody asks for so long ends its processes. */
const IDLE_MS = 10 * 60_000

interface Call {
  readonly request: Uint8Array
  readonly since: number
  /** Tells whoever asked; later calls do nothing. */
  readonly answer: (outcome: Outcome) => void
  timer?: NodeJS.Timeout
}

export class WorkerPool {
  readonly #options: PoolOptions
  readonly #now: () => number
  readonly #breaker = new StartBreaker()
  readonly #file: ProgramFile | undefined
  readonly #workers = new Set<WorkerProcess>()
  /** Ready ones; the last one used is the first one asked, so that the others could rest. */
  readonly #free: WorkerProcess[] = []
  /** First come, first served: a session waits for its answer before it asks again, so nobody has two in here. */
  readonly #queue = new Set<Call>()
  #starting = 0
  #probe: Call | undefined
  #growth: NodeJS.Timeout | undefined
  #restart: NodeJS.Timeout | undefined
  #idle: NodeJS.Timeout | undefined
  #askedAt = 0

  constructor(options: PoolOptions) {
    this.#options = options
    this.#now = options.now ?? (() => performance.now())
    this.#file = options.file === undefined ? undefined : new ProgramFile(options.file, () => this.#renew())
  }

  /**
   * Asks the next free process. Never rejects. When `signal` is aborted the caller is told at once; a request that
   * runs is left to its end and its answer thrown away.
   */
  ask(request: Uint8Array, signal: AbortSignal): Promise<Outcome> {
    if (signal.aborted) return Promise.resolve(LEFT)
    const now = this.#now()
    this.#askedAt = now
    this.#file?.look(now)
    const state = this.#breaker.state(now)
    if (state === 'open' || (state === 'half-open' && this.#probe !== undefined)) return Promise.resolve(RESTS)
    return new Promise((resolve) => {
      const left = (): void => {
        this.#forget(call)
        answer(LEFT)
      }
      const answer = (outcome: Outcome): void => {
        signal.removeEventListener('abort', left)
        resolve(outcome)
      }
      const call: Call = { request, since: now, answer }
      signal.addEventListener('abort', left, { once: true })
      if (state === 'half-open') this.#probe = call
      const worker = this.#free.pop()
      if (worker === undefined) this.#wait(call)
      else this.#give(worker, call)
    })
  }

  /** Ends the processes, busy ones after their answer. The pool can still be asked, and then starts anew. */
  rest(): void {
    for (const worker of [...this.#workers]) worker.retire()
    clearTimeout(this.#idle)
    this.#idle = undefined
  }

  #give(worker: WorkerProcess, call: Call): void {
    worker.ask(call.request, this.#options.timeoutMs, (outcome) => {
      if (this.#probe === call) this.#probe = undefined
      if (outcome.fault === undefined && this.#breaker.answered(this.#now())) {
        this.#options.log.info(`${this.#options.name}: it answers again`, { plugin: this.#options.name })
      }
      call.answer(outcome)
    })
  }

  #wait(call: Call): void {
    const { timeoutMs } = this.#options
    call.timer = setTimeout(() => {
      this.#forget(call)
      call.answer({ fault: { kind: 'timed-out', detail: `no process was free within ${timeoutMs / 1000} s` } })
    }, timeoutMs)
    this.#queue.add(call)
    this.#grow()
  }

  /** Takes it out of the queue, if it is still there. */
  #forget(call: Call): void {
    clearTimeout(call.timer)
    if (this.#queue.delete(call) && this.#probe === call) this.#probe = undefined
  }

  /** One more process for those who wait: the first at once, others when one has waited long enough. */
  #grow(): void {
    const [first] = this.#queue
    if (first === undefined || this.#workers.size >= this.#options.most || this.#restart !== undefined) return
    if (this.#workers.size === 0) return this.#start()
    if (this.#queue.size <= this.#starting || this.#growth !== undefined) return
    const waited = this.#now() - first.since
    if (waited >= GROW_AFTER_MS) this.#start()
    this.#growth = setTimeout(() => {
      this.#growth = undefined
      this.#grow()
    }, Math.max(GROW_AFTER_MS - waited, 1))
  }

  #start(): void {
    const { wait } = this.#breaker
    if (wait === 0) return this.#startNow()
    this.#restart = setTimeout(() => {
      this.#restart = undefined
      if (this.#queue.size > 0) this.#startNow()
    }, wait)
  }

  #startNow(): void {
    if (this.#workers.size === 0) this.#file?.remember()
    let starting = true
    this.#starting++
    const started = (): void => {
      if (starting) this.#starting--
      starting = false
    }
    this.#workers.add(new WorkerProcess(this.#options.start, {
      ready: (worker) => {
        started()
        this.#ready(worker)
      },
      gone: (worker, failure) => {
        const unborn = starting
        started()
        this.#gone(worker, failure, unborn)
      },
    }, this.#options.limits))
    this.#idle ??= this.#watchIdle(IDLE_MS)
  }

  #ready(worker: WorkerProcess): void {
    const [call] = this.#queue
    if (call === undefined) return void this.#free.push(worker)
    this.#queue.delete(call)
    clearTimeout(call.timer)
    this.#give(worker, call)
  }

  #gone(worker: WorkerProcess, failure: Fault | undefined, unborn: boolean): void {
    this.#workers.delete(worker)
    const free = this.#free.indexOf(worker)
    if (free !== -1) this.#free.splice(free, 1)
    if (failure !== undefined) this.#failed(failure, unborn)
    this.#grow()
  }

  #failed(failure: Fault, unborn: boolean): void {
    // With no other process, whoever waits would wait for what has just failed.
    if (unborn && this.#workers.size === 0) this.#answerAll({ fault: failure })
    if (isElsewhere(failure)) return
    const { name, log } = this.#options
    if (!this.#breaker.failed(this.#now())) return
    log.warn(
      `${name}: it has failed ${MOST_FAILURES} times in 60 s and is not asked for ${this.#breaker.restMs / 1000} s; the last time: `
      + `${failure.kind}: ${failure.detail} (mend the program, or put # before its line)`,
      { plugin: name },
    )
    this.#answerAll(RESTS)
  }

  #answerAll(outcome: Outcome): void {
    for (const call of [...this.#queue]) {
      this.#forget(call)
      call.answer(outcome)
    }
  }

  /** The program is another one now: so is what is known of it. */
  #renew(): void {
    const { name, log } = this.#options
    log.info(`${name}: its file has changed; it is started anew`, { plugin: name })
    this.#breaker.reset()
    this.#probe = undefined
    this.rest()
    this.#grow()
  }

  #watchIdle(ms: number): NodeJS.Timeout {
    return setTimeout(() => {
      const left = IDLE_MS - (this.#now() - this.#askedAt)
      if (left <= 0) this.rest()
      else this.#idle = this.#watchIdle(left)
    }, ms).unref()
  }
}

const LEFT: Outcome = { fault: { kind: 'unavailable', detail: NOBODY_WAITS } }
const RESTS: Outcome = { fault: { kind: 'unavailable', detail: 'its breaker is open: it failed too often, see the log' } }
