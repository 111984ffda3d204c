/** The words between whoever wants a program run and the broker that runs it. */

/** One run of one program, to the end. */
export interface SpawnJob {
  /** `shell`: `/bin/sh -c text`. `path`: `text` is a file name, relative to `cwd`, without arguments and never looked up in PATH. */
  readonly form: 'shell' | 'path'
  /** Text: the command without its colon, or the file name. It is argv[0] in the path form. */
  readonly text: string
  /** Absolute. */
  readonly cwd: string
  /** The whole environment of the program: Text names and values; undefined ones are left out. */
  readonly env: Readonly<Record<string, string | undefined>>
  /** Absolute path of the file on fd 0; without it /dev/null. */
  readonly stdin?: string
  /** Milliseconds from the start of the program, after which its process group is killed. */
  readonly timeoutMs: number
  /** Bytes of standard output to keep; what follows is read and thrown away. Default and bounds: `OUTPUT_LIMIT`. */
  readonly outputLimit?: number
}

/** How a run ended. */
export interface SpawnResult {
  /** Exit status; undefined when a signal ended the program or it never ran. */
  readonly exit: number | undefined
  /** Such as `SIGKILL`; also when the broker killed it. */
  readonly signal: string | undefined
  readonly stdout: Buffer
  /** There was more output than `outputLimit`. */
  readonly truncated: boolean
  readonly timedOut: boolean
  /** The caller's signal was aborted before the end. */
  readonly aborted: boolean
  /** Text; its first 8 KiB, then a line that says how much more there was. */
  readonly stderr: string
  /** The program could not be executed: missing, not executable, no `#!`, an environment the system does not take. */
  readonly cannotExecute?: string
  /** No process could be made: out of processes, descriptors or memory. */
  readonly cannotStart?: string
  /** The broker ended while the program ran; the program was killed. */
  readonly fault?: 'broker died'
  /** Milliseconds the caller waited. */
  readonly ms: number
}

export const OUTPUT_LIMIT = { default: 256 * 1024, max: 8 * 1024 * 1024 } as const
