/** The words of the host: lines, results, verdicts. */
import type { LineOptions } from '../../protocol/spp/list.ts'
import type { Command } from '../../protocol/spp/command.ts'
import type { Edit, Message } from '../plugin/message.ts'
import type { Hook, Session } from '../plugin/plugin.ts'
import type { SessionTrace } from '../trace/types.ts'

export type Runtime = 'inline' | 'sandbox' | 'program' | 'worker'

/** What a line is asked with. */
export interface HookRequest {
  readonly hook: Hook
  readonly session: Session
  /** In `+message` and `+deliver`. */
  readonly message?: Message
  /** Aborted when the client leaves or the server stops waiting. */
  readonly signal: AbortSignal
  readonly trace: SessionTrace
  /** Told when a plugin begins and ends to sleep: a client that hangs up meanwhile is not waited for. */
  readonly onSleep?: (asleep: boolean) => void
}

/**
 * How a run failed. `crashed` and `cannot-execute` and the spawn faults have the original's words; the others are ours.
 */
export type Fault =
  | { readonly kind: 'crashed'; readonly detail: string }
  | { readonly kind: 'cannot-execute'; readonly detail: string }
  | { readonly kind: 'cannot-start'; readonly detail: string }
  | { readonly kind: 'timed-out'; readonly detail: string }
  | { readonly kind: 'too-much-output'; readonly detail: string }
  | { readonly kind: 'bad-command'; readonly detail: string }
  | { readonly kind: 'threw'; readonly detail: string }
  | { readonly kind: 'unavailable'; readonly detail: string }

/** How one line answered: its commands in order, and whether the run itself failed. */
export interface RunResult {
  readonly commands: readonly Command[]
  readonly edits?: readonly Edit[]
  readonly fault?: Fault
  /** Full reply of the old dialect (spec 11); refuses. */
  readonly reply?: string
  /** What a program exited with, for the trace. */
  readonly exit?: number | string
  /** The last lines a program that ended badly wrote to standard error, for the trace. */
  readonly complaint?: readonly string[]
}

/** One enabled line of the plugin list, ready to be asked. */
export interface Line {
  readonly hook: Hook
  /** The line without its options, as faults quote it. */
  readonly text: string
  /** Where it stands, such as `control/smtpplugins`, 1-based. */
  readonly file: string
  readonly number: number
  readonly options: LineOptions
  readonly runtime: Runtime
  /** Plugin name: `name=`, else the bundled plugin's, else the line's text. */
  readonly name: string
  run(request: HookRequest): RunResult | Promise<RunResult>
  /** The state of the breaker before the line, where there is one. */
  breaker?(): 'closed' | 'open' | 'half-open'
  /** `+deliver` only: would this line take the domain? */
  takes?(request: HookRequest, domain: string): boolean | Promise<boolean>
}

/** What the commands of one hook add up to. `replies` are lines without CRLF, to be sent before the built-in reply or in its place. */
export interface Verdict {
  readonly kind: 'refuse' | 'go-on' | 'skip-checks' | 'hang-up'
  readonly replies: readonly string[]
  /** The line that decided, when one did. */
  readonly line?: Line
  readonly edits?: readonly Edit[]
}
