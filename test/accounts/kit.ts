/** Account databases for tests: a home, and a database in SQLite or on a real server. */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseQmailConfig } from '../../protocol/qmail/qmailconfig.ts'
import { accountFacts } from '../../core/accounts/accounts.ts'
import { openDatabase, type Database } from '../../core/accounts/database.ts'
import type { DatabaseServer } from '../harness/database-server.ts'
import { connectionLines, newDatabase } from '../harness/databases.ts'

/** Where a test puts its accounts: SQLite when no server is named. */
export type Ground = DatabaseServer | undefined

export function homeFor(t: { after(work: () => void): void }): string {
  const home = mkdtempSync(join(tmpdir(), 'helios-db-'))
  mkdirSync(join(home, 'control'))
  t.after(() => rmSync(home, { recursive: true, force: true }))
  return home
}

/** An open database with these directives; closed after the test. */
export async function openGround(
  t: { after(work: () => void | Promise<void>): void }, home: string, ground: Ground, directives: readonly string[] = [], dbname?: string,
): Promise<Database> {
  const lines = ground === undefined ? [] : connectionLines(ground, dbname ?? await newDatabase(ground))
  const { config, problems } = parseQmailConfig([...lines, ...directives].join('\n'))
  if (problems.length > 0) throw new Error(JSON.stringify(problems))
  const database = openDatabase(home, config)
  t.after(() => database.close())
  return database
}

/** A time for accounts that begin and end. */
export const NOON = Date.UTC(2026, 0, 1, 12)
export const facts = (database: Database, locals: readonly string[] = []) =>
  accountFacts(() => database, { locals: () => new Set(locals), now: () => NOON })

export type Fields = Readonly<Record<string, string | number | null>>

export async function insert(database: Database, address: string, more: Fields = {}): Promise<void> {
  const [login, domain] = address.split('@') as [string, string]
  await database.write.insertInto('passwd').values({ login, virtual_host: domain, startdate: null, ...more }).execute()
}

export async function alias(database: Database, login: string, domain: string, ...targets: readonly string[]): Promise<void> {
  for (const target of targets) await database.write.insertInto('helios_aliases').values({ login, domain, target }).execute()
}

/** Who takes mail for the address, in one text. */
export async function found(database: Database, address: string): Promise<string> {
  return (await facts(database).takers(address)).map(({ login, domain }) => `${login}@${domain}`).join(' ')
}
