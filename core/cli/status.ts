/** `helios status`: is the server running, with what, and how full is the queue. */
import { readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { printProblem } from '../../config/problem.ts'
import { HeliosError } from '../error.ts'
import { queuePlaces } from '../message/places.ts'
import type { ServerStatus, WorkerStatus } from '../server/status-file.ts'
import { printable } from '../trace/printable.ts'
import type { Io, Noun } from './command.ts'
import { existingHome } from './home.ts'
import { counted, table } from './table.ts'

/** Milliseconds without a new status file after which a server is called silent. */
const SILENT = 60_000

interface QueueCounts {
  /** Accepted messages with recipients still to be served. */
  readonly waiting: number
  /** Messages kept because recipients failed for good. */
  readonly failed: number
  /** Files that are no whole message. */
  readonly corrupt: number
}

export const status: Noun = {
  register(program, io, exit) {
    program.command('status').description('show whether the server runs, what it has loaded, and the queue (exit status 1: not running)')
      .option('--json', 'as JSON')
      .action(async ({ json }: { readonly json?: boolean }) => {
        const { home } = await existingHome(io)
        const [found, queue] = await ask(home)
        const running = found !== undefined && isAlive(found.status.pid)
        if (!running) exit(1)
        const server = running ? { server: found.status, writtenAt: found.at } : {}
        if (json === true) return io.out(JSON.stringify({ home, running, queue, ...server }, undefined, 2))
        if (running) showServer(io, found)
        else io.out(`no server is running in ${home}${found === undefined ? '' : ` (the last one had pid ${found.status.pid})`}`)
        io.out(`queue: ${queue.waiting} waiting, ${queue.failed} with failed recipients, ${queue.corrupt} corrupt`)
      })
  },
}

async function ask(home: string): Promise<readonly [FoundStatus | undefined, QueueCounts]> {
  try {
    return [await readStatus(home), await countQueue(home)]
  } catch (error) {
    throw new HeliosError('status', `cannot look into ${home}: ${(error as Error).message}`, {
      fault: 'system', mend: 'run this as the user who owns the home, or as root', cause: error,
    })
  }
}

export interface FoundStatus {
  readonly status: ServerStatus
  /** When the server wrote it, milliseconds since 1970. */
  readonly at: number
}

/** What the last server wrote (core/server/status-file.ts); undefined when there is no such file or it is none. */
export async function readStatus(home: string): Promise<FoundStatus | undefined> {
  const path = join(home, 'run', 'status.json')
  try {
    const { mtimeMs } = await stat(path)
    const status: unknown = JSON.parse(await readFile(path, 'utf8'))
    return isStatus(status) ? { status, at: mtimeMs } : undefined
  } catch (error) {
    if (error instanceof SyntaxError || (error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

function isStatus(value: unknown): value is ServerStatus {
  const status = value as Partial<ServerStatus> | null
  return typeof status?.pid === 'number' && typeof status.startedAt === 'number' && typeof status.generation?.number === 'number'
    && Array.isArray(status.listeners) && Array.isArray(status.plugins)
}

async function countQueue(home: string): Promise<QueueCounts> {
  const places = queuePlaces(home)
  const [waiting, failed, corrupt] = await Promise.all([countFiles(places.msg), countFiles(places.failed), countFiles(places.corrupt)])
  return { waiting, failed, corrupt }
}

async function countFiles(directory: string): Promise<number> {
  try {
    return (await readdir(directory)).filter((name) => !name.startsWith('.') && !name.endsWith('.state')).length
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return 0
    throw error
  }
}

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    // It is there, and another user's.
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

function showServer(io: Io, { status: server, at }: FoundStatus): void {
  io.out(`running since ${date(server.startedAt)}, pid ${server.pid}, ${counted(server.sessions, 'session')}`)
  const silent = Date.now() - at
  if (silent > SILENT) {
    io.out(`but it has said nothing for ${Math.round(silent / 1000)} s: it hangs, or pid ${server.pid} is another program by now`)
  }
  for (const { service, address } of server.listeners) io.out(`${service} on ${address}`)
  for (const line of table((server.workers ?? []).map(processRow))) io.out(line)
  io.out(`generation ${server.generation.number}, loaded ${date(server.generation.loadedAt)}`)
  if (server.lastFailedReload !== undefined) {
    io.out(`the reload of ${date(server.lastFailedReload.at)} failed, and the generation before it serves on:`)
    for (const problem of server.lastFailedReload.problems) io.out(`  ${printProblem(problem)}`)
  }
  const rows = server.plugins.map((plugin) => [
    `${plugin.file}:${plugin.number}`, `[${plugin.section}]`, printable(plugin.line), plugin.runtime, plugin.state,
  ])
  for (const line of table(rows)) io.out(line)
  for (const line of restartLines(server)) io.out(line)
}

/** What a reload does not take up, for an operator who wonders about an edit. */
export function restartLines({ needsRestart }: ServerStatus): readonly string[] {
  return (needsRestart ?? []).map((name) => `${name} was edited since the start: that counts after a restart`)
}

function processRow({ number, pid, sessions, generation, replaced }: WorkerStatus): readonly string[] {
  const since = replaced === 0 ? '' : `replaced ${replaced === 1 ? 'once' : `${replaced} times`}`
  if (pid === undefined) return [`process ${number}`, 'is being started', '', '', since]
  return [`process ${number}`, `pid ${pid}`, counted(sessions, 'session'), `generation ${generation}`, since]
}

function date(ms: number): string {
  return new Date(ms).toISOString()
}
