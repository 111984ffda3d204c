/**
 * The breaker: stops asking a line that keeps failing, for a while. A line that failed many times in a row rests; then one
 * call tries it, and when that fails, too, it rests longer. A single success ends it: what fails for one client's bytes
 * alone never opens it while others succeed.
 */
import type { Log } from '../plugin/plugin.ts'
import type { Fault, HookRequest, Line, RunResult } from './types.ts'

/** Failures in a row. */
const MOST_FAILURES = 20
const FIRST_REST_MS = 5000
const LONGEST_REST_MS = 300_000

export class Breaker {
  readonly #now: () => number
  #failures = 0
  #restMs = FIRST_REST_MS
  #until = 0
  #probing = false

  /** @param now milliseconds, of any clock that only goes forward */
  constructor(now: () => number) {
    this.#now = now
  }

  /** Closed: everything is asked. Open: nothing is. Half-open: one call is, and its end decides. */
  get state(): 'closed' | 'open' | 'half-open' {
    if (this.#failures < MOST_FAILURES) return 'closed'
    return this.#now() < this.#until ? 'open' : 'half-open'
  }

  /** True when the line may be asked now; in the half-open state for one caller only. */
  admit(): boolean {
    const { state } = this
    if (state === 'closed') return true
    if (state === 'open' || this.#probing) return false
    this.#probing = true
    return true
  }

  /** True when this success ends a rest. */
  succeeded(): boolean {
    const ended = this.#failures >= MOST_FAILURES
    this.#failures = 0
    this.#restMs = FIRST_REST_MS
    this.#probing = false
    return ended
  }

  /** Milliseconds of the rest that this failure begins, or undefined when it begins none. */
  failed(): number | undefined {
    const wasProbe = this.#probing
    this.#failures += 1
    this.#probing = false
    if (this.#failures < MOST_FAILURES || (this.#failures > MOST_FAILURES && !wasProbe)) return undefined
    const rest = this.#restMs
    this.#until = this.#now() + rest
    this.#restMs = Math.min(rest * 2, LONGEST_REST_MS)
    return rest
  }

  /** The call ended without saying anything about the line: the client left. */
  abandoned(): void {
    this.#probing = false
  }
}

/** What says nothing about the line itself: a fact that cannot be had now, a client that has left. */
const NOT_ITS_FAULT: ReadonlySet<Fault['kind']> = new Set(['unavailable'])

/** The line behind a breaker. While that is open, calls end at once with the fault `unavailable`, and `onerror` answers. */
export function behindBreaker(line: Line, log: Log, now: () => number = () => performance.now()): Line {
  const breaker = new Breaker(now)
  const where = `${line.file}:${line.number} ${line.text}`

  function ended(result: RunResult): RunResult {
    if (result.fault === undefined) {
      if (breaker.succeeded()) log.info(`${where}: it answers again`, { plugin: line.name })
    } else if (NOT_ITS_FAULT.has(result.fault.kind)) {
      breaker.abandoned()
    } else {
      const rest = breaker.failed()
      if (rest !== undefined) {
        log.warn(`${where}: failed ${MOST_FAILURES} times or more in a row (${result.fault.kind}: ${result.fault.detail}); `
          + `it is not asked for ${rest / 1000} s, and its onerror answers (mend the plugin, or put # before its line)`, { plugin: line.name })
      }
    }
    return result
  }

  function run(request: HookRequest): RunResult | Promise<RunResult> {
    if (!breaker.admit()) return { commands: [], fault: { kind: 'unavailable', detail: 'it failed too often and rests: see the log' } }
    try {
      const result = line.run(request)
      return result instanceof Promise ? result.then(ended, rejected) : ended(result)
    } catch (cause) {
      return rejected(cause)
    }
  }

  function rejected(cause: unknown): RunResult {
    return ended({ commands: [], fault: { kind: 'threw', detail: cause instanceof Error ? cause.message : String(cause) } })
  }

  return { ...line, run, breaker: () => breaker.state }
}
