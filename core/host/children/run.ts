/** One program, from its start to the end of its output and its exit. Runs in the broker's process. */
import { availableParallelism } from 'node:os'
import type { Readable } from 'node:stream'
import { textOf } from '../../../protocol/text.ts'
import type { PipePool } from './pipes.ts'
import { putBehind, startBehind } from './priority.ts'
import { startProgram, type Started } from './start.ts'
import { turnsOf } from './vitals.ts'
import type { WireJob, WireResult } from './wire.ts'

export interface Run {
  /** The leader of the process group. */
  readonly pid: number
  /** Kills the process group; `ended` is still called, once all is over. */
  stop(): void
}

/** Bytes of standard error that are kept. */
const STDERR_LIMIT = 8 * 1024
/** What a killed group gets to close its output: only one that left the group still holds it. */
const AFTER_KILL_MS = 100
/** Milliseconds that a program had a processor, or would have had one, that make it one that computes: an interpreter takes some tens to start. */
const COMPUTES_MS = 100
/** Milliseconds that it must have had one: a small program may wait long on a busy machine. */
const COMPUTES_AT_LEAST_MS = 10
/** Programs that run at a time before the next starts behind: each alone is welcome to what it computes, a crowd of them is not. */
const CROWD = 2 * availableParallelism()
/** One that has not computed by then waits for something, and is of no crowd. */
const OF_CROWD_MS = 1000
/** From one look at that to the next. */
const LOOK_MS = 25
/** A killed process that does not end is stuck in the kernel; nobody waits for it. */
const STUCK_MS = 5000
/** Standard errors of ended runs that somebody in the background still holds; the oldest is closed for a new one. */
const MAX_LINGERING = 64

type Reason = 'timeout' | 'stop'

/**
 * Starts the program. Never throws; `ended` is called exactly once.
 * @returns the run, or undefined when there is nothing to stop
 */
export function startRun(job: WireJob, pool: PipePool, ended: (result: WireResult) => void): Run | undefined {
  const started = startProgram(job, pool, ended)
  return started === undefined ? undefined : watch(started, job, ended)
}

/** Of the crowd. */
let running = 0

function watch({ child, pid, stdout, stderr }: Started, job: WireJob, ended: (result: WireResult) => void): Run {
  const output = collect(stdout, job.outputLimit)
  const complaints = collect(stderr, STDERR_LIMIT)
  let reason: Reason | undefined
  let exited: { readonly exit: number | null; readonly signal: string | null } | undefined
  let outputEnded = false
  let over = false
  let timer = setTimeout(() => kill('timeout'), job.timeoutMs)
  let counts = true
  const behind = ++running > CROWD && startBehind(pid)
  const early = setTimeout(() => { if (!computes()) leaveCrowd() }, OF_CROWD_MS)
  const watching = behind ? undefined : setInterval(look, LOOK_MS)

  stdout.once('end', endOutput)
  stdout.once('close', endOutput)
  child.on('exit', (exit, signal) => {
    exited = { exit, signal }
    clearInterval(watching)
    if (reason === undefined || outputEnded) return settle()
    clearTimeout(timer)
    timer = setTimeout(finish, AFTER_KILL_MS)
  })

  function endOutput(): void {
    if (outputEnded) return
    outputEnded = true
    settle()
  }

  function settle(): void {
    if (exited === undefined || !outputEnded) return
    if (stderr.readableEnded) return finish()
    // What the program wrote to fd 2 before it ended is in the pipe: one turn of the loop reads it.
    setImmediate(() => setImmediate(finish))
  }

  function computes(): boolean {
    // Where many compute, each has its turn seldom: what it waited for counts as well.
    const { computed, waited } = turnsOf(pid) ?? { computed: 0, waited: 0 }
    return computed >= COMPUTES_AT_LEAST_MS && computed + waited >= COMPUTES_MS
  }

  function look(): void {
    if (computes() && putBehind(pid)) clearInterval(watching)
  }

  function leaveCrowd(): void {
    if (counts) running -= 1
    counts = false
  }

  function kill(why: Reason): void {
    if (reason !== undefined || over) return
    reason = why
    clearTimeout(timer)
    killGroup(pid)
    timer = setTimeout(finish, exited === undefined ? STUCK_MS : AFTER_KILL_MS)
  }

  function finish(): void {
    if (over) return
    over = true
    leaveCrowd()
    clearTimeout(timer)
    clearTimeout(early)
    clearInterval(watching)
    stdout.destroy()
    linger(stderr)
    ended({
      exit: exited?.exit ?? null,
      signal: exited?.signal ?? null,
      stdout: Buffer.concat(output.kept).toString('base64'),
      truncated: output.lost > 0,
      timedOut: reason === 'timeout',
      aborted: reason === 'stop',
      stderr: complaintText(complaints),
    })
  }

  return { pid, stop: () => kill('stop') }
}

/** SIGKILL to a whole process group; one that is gone already is fine. */
export function killGroup(pid: number): void {
  try {
    process.kill(-pid, 'SIGKILL')
  } catch {
    // ESRCH: nobody is left
  }
}

interface Collected {
  readonly kept: Buffer[]
  length: number
  /** Bytes read and thrown away. */
  lost: number
}

/** Reads to the end whatever comes: the program must not be stopped by a full pipe, nor killed by a closed one (SIGPIPE). */
function collect(stream: Readable, limit: number): Collected {
  const collected: Collected = { kept: [], length: 0, lost: 0 }
  stream.on('error', () => {})
  stream.on('data', (chunk: Buffer) => {
    const room = limit - collected.length
    const taken = room >= chunk.length ? chunk : chunk.subarray(0, room)
    if (taken.length > 0) collected.kept.push(taken)
    collected.length += taken.length
    collected.lost += chunk.length - taken.length
  })
  return collected
}

function complaintText({ kept, lost }: Collected): string {
  const text = textOf(Buffer.concat(kept))
  return lost === 0 ? text : `${text}\n… ${lost} bytes more`
}

const lingering = new Set<Readable>()

/**
 * A program may leave somebody in the background who still has its standard error. With the original that was the
 * server's log; closing our end would kill him with SIGPIPE, so it is read on and forgotten.
 */
export function linger(stderr: Readable): void {
  if (stderr.destroyed || stderr.readableEnded) return
  stderr.removeAllListeners('data')
  stderr.resume()
  lingering.add(stderr)
  stderr.once('close', () => lingering.delete(stderr))
  const [oldest] = lingering
  if (lingering.size > MAX_LINGERING) oldest?.destroy()
}
