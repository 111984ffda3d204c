/** The `helios` command as a process of its own, in a directory that goes away with its test. */
import { spawn, type ChildProcess } from 'node:child_process'
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import type { TestContext } from 'node:test'

export const LAUNCHER = join(import.meta.dirname, '..', '..', 'core', 'cli', 'helios.js')

export interface Ended {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly out: string
  readonly err: string
}

export interface RunOptions {
  /** What is piped in; nothing and its end when absent. */
  readonly stdin?: string
  readonly cwd?: string
  /** The program and its first arguments; the Node that runs the tests and the launcher when absent. */
  readonly command?: readonly string[]
  readonly env?: Readonly<Record<string, string>>
}

export interface Place {
  readonly directory: string
  at(name: string): string
  read(name: string): string
  write(name: string, content: string): void
  /** Runs to its end. */
  helios(args: readonly string[], options?: RunOptions): Promise<Ended>
  /** Starts and does not wait; it is killed after the test. */
  start(args: readonly string[], options?: RunOptions): ChildProcess
}

export function place(t: TestContext): Place {
  const directory = mkdtempSync(join(tmpdir(), 'helios-cli-'))
  const children: ChildProcess[] = []
  t.after(() => {
    for (const child of children) child.kill('SIGKILL')
    rmSync(directory, { recursive: true, force: true })
  })
  const at = (name: string): string => join(directory, name)
  const start = (args: readonly string[], options: RunOptions = {}): ChildProcess => {
    const { stdin, cwd = directory, command = [process.execPath, LAUNCHER], env = {} } = options
    const [program, ...first] = command
    const child = spawn(program!, [...first, ...args], { cwd, env: { PATH: process.env['PATH'], TZ: 'UTC', ...env } })
    children.push(child)
    // A command that does not read what it is given is no failure of the test.
    child.stdin.on('error', () => undefined)
    child.stdin.end(stdin)
    return child
  }
  return {
    directory, at, start,
    read: (name) => readFileSync(at(name), 'utf8'),
    write: (name, content) => {
      mkdirSync(dirname(at(name)), { recursive: true })
      writeFileSync(at(name), content)
      if (content.startsWith('#!')) chmodSync(at(name), 0o755)
    },
    helios: (args, options) => ended(start(args, options)),
  }
}

/** What the process said, once it has ended. */
export function ended(child: ChildProcess): Promise<Ended> {
  let out = ''
  let err = ''
  child.stdout!.setEncoding('utf8').on('data', (text: string) => { out += text })
  child.stderr!.setEncoding('utf8').on('data', (text: string) => { err += text })
  return new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (code, signal) => resolve({ code, signal, out, err }))
  })
}
