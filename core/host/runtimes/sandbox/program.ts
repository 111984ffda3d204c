/** How a sandbox's process is started: which Node, with which permissions, and by whom. */
import { spawn } from 'node:child_process'
import { existsSync, statSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import type { Duplex } from 'node:stream'
import type { Broker } from '../../children/broker.ts'
import type { Log } from '../../../plugin/plugin.ts'
import { plainFile } from '../../../paths.ts'
import type { SandboxLimits } from './limits.ts'

/** A program without standard input and output, with an empty environment, in `/`, with a pipe on fd 3. */
export interface SandboxProgram {
  readonly file: string
  readonly args: readonly string[]
}

export interface SandboxProcess {
  readonly pid: number
  /** The other end of its fd 3. */
  readonly socket: Duplex
  /** Resolves once it is gone. */
  readonly exited: Promise<SandboxExit>
  /** SIGKILL; may be said twice. */
  kill(): void
}

export interface SandboxExit {
  /** Such as `SIGABRT`. */
  readonly signal: string | undefined
  /** It was killed with whoever started it, and has done nothing. */
  readonly fault?: 'broker died'
}

/** Starts a program. Rejects when there is no process to be had. */
export type StartProcess = (program: SandboxProgram) => Promise<SandboxProcess>

const RUNNER = plainFile('core/host/runtimes/sandbox/runner')

/** Node with the runner, which may read itself and vm2, write nothing and start nothing. */
export function sandboxProgram(limits: SandboxLimits): SandboxProgram {
  const vm2 = createRequire(import.meta.url).resolve('vm2')
  return {
    file: process.execPath,
    args: [
      '--permission', ...[RUNNER, ...foldersOf(vm2)].map((path) => `--allow-fs-read=${path}`),
      `--max-old-space-size=${limits.heapMiB}`, '--max-semi-space-size=4', '--single-threaded-gc', '--disallow-code-generation-from-strings', '--no-addons',
      // Without it SIGUSR1 opens a port for a debugger.
      '--disable-sigusr1', '--disable-warning=ExperimentalWarning',
      // Some installers link packages: following links would look at folders it may not read.
      '--preserve-symlinks', '--preserve-symlinks-main', RUNNER, vm2,
    ],
  }
}

/** The folders of vm2 and of what it imports, as it finds them. */
function foldersOf(vm2: string): readonly string[] {
  const places = createRequire(vm2).resolve.paths('acorn') ?? []
  const imported = ['acorn', 'acorn-walk'].flatMap((name) =>
    places.map((place) => join(place, name)).find((folder) => existsSync(folder)) ?? [])
  return [dirname(vm2), ...imported].map((folder) => `${folder}/`)
}

/** Starts programs through the server's broker, which never forks a large process. What V8 says at its end goes to the log. */
export function startThrough(broker: Pick<Broker, 'start'>, log: Log): StartProcess {
  return ({ file, args }) => broker.start({
    form: 'exec', text: file, args, cwd: '/', env: {}, duplex: 'fd3',
    onStderr: (line) => { if (line.includes('FATAL ERROR')) log.warn(`sandbox: ${line}`) },
  })
}

/**
 * Starts programs as children of this process: for commands such as `helios check`, which are small and have no broker.
 * Root's are started as the owner of the home, for what runs in a sandbox is not reviewed by anybody.
 */
export function startHere(home: string): StartProcess {
  return ({ file, args }) => new Promise((resolve, reject) => {
    const child = spawn(file, args, { cwd: '/', env: {}, stdio: ['ignore', 'ignore', 'ignore', 'pipe'], detached: true, ...ownerOf(home) })
    const exited = new Promise<SandboxExit>((done) => child.once('exit', (_code, signal) => done({ signal: signal ?? undefined })))
    child.once('error', reject)
    const { pid } = child
    const socket = child.stdio[3] as Duplex | null | undefined
    if (pid === undefined || socket === null || socket === undefined) return
    resolve({ pid, socket, exited, kill: () => void child.kill('SIGKILL') })
  })
}

function ownerOf(home: string): { readonly uid?: number; readonly gid?: number } {
  const owner = process.getuid?.() === 0 ? statSync(home, { throwIfNoEntry: false }) : undefined
  return owner === undefined ? {} : { uid: owner.uid, gid: owner.gid }
}
