/** A session's trace whose refusals and failures the log hears of, too: an administrator greps the log first. */
import { NOBODY_WAITS } from '../host/left.ts'
import type { Logger } from '../log.ts'
import { printable } from '../trace/printable.ts'
import type { NewTraceEvent, SessionTrace } from '../trace/types.ts'

/** Records what it is given, and logs `refused`, `plugin failed` and what a line in shadow would have refused, with the line that decided. */
export function loggedTrace(trace: SessionTrace, log: Logger): SessionTrace {
  return {
    id: trace.id,
    add(event) {
      trace.add(event)
      tell(event, trace.id, log)
    },
    flush: () => trace.flush(),
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
    // E and R refuse with a reply, D hangs up (spp-protocol 5).
    const refusal = commands.find((command) => /^(?:[ER]|D$)/.test(command))
    if (refusal !== undefined) log.info({ session, hook, line: `${file}:${number} ${line}`, shadow: true }, `in shadow, not obeyed: ${file}:${number} ${printable(line)} answered ${printable(refusal)}`)
  } else if (event.event === 'reply' && event.decidedBy !== undefined && /^[45]/.test(event.text)) {
    const reply = printable(event.text.trimEnd())
    log.info({ session, reply, decidedBy: event.decidedBy }, `refused: ${reply}`)
  }
}
