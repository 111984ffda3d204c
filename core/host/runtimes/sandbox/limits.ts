/** What a sandbox's process may use, and how long it may keep silent. */

export interface SandboxLimits {
  /** MiB of JavaScript heap (`--max-old-space-size`); a process that needs more ends. */
  readonly heapMiB: number
  /** MiB of resident memory, all of the process: buffers lie outside the heap. */
  readonly rssMiB: number
  /** Milliseconds of processor time between a ping and its answer. */
  readonly heartbeatMs: number
  /** The same by the clock, less the time it waited for a processor: what neither computes nor waits is stuck as well. */
  readonly silenceMs: number
  /** Milliseconds between two looks at a process with calls in it. */
  readonly watchMs: number
  /** As `heartbeatMs`, while a plugin is compiled, runs its top level and reads its control files. */
  readonly loadMs: number
  /** Milliseconds that a process has to start. */
  readonly startMs: number
  /** Ends of its process that a plugin may cause within `restartWindowMs`; then it is not asked for `restMs`. */
  readonly restarts: number
  readonly restartWindowMs: number
  readonly restMs: number
  /** Questions to the world in one call, the pieces of a message aside. */
  readonly questions: number
  /** Plugins loaded in one process; of more, those that were not asked for `seatIdleMs` are dropped, and loaded again when they are. */
  readonly seats: number
  readonly seatIdleMs: number
  /** Plugins dropped from a process before it is replaced at its next idle moment. */
  readonly dropsPerProcess: number
}

export const SANDBOX_LIMITS: SandboxLimits = {
  heapMiB: 64,
  rssMiB: 256,
  heartbeatMs: 250,
  silenceMs: 2000,
  watchMs: 25,
  loadMs: 3000,
  startMs: 30_000,
  restarts: 6,
  restartWindowMs: 60_000,
  restMs: 30_000,
  questions: 1000,
  seats: 64,
  seatIdleMs: 10_000,
  dropsPerProcess: 64,
}
