/** What `helios chaos` does to a server: one fault, and how it looks in each runtime it can happen in. */
import type { Hook } from '../plugin/plugin.ts'
import type { Fault, Runtime } from '../host/types.ts'

/** Moments at which lines are made to fail, in the order of a session. */
export const STAGES = ['connection', 'helo', 'mail', 'rcpt', 'data', 'message'] as const satisfies readonly Hook[]
export type Stage = (typeof STAGES)[number]

/** How a run may end: by a fault that the line's `onerror` answers, or `none`: an answer like any other. */
export type Ending = Fault['kind'] | 'none'

/** A fault in one runtime. */
export interface Form {
  /** Plugins: a handler, as an expression. Programs: what follows `#!/bin/sh`. */
  readonly text: string
  readonly ends: readonly Ending[]
  /** The reply where it ends in `none` and says something; else the session goes on as without the line. */
  readonly answer?: string
  /** The line's time-out in milliseconds; far beyond what it needs where it should not meet it. Default 20 s. */
  readonly timeoutMs?: number
  /** Milliseconds for which the session stays after its reply: what comes late must not reach it. */
  readonly lingerMs?: number
  /** Costs so much memory or time that sessions go through it one after the other. */
  readonly heavy?: true
  /** Takes a sandbox's process with it, so that no two of these may meet in one. */
  readonly endsProcess?: true
}

export interface ChaosFault {
  /** As `--fault` takes it. */
  readonly name: string
  /** In words that follow "a line that". */
  readonly about: string
  readonly forms: Readonly<Partial<Record<Runtime, Form>>>
}

export const RUNTIMES: readonly Runtime[] = ['inline', 'sandbox', 'program', 'worker']
export const DEFAULT_TIMEOUT_MS = 20_000
/** Where the time-out is what ends it. */
export const SHORT_TIMEOUT_MS = 1000
