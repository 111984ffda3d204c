/** `helios serve` as a process of its own, started and ended as an operator would. */
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { after } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { SmtpClient, type ClientOptions } from '../client/smtp-client.ts'
import type { Home } from './home.ts'

export interface Exit {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
}

export interface Server {
  readonly pid: number
  /** One for each listener, in the order of the settings. */
  readonly ports: readonly number[]
  readonly port: number
  stdout(): string
  stderr(): string
  /** Once that stands so many times on standard error, where a line may come later than the reply that it goes with. */
  told(pattern: RegExp, times?: number): Promise<void>
  /** To the first listener. The client is gone after the tests of the file. */
  connect(options?: ClientOptions): Promise<SmtpClient>
  /** SIGTERM, and the exit it leads to. */
  stop(): Promise<Exit>
  /** SIGKILL. */
  kill(): Promise<Exit>
  /** The exit of one that stops by itself. */
  ended(): Promise<Exit>
}

const LAUNCHER = join(import.meta.dirname, '..', '..', 'core', 'cli', 'helios.js')
/** Only a hang meets these. */
const START_MS = 30_000
const STOP_MS = 60_000
const TOLD_MS = 30_000

const running = new Set<ChildProcess>()
// A test that dies must not leave its servers behind.
process.on('exit', () => { for (const child of running) child.kill('SIGKILL') })

export interface ServerOptions {
  /** Added to the environment of the server process. */
  readonly env?: Readonly<Record<string, string>>
}

/** Starts a server in this home and resolves once it listens. It is stopped after the tests of the file, if it still runs. */
export async function startServer(home: Home, options: ServerOptions = {}): Promise<Server> {
  const child = spawn(process.execPath, [LAUNCHER, '--home', home.path, 'serve'], {
    cwd: home.path, stdio: ['ignore', 'pipe', 'pipe'],
    env: { PATH: process.env['PATH'], HOME: home.path, TZ: 'UTC', ...options.env },
  })
  running.add(child)
  let stdout = ''
  let stderr = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => { stdout += text })
  child.stderr.setEncoding('utf8').on('data', (text: string) => { stderr += text })
  const exited = once(child, 'close').then(([code, signal]): Exit => {
    running.delete(child)
    return { code: code as number | null, signal: signal as NodeJS.Signals | null }
  })
  const endAfter = (what: string): Promise<Exit> => bounded(exited, STOP_MS, () => {
    child.kill('SIGKILL')
    return `the server did not end after ${what}\n${stderr}`
  })
  const end = (signal: NodeJS.Signals): Promise<Exit> => {
    if (running.has(child)) child.kill(signal)
    return endAfter(signal)
  }
  const clients: SmtpClient[] = []
  after(async () => {
    // A client that does not hang up costs the server its patience with half-closed connections.
    await Promise.all(clients.map((client) => client.leave()))
    await end('SIGTERM')
  })
  const ports = await listening(child, listenerCount(await home.read('helios.config.json')), () => `${stdout}\n${stderr}`)
  return {
    pid: child.pid!, ports, port: ports[0]!,
    stdout: () => stdout, stderr: () => stderr,
    told: async (pattern, times = 1) => {
      const all = new RegExp(pattern, `${pattern.flags.replace('g', '')}g`)
      const deadline = Date.now() + TOLD_MS
      while ((stderr.match(all)?.length ?? 0) < times) {
        if (Date.now() > deadline) throw new Error(`the server did not tell of ${pattern} ${times} times\n${stderr}`)
        await delay(10)
      }
    },
    connect: async (from) => {
      const client = await SmtpClient.connect(ports[0]!, from)
      clients.push(client)
      return client
    },
    stop: () => end('SIGTERM'), kill: () => end('SIGKILL'), ended: () => endAfter('what it met'),
  }
}

function listenerCount(settings: string): number {
  return (JSON.parse(settings) as { readonly listeners: readonly unknown[] }).listeners.length
}

async function listening(child: ChildProcess, count: number, output: () => string): Promise<readonly number[]> {
  const found = new Promise<readonly number[]>((resolve, reject) => {
    const look = (): void => {
      const lines = [...output().matchAll(/^listening \S+ \S+:([0-9]+)$/gm)]
      if (lines.length >= count) resolve(lines.map((match) => Number(match[1])))
    }
    child.stdout!.on('data', look)
    child.on('close', (code, signal) => reject(new Error(`the server ended at its start (${code ?? signal})\n${output()}`)))
  })
  return bounded(found, START_MS, () => {
    child.kill('SIGKILL')
    return `the server did not start\n${output()}`
  })
}

async function bounded<T>(promise: Promise<T>, ms: number, failed: () => string): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(failed())), ms)
  })
  try {
    return await Promise.race([promise, late])
  } finally {
    clearTimeout(timer)
  }
}
