/** The program runtime (spp/1): any executable, started once per hook; environment in, commands out. Spec: spp-protocol 2 to 6, 11. */
import { parseOutput, type Output } from '../../../protocol/spp/output.ts'
import type { ListEntry } from '../../../protocol/spp/list.ts'
import type { Log } from '../../plugin/plugin.ts'
import type { Broker } from '../children/broker.ts'
import { OUTPUT_LIMIT, type SpawnJob, type SpawnResult } from '../children/types.ts'
import { NOBODY_WAITS } from '../left.ts'
import type { Fault, HookRequest, Line, RunResult } from '../types.ts'
import { readReply } from './full-reply.ts'

export interface ProgramOptions {
  readonly entry: ListEntry
  /** The list's path as an operator names it. */
  readonly file: string
  /** Absolute; the program's working directory. */
  readonly home: string
  readonly broker: Pick<Broker, 'run'>
  /** Output is read to the byte as the original reads it. */
  readonly compat: boolean
  /** `detect`: a first output line that looks like a 4xx or 5xx reply refuses (spp-protocol 11). */
  readonly replyDialect: 'detect' | 'off'
  readonly log: Log
  /** Where the line says nothing. Default: 60 s. */
  readonly defaults?: { readonly timeoutMs: number }
}

const DEFAULT_TIMEOUT_MS = 60_000
/** Status by which a shell line says "could not be executed" (spp-protocol 6). */
const CANNOT_EXECUTE = 120
const LF = 10

/** The line of a program. Its `run` never rejects. */
export function programLine(options: ProgramOptions): Line {
  const { entry } = options
  const name = entry.options.name ?? entry.text
  const report = reporter(name, options.log)
  return {
    hook: entry.section, text: entry.text, file: options.file, number: entry.line, options: entry.options, runtime: 'program', name,
    async run(request) {
      const job = await prepare(options, request)
      if ('fault' in job) return { commands: [], fault: job.fault }
      const result = await options.broker.run(job, request.signal)
      report.stderr(result.stderr, request.trace.id)
      return withComplaint(resultOf(result, job, options, report), result.stderr, report)
    },
  }
}

/** Everything a program gets, or why it cannot be had. */
async function prepare(options: ProgramOptions, request: HookRequest): Promise<SpawnJob | { readonly fault: Fault }> {
  const { entry, home } = options
  const job: SpawnJob = {
    form: entry.form, text: entry.form === 'shell' ? entry.text.slice(1) : entry.text, cwd: home, env: request.session.env,
    timeoutMs: entry.options.timeout ?? options.defaults?.timeoutMs ?? DEFAULT_TIMEOUT_MS,
  }
  if (request.message === undefined) return job
  try {
    const stdin = await request.message.file()
    return { ...job, stdin, env: { ...job.env, SPPMESSAGE: stdin, ...(request.hook === 'deliver' ? deliveryVariables(request) : {}) } }
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    return { fault: { kind: 'unavailable', detail: `the message cannot be read: ${why}` } }
  }
}

/** What qmail-command gives a delivery program: the envelope, and the recipient on either side of its last `@`. */
export function deliveryVariables({ session }: HookRequest): Record<string, string> {
  const recipient = session.recipient ?? ''
  const at = recipient.lastIndexOf('@')
  return {
    SENDER: session.reversePath ?? '',
    RECIPIENT: recipient,
    LOCAL: at === -1 ? recipient : recipient.slice(0, at),
    HOST: at === -1 ? '' : recipient.slice(at + 1),
  }
}

/** Commands printed before a failure are kept beside it: the original has obeyed them by then, and the chain knows the mode. */
function resultOf(result: SpawnResult, job: SpawnJob, options: ProgramOptions, report: Reporter): RunResult {
  const kept = result.truncated ? wholeLines(result.stdout) : result.stdout
  const exit = result.exit ?? result.signal
  const ended = exit === undefined ? {} : { exit }
  const failure = faultOf(result, job)
  const legacy = options.entry.options.protocol === 'reply'
  if (failure === undefined && (legacy || options.replyDialect === 'detect')) {
    const read = readReply(kept, { exit: result.exit ?? 0, legacy, compat: options.compat, hook: options.entry.section })
    if (read.discarded !== undefined) report.ignored(read.discarded)
    if (read.kind === 'reply') return { commands: [], reply: read.reply, ...ended }
    if (read.kind === 'fault') return { commands: [], fault: read.fault, ...ended }
    if (read.kind === 'accept') return { commands: [], ...ended }
  }
  const output = parseOutput(kept, { unterminated: options.compat ? 'lose-byte' : 'keep' })
  report.output(output)
  const fault = failure ?? (result.truncated && !output.final ? tooMuch(job) : undefined)
  return { commands: output.commands, ...(fault === undefined ? {} : { fault }), ...ended }
}

/** Lines of standard error that the trace keeps, and characters of each. */
const COMPLAINT = { lines: 4, characters: 300 }

/**
 * A program that failed, or ended with another status than 0, most often says why on standard error, and last. One that
 * has answered nothing has let the client pass: a typing error in a script must not go unnoticed.
 */
function withComplaint(result: RunResult, stderr: string, report: Reporter): RunResult {
  if (result.fault === undefined && (result.exit ?? 0) === 0) return result
  const lines = stderr.split('\n').filter((line) => line.trim() !== '')
  if (lines.length === 0) return result
  if (result.fault === undefined && result.reply === undefined && result.commands.length === 0) {
    report.passed(`it ended with status ${result.exit}, answered nothing and so had no objection; it wrote ${JSON.stringify(lines.at(-1))}`)
  }
  return { ...result, complaint: lines.slice(-COMPLAINT.lines).map((line) => line.slice(0, COMPLAINT.characters)) }
}

/** Of output that was cut off, the last line may be half a command. */
function wholeLines(output: Buffer): Buffer {
  return output.subarray(0, output.lastIndexOf(LF) + 1)
}

function tooMuch(job: SpawnJob): Fault {
  return { kind: 'too-much-output', detail: `more than ${job.outputLimit ?? OUTPUT_LIMIT.default} bytes without a final command` }
}

function faultOf(result: SpawnResult, job: SpawnJob): Fault | undefined {
  if (result.fault !== undefined) return { kind: 'unavailable', detail: `${result.fault}, and the program with it` }
  if (result.aborted) return { kind: 'unavailable', detail: NOBODY_WAITS }
  if (result.cannotStart !== undefined) return { kind: 'cannot-start', detail: result.cannotStart }
  if (result.cannotExecute !== undefined) return { kind: 'cannot-execute', detail: result.cannotExecute }
  if (result.timedOut) return { kind: 'timed-out', detail: `no end after ${job.timeoutMs / 1000} s` }
  if (result.exit === undefined) return { kind: 'crashed', detail: `killed by ${result.signal ?? 'an unknown signal'}` }
  if (result.exit === CANNOT_EXECUTE) return { kind: 'cannot-execute', detail: `it ended with status ${CANNOT_EXECUTE}` }
  return undefined
}

/** Lines of one run's standard error that go to the log. */
const STDERR_LINES = 50

export interface Reporter {
  /** @param session the id by which the trace has it */
  stderr(text: string, session?: string): void
  output(output: Output): void
  ignored(text: string): void
  /** It may have failed, and let the client pass. */
  passed(text: string): void
}

/** What a program says that is no answer goes to the log: standard error each time, stray output and doubtful ends once for each line of the list. */
export function reporter(name: string, log: Log): Reporter {
  const ignored = once((what) => log.warn(`${name}: ${what}`, { plugin: name }))
  return {
    ignored,
    passed: once((what) => log.warn(`${name}: ${what}`, { plugin: name })),
    stderr(text, session) {
      if (text === '') return
      const about = { plugin: name, ...(session === undefined ? {} : { session }) }
      const lines = text.split('\n').filter((line) => line !== '')
      for (const line of lines.slice(0, STDERR_LINES)) log.info(`${name}: ${line}`, about)
      if (lines.length > STDERR_LINES) log.info(`${name}: … ${lines.length - STDERR_LINES} lines more`, about)
    },
    output(output) {
      if (output.ignored === 0) return
      const example = JSON.stringify(output.firstIgnored)
      ignored(`it prints lines that are no commands and are passed over, such as ${example} (remarks belong on standard error)`)
    },
  }
}

function once(tell: (what: string) => void): (what: string) => void {
  let told = false
  return (what) => {
    if (told) return
    told = true
    tell(what)
  }
}
