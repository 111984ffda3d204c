/**
 * What shares a process: the texts of one plugin, an edit beside what it was before, or the plugins of one `group=`; and what is
 * asked of them. When the process ends, whoever's code ran is at fault, and leaves the group for a process of its own; everybody
 * else's calls are asked again in the next process, unless they had an effect.
 */
import type { Log } from '../../../plugin/plugin.ts'
import type { Fault } from '../../types.ts'
import type { Origin } from '../origin.ts'
import { Restarts } from './restarts.ts'
import { NOBODY, whoIsGuilty } from './blame.ts'
import type { Child, ChildOwner, Down } from './child.ts'
import type { SandboxLimits } from './limits.ts'
import type { Unit } from './unit.ts'
import { parseThrown, readLog, readQuestion } from './read.ts'
import type { Notice, QuestionPayload, Said, Told } from './wire.ts'

/** A call, as far as its process is concerned. */
export interface Asked {
  readonly unit: Unit
  /** The session and the line it is asked for; absent where none is. */
  readonly origin?: Origin
  /** JSON of `AskPayload`. */
  readonly payload: string
  /** It has changed something that would be changed twice if it were asked again. */
  readonly hadEffect: boolean
  /** Processes that ended while it was asked in them, through no fault of its own. */
  lost: number
  questioned(question: QuestionPayload, tell: (factJson: string) => void): void
  answered(json: string): void
  failed(fault: Fault): void
  /** Its process has ended: open questions are void, it is about to be asked again. */
  restarting(): void
}

export interface GroupOptions {
  /** What follows `the sandbox's process` in logs: `of plugins/mine.ts`. */
  readonly name: string
  readonly limits: SandboxLimits
  readonly log: Log
  takeChild(): Promise<Child>
  /** Gives the unit a group of its own, where it can end nobody's process but its own. */
  isolate?(unit: Unit): void
}

/** What is loaded in the present process. */
interface Seat {
  readonly p: number
  readonly unit: Unit
  /** When it was asked last, on the clock of `performance`. */
  used: number
}

/** Waits before the next process, by the number of those that ended in the last minute. */
const BACK_OFF_MS = [0, 0, 50, 100, 200, 400, 800] as const
const MINUTE = 60_000
/** Ends of processes that a call outlives: each plugin can take an innocent call with it once. */
const MOST_LOST = 3

export class Group implements ChildOwner {
  readonly #options: GroupOptions
  readonly #launches: Restarts
  readonly #seats = new Map<Unit, Seat>()
  readonly #seatsByNumber = new Map<number, Seat>()
  readonly #calls = new Map<number, Asked>()
  /** Plugins whose `loaded` is still to come. */
  readonly #loading = new Set<number>()
  /** Calls nobody waits for, whose answer is still to come, with their plugin's number. */
  readonly #givenUp = new Map<number, number>()
  #waiting: Asked[] = []
  readonly #wanted = new Set<Unit>()
  #child: Child | undefined
  #opening = false
  #lastCall = 0
  #lastSeat = 0
  #drops = 0
  #ends: readonly number[] = []
  #closed = false

  constructor(options: GroupOptions) {
    const { limits } = options
    this.#options = options
    this.#launches = new Restarts({ most: limits.restarts, windowMs: limits.restartWindowMs, restMs: limits.restMs })
  }

  get name(): string {
    return this.#options.name
  }

  /** Processes of this group that run now: none or one. */
  get pids(): readonly number[] {
    return this.#child === undefined ? [] : [this.#child.pid]
  }

  /** Asks. One of `answered` and `failed` is told in the end, unless it is given up before. */
  ask(asked: Asked): void {
    const { restarts, description } = asked.unit.text
    if (this.#closed) return asked.failed({ kind: 'unavailable', detail: 'Helios is stopping' })
    if (!restarts.allows()) {
      const detail = `${description.name} has ended its process too often and is not asked for a while`
      return asked.failed({ kind: 'unavailable', detail })
    }
    this.#enqueue(asked)
  }

  #enqueue(asked: Asked): void {
    if (this.#child !== undefined) return this.#send(asked, this.#child)
    this.#waiting.push(asked)
    void this.#open()
  }

  /** Loads the unit before somebody asks, so that the first call need not wait for it. */
  prepare(unit: Unit): void {
    if (this.#closed || this.#seats.has(unit)) return
    if (this.#child !== undefined) return void this.#load(unit, this.#child)
    this.#wanted.add(unit)
    void this.#open()
  }

  /** Nobody waits for it any more. */
  giveUp(asked: Asked, reason: string): void {
    asked.unit.text.restarts.withdrawn()
    this.#waiting = this.#waiting.filter((each) => each !== asked)
    for (const [i, each] of this.#calls) {
      if (each !== asked) continue
      const { p } = this.#seats.get(asked.unit)!
      this.#calls.delete(i)
      this.#givenUp.set(i, p)
      this.#child?.send({ k: 'abort', p, i, v: reason })
      return
    }
  }

  /** Nobody refers to the unit any more. */
  drop(unit: Unit): void {
    this.#wanted.delete(unit)
    const seat = this.#seats.get(unit)
    if (seat === undefined) return
    this.#unseat(seat)
    this.#child?.send({ k: 'drop', p: seat.p })
    this.#drops++
    this.#retire()
  }

  /** Ends the process; what is still asked fails. */
  async close(): Promise<void> {
    this.#closed = true
    const child = this.#child
    this.#child = undefined
    child?.end()
    const fault: Fault = { kind: 'unavailable', detail: 'Helios is stopping' }
    const asked = [...this.#calls.values(), ...this.#waiting.splice(0)]
    this.#forget()
    for (const each of asked) this.#fail(each, fault)
    await child?.gone
  }

  async #open(): Promise<void> {
    if (this.#opening) return
    this.#opening = true
    if (!this.#launches.allows()) {
      this.#opening = false
      return this.#failWaiting({ kind: 'unavailable', detail: 'the sandbox does not start, and is not tried for a while' })
    }
    try {
      await pause(this.#backOff())
      const child = await this.#options.takeChild()
      this.#opening = false
      this.#launches.succeeded()
      if (this.#closed) return child.end()
      child.owner = this
      this.#child = child
      for (const unit of this.#wanted) this.#load(unit, child)
      this.#wanted.clear()
      for (const asked of this.#waiting.splice(0)) this.#send(asked, child)
      // Whoever it was started for may be gone by now.
      this.#retire()
    } catch (cause) {
      this.#opening = false
      this.#wanted.clear()
      const detail = cause instanceof Error ? cause.message : String(cause)
      const resting = this.#launches.failed()
      if (resting) this.#options.log.warn(`the sandbox ${this.name} does not start: ${detail}; it is not tried for a while`)
      this.#failWaiting({ kind: 'cannot-start', detail })
    }
  }

  #failWaiting(fault: Fault): void {
    for (const asked of this.#waiting.splice(0)) this.#fail(asked, fault)
  }

  #fail(asked: Asked, fault: Fault): void {
    asked.unit.text.restarts.withdrawn()
    asked.failed(fault)
  }

  #backOff(): number {
    const now = performance.now()
    this.#ends = this.#ends.filter((at) => now - at < MINUTE)
    return BACK_OFF_MS[Math.min(this.#ends.length, BACK_OFF_MS.length - 1)]!
  }

  #send(asked: Asked, child: Child): void {
    const seat = this.#seats.get(asked.unit) ?? this.#load(asked.unit, child)
    const { p } = seat
    seat.used = performance.now()
    const i = ++this.#lastCall
    this.#calls.set(i, asked)
    child.begin()
    child.send({ k: 'ask', p, i, v: asked.payload })
  }

  #load(unit: Unit, child: Child): Seat {
    this.#makeRoom(child)
    const seat: Seat = { p: ++this.#lastSeat, unit, used: performance.now() }
    this.#seats.set(unit, seat)
    this.#seatsByNumber.set(seat.p, seat)
    this.#loading.add(seat.p)
    child.begin(true)
    child.send({ k: 'load', p: seat.p, text: unit.text.text, v: unit.control })
    return seat
  }

  /**
   * Plugins of old generations are let go when the server's memory is collected, which may be hundreds of edits later:
   * until then they must not fill the process.
   */
  #makeRoom(child: Child): void {
    const { seats, seatIdleMs } = this.#options.limits
    if (this.#seats.size < seats) return
    const before = performance.now() - seatIdleMs
    const busy = new Set([...this.#calls.values()].map(({ unit }) => unit))
    for (const seat of [...this.#seats.values()]) {
      if (seat.used > before || busy.has(seat.unit) || this.#loading.has(seat.p)) continue
      this.#unseat(seat)
      child.send({ k: 'drop', p: seat.p })
      this.#drops++
    }
  }

  heard(notice: Notice, child: Child): void {
    switch (notice.k) {
      case 'answer':
        return this.#answer(notice, child)
      case 'question': {
        const asked = this.#callOf(notice, child)
        const question = asked === undefined ? undefined : readQuestion(notice.v)
        if (asked === undefined || question === undefined) return
        return asked.questioned(question, (v) => {
          if (this.#calls.get(notice.i) === asked) child.send({ k: 'fact', p: notice.p, i: notice.i, v })
        })
      }
      case 'log': case 'stray':
        return this.#chat(notice)
      case 'loaded': case 'controlled': case 'broken':
        return this.#seated(notice, child)
    }
  }

  #answer({ p, i, v }: Said, child: Child): void {
    const asked = this.#callOf({ p, i }, child)
    if (!child.alive) return
    this.#calls.delete(i)
    this.#givenUp.delete(i)
    child.done()
    if (asked !== undefined) {
      if (asked.unit.text.restarts.succeeded()) this.#options.log.info(`the plugin ${asked.unit.text.description.name} answers again`)
      asked.answered(v)
    }
    this.#retire()
  }

  /** The call that a notice is about; undefined when it was given up. A number nobody gave out ends the process. */
  #callOf({ p, i }: { readonly p: number; readonly i: number }, child: Child): Asked | undefined {
    const asked = this.#calls.get(i)
    const owner = asked === undefined ? this.#givenUp.get(i) : this.#seats.get(asked.unit)?.p
    if (owner !== p) child.condemn('broke the protocol (a call that was never made)')
    return asked
  }

  #chat(notice: Said | Told): void {
    const seat = this.#seatsByNumber.get(notice.p)
    if (seat === undefined) return
    const { text } = seat.unit
    const { name } = text.description
    if (notice.k === 'log') {
      const line = readLog(notice.v)
      const asked = 'i' in notice ? this.#calls.get(notice.i) : undefined
      const origin = asked?.unit === seat.unit ? asked.origin : undefined
      if (line !== undefined) this.#options.log[line.level](`${origin?.before ?? ''}${name}: ${line.message}`, { ...line.fields, ...origin?.fields, plugin: name })
      return
    }
    const thrown = parseThrown(notice.v)
    const detail = text.explain(thrown)
    this.#options.log.warn(`${name}: nobody caught this: ${detail}`, { plugin: name })
    if (thrown.name === 'UnhandledRejection') return
    // In a process of its own the plugin would have ended by this, and its calls with it.
    for (const asked of [...this.#calls.values()].filter(({ unit }) => unit === seat.unit)) {
      this.giveUp(asked, 'a timer of the plugin threw')
      asked.failed({ kind: 'threw', detail: `in a timer: ${detail}` })
    }
  }

  #seated({ k, p, v }: Told, child: Child): void {
    if (k === 'controlled' || !this.#loading.delete(p)) return child.condemn('broke the protocol (a plugin that was never loaded)')
    child.done(true)
    const seat = this.#seatsByNumber.get(p)
    if (k === 'broken' && seat !== undefined) this.#broken(seat, v, child)
  }

  /** It was sound when it was tried; now its top level, or the reading of its control files, fails. */
  #broken(seat: Seat, json: string, child: Child): void {
    child.send({ k: 'drop', p: seat.p })
    const fault: Fault = { kind: 'threw', detail: `while it was loaded: ${seat.unit.text.explain(parseThrown(json))}` }
    const calls = [...this.#calls].filter(([, asked]) => asked.unit === seat.unit)
    for (const [i] of calls) {
      this.#calls.delete(i)
      this.#givenUp.set(i, seat.p)
    }
    this.#unseat(seat)
    for (const [, asked] of calls) this.#fail(asked, fault)
  }

  #unseat(seat: Seat): void {
    this.#seats.delete(seat.unit)
    this.#seatsByNumber.delete(seat.p)
  }

  down(child: Child, { kind, detail, innocent }: Down): void {
    const guilty = innocent === true ? NOBODY : whoIsGuilty({
      running: child.running, calls: this.#calls, givenUp: this.#givenUp, unitOf: (p) => this.#seatsByNumber.get(p)?.unit,
    })
    const calls = [...this.#calls.values()]
    this.#child = undefined
    this.#forget()
    this.#ends = [...this.#ends, performance.now()]
    const { log } = this.#options
    const who = guilty.unit === undefined ? '' : `, while ${guilty.unit.text.description.name} was asked`
    log.warn(`the sandbox's process ${this.name} ${detail}${who}`)
    if (guilty.unit?.text.restarts.failed() === true) {
      const { name } = guilty.unit.text.description
      log.warn(`the plugin ${name} has ended its process too often: it is not asked for ${this.#options.limits.restMs / 1000} s`)
    }
    if (guilty.unit !== undefined) this.#options.isolate?.(guilty.unit)
    for (const asked of calls) {
      if (guilty.calls.includes(asked)) asked.failed({ kind, detail: `its process ${detail}` })
      else if (asked.lost >= MOST_LOST || asked.hadEffect) this.#fail(asked, { kind: 'crashed', detail: 'its process ended because of another plugin' })
      else this.#askAgain(asked)
    }
  }

  #askAgain(asked: Asked): void {
    asked.lost++
    asked.restarting()
    asked.unit.group.#enqueue(asked)
  }

  #forget(): void {
    this.#seats.clear()
    this.#seatsByNumber.clear()
    this.#loading.clear()
    this.#calls.clear()
    this.#givenUp.clear()
    this.#drops = 0
  }

  /** A process that has seen many plugins come and go is replaced when nothing is asked of it; one with none is not kept. */
  #retire(): void {
    const child = this.#child
    if (child === undefined || !child.idle || this.#calls.size > 0) return
    if (this.#seats.size > 0 && this.#drops < this.#options.limits.dropsPerProcess) return
    this.#child = undefined
    this.#forget()
    child.end()
  }
}

function pause(ms: number): Promise<void> {
  return ms === 0 ? Promise.resolve() : new Promise((resolve) => setTimeout(resolve, ms))
}
