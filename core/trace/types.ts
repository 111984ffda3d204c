/** The events of a session, as `helios why` shows them. Plain data: one JSON value each. */

export type TraceEvent =
  | { readonly t: number; readonly event: 'connect'; readonly ip: string; readonly port: number; readonly host?: string; readonly service: string; readonly generation: number; readonly rule?: string; readonly via?: string }
  /** TLS began, by STARTTLS or with the connection. */
  | { readonly t: number; readonly event: 'tls'; readonly protocol: string; readonly cipher: string; readonly serverName?: string; readonly client?: string; readonly verified?: boolean }
  /** What the client said; AUTH arguments never. */
  | { readonly t: number; readonly event: 'command'; readonly line: string }
  /** One line asked: where it stands, what it answered, how long it took. */
  | { readonly t: number; readonly event: 'hook'; readonly hook: string; readonly line: string; readonly file: string; readonly number: number; readonly plugin: string; readonly runtime: string; readonly ms: number; readonly commands: readonly string[]; readonly fault?: string; readonly detail?: string; readonly shadow?: true; readonly exit?: number | string; readonly complaint?: readonly string[] }
  | { readonly t: number; readonly event: 'fact'; readonly plugin: string; readonly question: string; readonly answer: string; readonly ms: number }
  /** What was sent, and who decided: a line of the list, a built-in check, or nobody in particular. */
  | { readonly t: number; readonly event: 'reply'; readonly text: string; readonly decidedBy?: string }
  | { readonly t: number; readonly event: 'message'; readonly id: string; readonly from: string; readonly to: readonly string[]; readonly size: number }
  | { readonly t: number; readonly event: 'delivery'; readonly id: string; readonly to: string; readonly status: 'delivered' | 'later' | 'failed'; readonly text: string; readonly ms: number; readonly decidedBy?: string }
  | { readonly t: number; readonly event: 'close'; readonly reason: string }

/** `Omit<TraceEvent, 't'>`, kept apart for each event. */
export type NewTraceEvent = TraceEvent extends infer E ? (E extends TraceEvent ? Omit<E, 't'> : never) : never

/** A line of the list, as hook events name it. One object for as long as the line is in force. */
export interface AskedLine {
  readonly hook: string
  readonly text: string
  readonly file: string
  readonly number: number
  readonly name: string
  readonly runtime: string
  readonly options: { readonly shadow?: boolean }
}

/** The event of a line that was asked. */
export function hookEvent({ hook, text, file, number, name, runtime, options }: AskedLine, ms: number, commands: readonly string[]): Extract<NewTraceEvent, { readonly event: 'hook' }> {
  const shadow = options.shadow === true ? { shadow: true as const } : {}
  return { event: 'hook', hook, line: text, file, number, plugin: name, runtime, ms: Math.round(ms * 1000) / 1000, commands, ...shadow }
}

const NOTHING: readonly string[] = []

/** Records that a line was asked, and what it answered, in the shortest way that the trace has. */
export function recordAsked(trace: SessionTrace, line: AskedLine, ms: number, commands = NOTHING): void {
  if (trace.asked === undefined) trace.add(hookEvent(line, ms, commands))
  else trace.asked(line, ms, commands)
}

/** Where one session's (or one delivery's) events go. Never throws, never waits. */
export interface SessionTrace {
  readonly id: string
  add(event: NewTraceEvent): void
  /** A shorter way for the event there is most of, `hookEvent` of a line that did not fail. @param ms how long that took */
  asked?(line: AskedLine, ms: number, commands: readonly string[]): void
  /** Hands the gathered events to the recorder: at the end of a transaction and of the session. */
  flush(): void
}

/** The recorder behind all session traces: a bounded ring on disk. */
export interface TraceRecorder {
  session(id: string): SessionTrace
  close(): Promise<void>
}
