/**
 * Real pipes for the output of programs. What Node calls a pipe between processes is a socket pair, and a shell
 * plugin that says `echo … >/dev/stderr` cannot open a socket by that name. So a few FIFOs are made ahead, unlinked
 * at once, and each run gets two of them; where that is not possible, sockets must do.
 */
import { spawn } from 'node:child_process'
import { closeSync, constants, existsSync, mkdtempSync, openSync, readdirSync, rmSync } from 'node:fs'
import { Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** A pipe for one run. */
export interface Pipe {
  /** The program's end; to be closed here once the program has it. */
  readonly writeEnd: number
  readonly reader: Socket
}

/** FIFOs made at a time, enough for half as many programs at once. */
const BATCH = 64
/** FIFOs at most: each is a descriptor held. */
const MAX = 1024
/** Linux: a descriptor that is neither reader nor writer, by which the unlinked FIFO can be opened again. */
const O_PATH = 0o10000000

export class PipePool {
  readonly #free: number[] = []
  #total = 0
  #filling: Promise<void> | undefined

  /** Makes more pipes. Never rejects; resolves when they are there, or cannot be. */
  fill(): Promise<void> {
    if (process.platform !== 'linux' || this.#total + BATCH > MAX) return Promise.resolve()
    this.#filling ??= makeFifos(BATCH).then((made) => {
      this.#free.push(...made)
      this.#total += made.length
      this.#filling = undefined
    })
    return this.#filling
  }

  /** A pipe, or undefined when there is none at the moment: then more are being made. */
  take(): Pipe | undefined {
    const fifo = this.#free.pop()
    if (fifo === undefined) {
      void this.fill()
      return undefined
    }
    const pipe = open(fifo)
    if (pipe === undefined) {
      this.#drop(fifo)
      return undefined
    }
    let ended = false
    pipe.reader.once('end', () => { ended = true })
    // Closed before its end, it still has a writer, whose bytes are not for the next run.
    pipe.reader.once('close', () => ended ? void this.#free.push(fifo) : this.#drop(fifo))
    return pipe
  }

  #drop(fifo: number): void {
    this.#total--
    closeSync(fifo)
  }
}

function open(fifo: number): Pipe | undefined {
  const path = `/proc/self/fd/${fifo}`
  let readEnd: number | undefined
  try {
    readEnd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK)
    const writeEnd = openSync(path, constants.O_WRONLY)
    return { writeEnd, reader: new Socket({ fd: readEnd, readable: true, writable: false }) }
  } catch {
    if (readEnd !== undefined) closeSync(readEnd)
    return undefined
  }
}

async function makeFifos(count: number): Promise<readonly number[]> {
  let directory: string | undefined
  try {
    directory = mkdtempSync(join(tmpdir(), 'helios-pipes-'))
    const names = Array.from({ length: count }, (_, index) => String(index))
    await mkfifo(directory, names)
    return readdirSync(directory).map((name) => openSync(join(directory!, name), O_PATH))
  } catch (error) {
    process.stderr.write(`no pipes for programs (${String(error)}); they get sockets, which /dev/stderr cannot open\n`)
    return []
  } finally {
    if (directory !== undefined) rmSync(directory, { recursive: true, force: true })
  }
}

function mkfifo(directory: string, names: readonly string[]): Promise<void> {
  const program = ['/usr/bin/mkfifo', '/bin/mkfifo'].find((path) => existsSync(path)) ?? 'mkfifo'
  return new Promise((resolve, reject) => {
    spawn(program, ['-m', '600', ...names], { cwd: directory, env: {}, stdio: 'ignore' })
      .on('error', reject)
      .on('exit', (status) => status === 0 ? resolve() : reject(new Error(`mkfifo ended with ${status}`)))
  })
}
