/** The server that the matrix is played on: `helios serve` in the copied home, as a process of its own. */
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { HeliosError } from '../error.ts'
import { packageRoot } from '../paths.ts'

export interface ChaosServer {
  readonly pid: number
  readonly port: number
  /** False once it has ended, by itself or not. */
  readonly alive: boolean
  /** Lines of its log that say that something was not foreseen. */
  readonly defects: readonly string[]
  /** SIGTERM, and after a while SIGKILL. Resolves with how it ended. */
  stop(): Promise<string>
  kill(): void
}

/** Lists are many, and each sandboxed plugin among them is tried: a slow machine may take its time. */
const START_MS = 180_000
const STOP_MS = 45_000
const MOST_KEPT = 64 * 1024
const MOST_DEFECTS = 20

/** Rejects with HeliosError where it does not start. */
export async function startChaosServer(home: string): Promise<ChaosServer> {
  const child = spawn(process.execPath, [join(packageRoot(), 'core', 'cli', 'helios.js'), '--home', home, 'serve'], {
    cwd: home, stdio: ['ignore', 'pipe', 'pipe'], env: { PATH: process.env['PATH'], HOME: home, TZ: 'UTC' },
  })
  const last = (): void => { child.kill('SIGKILL') }
  process.on('exit', last)
  const defects: string[] = []
  let said = ''
  let partial = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    if (said.length < MOST_KEPT) said += text
    const lines = (partial + text).split('\n')
    partial = lines.pop()!.slice(-MOST_KEPT)
    for (const line of lines) if (line.includes('a defect:') && defects.length < MOST_DEFECTS) defects.push(line)
  })
  const exited = once(child, 'close').then(([code, signal]) => {
    process.off('exit', last)
    return signal === null ? `exit status ${String(code)}` : String(signal)
  })
  const port = await listening(child, () => said)
  return {
    pid: child.pid!, port, defects,
    get alive() { return child.exitCode === null && child.signalCode === null },
    async stop() {
      child.kill('SIGTERM')
      const impatience = setTimeout(() => child.kill('SIGKILL'), STOP_MS)
      const how = await exited
      clearTimeout(impatience)
      return how
    },
    kill: last,
  }
}

function listening(child: ChildProcess, said: () => string): Promise<number> {
  return new Promise((resolve, reject) => {
    const failed = (why: string): void => {
      clearTimeout(impatience)
      // What it logs before is not why.
      const lines = said().split('\n').filter((line) => line !== '')
      const first = lines.find((line) => !line.startsWith('{')) ?? lines[0]
      reject(new HeliosError('chaos-start', `a server does not start in a copy of the home: ${first ?? why}`, {
        fault: 'operator', mend: 'helios check says what is wrong with the home; only its control/ and plugins/ are copied',
      }))
    }
    const impatience = setTimeout(() => {
      child.kill('SIGKILL')
      failed(`it was not there after ${START_MS / 1000} s`)
    }, START_MS)
    child.once('error', (error) => failed(error.message))
    child.once('close', (code, signal) => failed(`it ended with ${code ?? signal}`))
    let output = ''
    child.stdout!.setEncoding('utf8').on('data', (text: string) => {
      output += text
      const port = /^listening smtp \S+:([0-9]+)$/m.exec(output)?.[1]
      if (port === undefined) return
      clearTimeout(impatience)
      resolve(Number(port))
    })
  })
}
