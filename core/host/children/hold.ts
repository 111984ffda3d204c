/** Starts one program that stays, on a socket of its own to the server. Runs in the broker's process. */
import { spawn, type ChildProcess, type SpawnOptions } from 'node:child_process'
import { closeSync } from 'node:fs'
import { Socket } from 'node:net'
import type { Readable } from 'node:stream'
import { Complaints } from './complaints.ts'
import { whyNot, whyNotExecutable, withoutSearch } from './executable.ts'
import type { PipePool } from './pipes.ts'
import { killGroup, linger, type Run } from './run.ts'
import { environment, NOT_RUN, notStarted, spawnWrapped } from './start.ts'
import type { WireJob, WireResult, WireStart } from './wire.ts'
import { needsWrapper } from './wrapper.ts'

export interface HoldEvents {
  started(run: Run): void
  complaint(lines: readonly string[]): void
  /** Exactly once and last. */
  ended(result: WireResult): void
}

/** Never throws. */
export function holdProgram(job: WireStart, pool: PipePool, events: HoldEvents): void {
  const refusal = job.form === 'shell' ? undefined : whyNotExecutable(job.text, job.cwd)
  if (refusal !== undefined) return events.ended({ ...NOT_RUN, cannotExecute: refusal })
  const socket = new Socket()
  // What the server says is for the program.
  socket.pause()
  socket.on('error', failed)
  socket.connect(job.socket, () => {
    socket.write(`${job.token}\n`, (error) => {
      if (error !== undefined && error !== null) return
      socket.off('error', failed).on('error', () => {})
      start(job, socket, pool, events)
      // The program has it: our copy would keep it open when the program ends.
      socket.destroy()
    })
  })

  function failed(error: Error): void {
    events.ended({ ...NOT_RUN, cannotStart: `the server's socket: ${whyNot(error)}` })
  }
}

function start(job: WireStart, socket: Socket, pool: PipePool, events: HoldEvents): void {
  const pipe = pool.take()
  try {
    const child = spawnHeld(job, socket, pipe?.writeEnd ?? 'pipe')
    const stderr = pipe?.reader ?? child.stderr
    if (child.pid !== undefined && stderr !== null) return watch(child, child.pid, stderr, events)
    child.once('error', (error) => events.ended(notStarted(error, job)))
  } catch (error) {
    events.ended(notStarted(error, job))
  } finally {
    if (pipe !== undefined) closeSync(pipe.writeEnd)
  }
  // With no writer left it ends, and is free for the next program.
  pipe?.reader.resume()
}

function spawnHeld(job: WireStart, socket: Socket, stderr: number | 'pipe'): ChildProcess {
  const options: SpawnOptions = { cwd: job.cwd, detached: true }
  if (job.form !== 'exec') {
    const wrapped: WireJob = { ...job, form: job.form, stdin: 'fd 3', timeoutMs: 0, outputLimit: 0 }
    if (needsWrapper(wrapped)) return spawnWrapped(wrapped, { ...options, env: {}, stdio: ['pipe', socket, stderr, socket] })
  }
  const plain: SpawnOptions = {
    ...options, env: environment(job.env),
    stdio: job.duplex === 'stdio' ? [socket, socket, stderr] : ['ignore', stderr, stderr, socket],
  }
  if (job.form === 'shell') return spawn('/bin/sh', ['-c', job.text], plain)
  return spawn(withoutSearch(job.text), [...job.args], { ...plain, argv0: job.text })
}

function watch(child: ChildProcess, pid: number, stderr: Readable, events: HoldEvents): void {
  const complaints = new Complaints((lines) => events.complaint(lines))
  stderr.on('error', () => {})
  stderr.on('data', (chunk: Buffer) => complaints.read(chunk))
  child.stdout?.on('error', () => {}).on('data', (chunk: Buffer) => complaints.read(chunk))
  child.on('error', () => {})
  child.once('exit', (exit, signal) => {
    killGroup(pid)
    // What it wrote to fd 2 before it ended is in the pipe: one turn of the loop reads it.
    setImmediate(() => setImmediate(() => {
      complaints.end()
      linger(stderr)
      events.ended({ ...NOT_RUN, exit, signal })
    }))
  })
  events.started({ pid, stop: () => killGroup(pid) })
}
