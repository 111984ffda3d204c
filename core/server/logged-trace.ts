/** A session's trace whose refusals and failures the log hears of, too: an administrator greps the log first. */
import { NOBODY_WAITS } from '../host/left.ts'
import type { Logger } from '../log.ts'
import { printable } from '../trace/printable.ts'
import { recordAsked, type AskedLine, type NewTraceEvent, type SessionTrace } from '../trace/types.ts'

/** Records what it is given, and logs `refused`, `plugin failed` and what a line in shadow would have refused or thrown away, with the line that decided. */
export function loggedTrace(trace: SessionTrace, log: Logger): SessionTrace {
  return new LoggedTrace(trace, log)
}

class LoggedTrace implements SessionTrace {
  readonly #trace: SessionTrace
  readonly #log: Logger

  constructor(trace: SessionTrace, log: Logger) {
    this.#trace = trace
    this.#log = log
  }

  get id(): string {
    return this.#trace.id
  }

  add(event: NewTraceEvent): void {
    this.#trace.add(event)
    tell(event, this.id, this.#log)
  }

  /** Nobody wants to read that in a log. */
  asked(line: AskedLine, ms: number, commands: readonly string[]): void {
    recordAsked(this.#trace, line, ms, commands)
  }

  flush(): void {
    this.#trace.flush()
  }
}

function tell(event: NewTraceEvent, session: string, log: Logger): void {
  if (event.event === 'hook' && event.fault !== undefined) {
    const { hook, file, number, line, fault, detail } = event
    // Every client can do that, as often as it likes, and no line is to blame.
    if (detail === NOBODY_WAITS) return log.info({ session, hook, line: `${file}:${number} ${line}` }, `left: ${file}:${number} ${printable(line)} was asked, and ${NOBODY_WAITS}`)
    log.warn({ session, hook, line: `${file}:${number} ${line}`, fault, ...(event.shadow === true ? { shadow: true } : {}) },
      `plugin failed: ${file}:${number} ${printable(line)}: ${fault}: ${printable(detail ?? '')}`)
  } else if (event.event === 'hook' && event.shadow === true) {
    const { hook, file, number, line, commands } = event
    // The first that ends the hook: A, N and O refuse nothing, E and R refuse with a reply, and so does a whole reply, which begins with
    // its code. D hangs up without a word; in +message it answers 250 and throws away, in +deliver it delivers nothing (spp-protocol 5, 11).
    const end = commands.find((command) => /^(?:[ER\d]|[ANOD]$)/.test(command))
    if (end !== undefined && !/^[ANO]$/.test(end)) log.info({ session, hook, line: `${file}:${number} ${line}`, shadow: true }, `in shadow, not obeyed: ${file}:${number} ${printable(line)} answered ${printable(end)}`)
  } else if (event.event === 'reply' && event.decidedBy !== undefined && /^[45]/.test(event.text)) {
    const reply = printable(event.text.trimEnd())
    log.info({ session, reply, decidedBy: event.decidedBy }, `refused: ${reply}`)
  }
}
