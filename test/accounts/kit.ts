/** Account databases for tests: a home, and a database in SQLite or on a real server. */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseQmailConfig } from '../../protocol/qmail/qmailconfig.ts'
import { openDatabase, type Database } from '../../core/accounts/database.ts'
import type { DatabaseServer } from './servers.ts'

/** Where a test puts its accounts: SQLite when no server is named. */
export type Ground = DatabaseServer | undefined

export function homeFor(t: { after(work: () => void): void }): string {
  const home = mkdtempSync(join(tmpdir(), 'helios-db-'))
  mkdirSync(join(home, 'control'))
  t.after(() => rmSync(home, { recursive: true, force: true }))
  return home
}

let databases = 0

/** A new empty database on the server, with users `reader` (SELECT alone) and `writer`. */
export async function newDatabase(server: DatabaseServer): Promise<string> {
  databases += 1
  // No word of SQL's.
  const name = `t${process.pid}-${databases}`
  if (server.driver === 'mysql') {
    await server.admin([
      `CREATE DATABASE \`${name}\``, "CREATE USER IF NOT EXISTS reader@localhost IDENTIFIED BY 'read only', writer@localhost IDENTIFIED BY 'writ''er'",
      `GRANT SELECT ON \`${name}\`.* TO reader@localhost`, `GRANT ALL ON \`${name}\`.* TO writer@localhost`,
    ])
  } else {
    await server.admin([
      "DO $$ BEGIN IF NOT EXISTS (SELECT 1 FROM pg_roles WHERE rolname = 'reader') THEN CREATE ROLE reader LOGIN; CREATE ROLE writer LOGIN; END IF; END $$",
      `CREATE DATABASE "${name}" OWNER writer`,
    ])
    await server.admin(['ALTER DEFAULT PRIVILEGES FOR ROLE writer, root GRANT SELECT ON TABLES TO reader'], name)
  }
  return name
}

/** The lines of qmailconfig for it. */
export function connectionLines(server: DatabaseServer, dbname: string): readonly string[] {
  return [
    `dbdriver ${server.driver}`, `connectionstring user=reader password='read only' dbname=${dbname} host=${server.host}`,
    `popconnectionstring user=writer password='writ\\'er' dbname=${dbname} host='${server.host}'`,
  ]
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
