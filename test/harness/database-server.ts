/**
 * Private database servers for tests: MariaDB and PostgreSQL from Debian, each in a temporary directory, reachable by a socket in
 * it alone, run by a user without rights. Gone when the tests end.
 */
import { execFileSync, spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, chownSync, mkdirSync, mkdtempSync, openSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import mysql from 'mysql2/promise'
import pg from 'pg'
import { peer } from '../peers.ts'

export interface DatabaseServer {
  readonly driver: 'mysql' | 'postgresql'
  /** As a connection string names the place. */
  readonly host: string
  /** Statements as the administrator, in one database or none. Rejects with the driver's error. */
  admin(statements: readonly string[], dbname?: string): Promise<void>
  /** A connection of the administrator's that stays open, for locks. */
  session(dbname: string): Promise<AdminSession>
  /** Ends it at once, connections and all. */
  kill(): Promise<void>
  /** Starts it with the data it had. */
  start(): Promise<void>
}

export interface AdminSession {
  run(statement: string): Promise<void>
  end(): Promise<void>
}

const NOBODY = 65534
const running = new Set<ChildProcess>()
const directories = new Set<string>()
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL')
  for (const directory of directories) rmSync(directory, { recursive: true, force: true })
})

/** Undefined, after one loud line, where the program is not installed. */
export async function mariadb(): Promise<DatabaseServer | undefined> {
  const [program, install] = [peer('mariadbd'), peer('mariadb-install-db')]
  if (program === undefined || install === undefined) return undefined
  const directory = ownDirectory()
  const data = join(directory, 'data')
  execFileSync(install, ['--no-defaults', `--datadir=${data}`, '--auth-root-authentication-method=normal', '--skip-test-db'], { ...asNobody(), stdio: 'ignore', cwd: directory })
  const host = join(directory, 's')
  const admin = (dbname?: string): Promise<mysql.Connection> =>
    mysql.createConnection({ socketPath: host, user: 'root', ...(dbname === undefined ? {} : { database: dbname }) })
  return serverOf('mysql', host, directory, program, [
    '--no-defaults', `--datadir=${data}`, `--socket=${host}`, '--skip-networking', '--innodb-buffer-pool-size=16M', '--innodb-flush-log-at-trx-commit=2',
    '--skip-name-resolve', `--pid-file=${join(directory, 'pid')}`,
  ], async (dbname) => {
    const connection = await admin(dbname)
    connection.on('error', () => undefined)
    return { run: async (statement) => { await connection.query(statement) }, end: () => connection.end() }
  })
}

export async function postgresql(): Promise<DatabaseServer | undefined> {
  const [initdb, program] = ['initdb', 'postgres'].map(postgresProgram)
  if (initdb === undefined || program === undefined) return undefined
  const directory = ownDirectory()
  const data = join(directory, 'data')
  execFileSync(initdb, ['-D', data, '-A', 'trust', '-U', 'root', '--no-sync', '-E', 'UTF8', '--locale=C'], { ...asNobody(), stdio: 'ignore', cwd: directory })
  return serverOf('postgresql', directory, directory, program, [
    '-D', data, '-k', directory, '-c', 'listen_addresses=', '-c', 'fsync=off', '-c', 'shared_buffers=16MB', '-c', 'max_connections=40',
  ], async (dbname = 'postgres') => {
    const client = new pg.Client({ host: directory, user: 'root', database: dbname })
    client.on('error', () => undefined)
    await client.connect()
    return { run: async (statement) => { await client.query(statement) }, end: () => client.end() }
  })
}

async function serverOf(
  driver: DatabaseServer['driver'], host: string, directory: string, program: string, args: readonly string[],
  session: (dbname?: string) => Promise<AdminSession>,
): Promise<DatabaseServer> {
  let child: ChildProcess | undefined
  const logFile = join(directory, 'log')
  const start = async (): Promise<void> => {
    const log = openSync(logFile, 'a')
    child = spawn(program, args, { ...asNobody(), cwd: directory, stdio: ['ignore', log, log] })
    running.add(child)
    child.unref()
    let exited = false
    void once(child, 'exit').then(() => { exited = true })
    for (let tries = 0; ; tries += 1) {
      try {
        await (await session()).end()
        return
      } catch (error) {
        if (exited || tries > 600) throw new Error(`${driver} does not start: ${String(error)}\n${readFileSync(logFile, 'utf8').slice(-2000)}`, { cause: error })
        await delay(100)
      }
    }
  }
  await start()
  return {
    driver, host, start,
    admin: async (statements, dbname) => {
      const one = await session(dbname)
      try {
        for (const statement of statements) await one.run(statement)
      } finally {
        await one.end()
      }
    },
    session: (dbname) => session(dbname),
    kill: async () => {
      if (child === undefined) return
      const gone = once(child, 'exit')
      // Killed, PostgreSQL would leave its children serving.
      child.kill(driver === 'postgresql' ? 'SIGQUIT' : 'SIGKILL')
      await gone
      running.delete(child)
    },
  }
}

/** Short, because a socket's path has 107 bytes; its own even when we are root. */
function ownDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'hdb-'))
  directories.add(directory)
  mkdirSync(join(directory, 'data'))
  chmodSync(join(directory, 'data'), 0o700)
  if (process.getuid?.() === 0) for (const path of [directory, join(directory, 'data')]) chownSync(path, NOBODY, NOBODY)
  return directory
}

function asNobody(): { readonly uid?: number; readonly gid?: number; readonly env: NodeJS.ProcessEnv } {
  const env = { PATH: process.env['PATH'], LC_ALL: 'C', TZ: 'Pacific/Auckland' }
  return process.getuid?.() === 0 ? { uid: NOBODY, gid: NOBODY, env } : { env }
}

/** Debian keeps PostgreSQL's programs apart by version, out of the PATH. */
function postgresProgram(name: string): string | undefined {
  try {
    const versions = readdirSync('/usr/lib/postgresql').toSorted((a, b) => Number(b) - Number(a))
    for (const version of versions) {
      const bin = `/usr/lib/postgresql/${version}/bin`
      if (readdirSync(bin).includes(name)) return join(bin, name)
    }
  } catch {
    // Perhaps it is installed another way.
  }
  return peer(name)
}
