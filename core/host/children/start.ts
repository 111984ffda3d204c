/** How one program is started: its arguments, environment and descriptors, or why it could not be. Runs in the broker's process. */
import { spawn, type ChildProcess, type SpawnOptions } from 'node:child_process'
import { closeSync, existsSync, openSync } from 'node:fs'
import type { Readable } from 'node:stream'
import { missingInterpreter, whyNot, whyNotExecutable, withoutSearch } from './executable.ts'
import type { Pipe, PipePool } from './pipes.ts'
import type { WireJob, WireResult } from './wire.ts'
import { findEnv, needsWrapper, wrapperScript } from './wrapper.ts'

/** A program that runs. */
export interface Started {
  readonly child: ChildProcess
  /** The leader of a process group of its own. */
  readonly pid: number
  readonly stdout: Readable
  readonly stderr: Readable
}

export const NOT_RUN: WireResult = {
  exit: null, signal: null, stdout: '', truncated: false, timedOut: false, aborted: false, stderr: '',
}

/** No process could be made for want of something, rather than because of the file. */
const SHORTAGES: ReadonlySet<string> = new Set(['EAGAIN', 'ENOMEM', 'EMFILE', 'ENFILE', 'ENOBUFS'])

/** A file that cannot be opened for fd 0: the program is not to blame. */
class NoInput extends Error {}

/** Never throws. Without a program to return, `failed` is called once, now or soon. */
export function startProgram(job: WireJob, pool: PipePool, failed: (result: WireResult) => void): Started | undefined {
  const refusal = job.form === 'path' ? whyNotExecutable(job.text, job.cwd) : undefined
  if (refusal !== undefined) return fail({ ...NOT_RUN, cannotExecute: refusal })
  const pipes = [pool.take(), pool.take()] as const
  let input: number | undefined
  try {
    input = job.stdin === undefined ? undefined : openInput(job.stdin)
    const child = spawnJob(job, input, pipes)
    const stdout = pipes[0]?.reader ?? child.stdout
    const stderr = pipes[1]?.reader ?? child.stderr
    if (child.pid !== undefined && stdout !== null && stderr !== null) return { child, pid: child.pid, stdout, stderr }
    child.once('error', (error) => fail(notStarted(error, job)))
    // Out of descriptors, there are no streams at all.
    for (const stream of child.stdio ?? []) stream?.destroy()
  } catch (error) {
    fail(notStarted(error, job))
  } finally {
    if (input !== undefined) closeSync(input)
    for (const pipe of pipes) if (pipe !== undefined) closeSync(pipe.writeEnd)
  }
  // With no writer left they end, and are free for the next run.
  for (const pipe of pipes) pipe?.reader.resume()
  return undefined

  function fail(result: WireResult): undefined {
    failed(result)
  }
}

function openInput(path: string): number {
  try {
    return openSync(path, 'r')
  } catch (error) {
    throw new NoInput(`${path}: ${whyNot(error)}`)
  }
}

function spawnJob(job: WireJob, input: number | undefined, pipes: readonly [Pipe | undefined, Pipe | undefined]): ChildProcess {
  const output = [pipes[0]?.writeEnd ?? 'pipe', pipes[1]?.writeEnd ?? 'pipe'] as const
  // `detached` makes the program the leader of a session and group of its own, so that all of it can be killed.
  const options: SpawnOptions = { cwd: job.cwd, detached: true }
  if (needsWrapper(job)) {
    return spawnWrapped(job, { ...options, env: {}, stdio: ['pipe', ...output, ...(input === undefined ? [] : [input])] })
  }
  const plain: SpawnOptions = { ...options, env: environment(job.env), stdio: [input ?? 'ignore', ...output] }
  return job.form === 'shell'
    ? spawn('/bin/sh', ['-c', job.text], plain)
    : spawn(withoutSearch(job.text), [], { ...plain, argv0: job.text })
}

/** The object that Node wants for `NAME=value` strings. */
export function environment(pairs: readonly string[]): Record<string, string> {
  const env = Object.create(null) as Record<string, string>
  for (const pair of pairs) {
    const at = pair.indexOf('=')
    env[pair.slice(0, at)] = pair.slice(at + 1)
  }
  return env
}

/** Through the shell of wrapper.ts, whose script is fd 0; the program's own is expected on fd 3. */
export function spawnWrapped(job: WireJob, options: SpawnOptions): ChildProcess {
  const env = findEnv()
  if (env === undefined) throw Object.assign(new Error('there is no env'), { code: 'ENOENT' })
  const child = spawn('/bin/sh', ['-s'], options)
  // A shell that ended early has its status to tell; the write error has nothing to add.
  child.stdin?.on('error', () => {}).end(wrapperScript(job, env))
  return child
}

/** What a failed spawn says about the program or the system. */
export function notStarted(error: unknown, job: Pick<WireJob, 'cwd' | 'text'> & { readonly form: string }): WireResult {
  if (error instanceof NoInput) return { ...NOT_RUN, cannotStart: error.message }
  const code = (error as NodeJS.ErrnoException).code ?? 'unknown'
  if (code === 'ENOENT' && !existsSync(job.cwd)) return { ...NOT_RUN, cannotStart: `the directory ${job.cwd} is missing` }
  if (SHORTAGES.has(code)) return { ...NOT_RUN, cannotStart: code }
  const interpreter = code === 'ENOENT' && job.form === 'path' ? missingInterpreter(job.text, job.cwd) : undefined
  return { ...NOT_RUN, cannotExecute: interpreter ?? whyNot(error) }
}
