/**
 * May the role that reads read? On a server Helios' own tables are made in the role that writes, and another role reads them
 * only where somebody grants it; without that every lookup fails.
 */
import { CompiledQuery, sql } from 'kysely'
import type { Table } from '../plugin/table.ts'
import { WorldUnavailable } from '../plugin/world.ts'
import type { Database } from './database.ts'
import { isForbidden, isMissingTable } from './questions.ts'
import { quotedName } from './sql/statements.ts'
import { nameOf } from './tables.ts'

interface Grant {
  readonly table: string
  readonly statement: string
  /** False for one that is not there: MySQL denies those, too, to who was granted single tables. */
  readonly made: boolean
}

/** The tables that the reading role may not read, with what an administrator runs so that it may. Nothing is changed. Rejects with the database's error. */
export async function missingGrants(database: Database, declared: readonly Table[]): Promise<readonly Grant[]> {
  if (database.driver === 'sqlite') return []
  const forbidden: string[] = []
  for (const name of tablesToRead(database, declared)) if (await isUnreadable(database, name)) forbidden.push(name)
  if (forbidden.length === 0) return []
  // The writing role, which makes them, sees those that are there.
  const seen = new Set(await tablesThere(database))
  const { reader, dbname } = await readerOf(database)
  const made = (table: string): boolean => table === database.config.names.tables.passwd || seen.has(table)
  return forbidden.map((table) => ({ table, statement: `GRANT SELECT ON ${dbname}${quotedName(database.driver, table)} TO ${reader}`, made: made(table) }))
}

/**
 * Grants it as far as the writing role may: whoever made a table in PostgreSQL may. Resolves with the statements that had effect; with
 * none where the reading role's servers do not answer. Rejects with the database's error.
 * @param before tables that were there before Helios made any. Those of qmail-sql's among them are left alone
 */
export async function grantReading(database: Database, declared: readonly Table[], before: readonly string[]): Promise<readonly string[]> {
  const theirs = new Set(before.filter((name) => !name.startsWith('helios_')))
  const wanted = (await missingOrNone(database, declared)).filter(({ table, made }) => made && !theirs.has(table))
  for (const { statement } of wanted) {
    try {
      await database.write.executeQuery(CompiledQuery.raw(statement))
    } catch {
      // Then it is for an administrator, whom `helios db status` tells.
    }
  }
  const left = new Set((await missingOrNone(database, declared)).map(({ statement }) => statement))
  return wanted.map(({ statement }) => statement).filter((statement) => !left.has(statement))
}

/** What was made stays made while a server for reading is down. */
async function missingOrNone(database: Database, declared: readonly Table[]): Promise<readonly Grant[]> {
  try {
    return await missingGrants(database, declared)
  } catch (error) {
    if (error instanceof WorldUnavailable) return []
    throw error
  }
}

/** Names of the tables that the writing role sees. Rejects with the database's error. */
export async function tablesThere(database: Database): Promise<readonly string[]> {
  return (await database.write.introspection.getTables()).map(({ name }) => name)
}

/** As they are called in the database. */
function tablesToRead({ config: { names: { tables }, localsFromDb } }: Database, declared: readonly Table[]): readonly string[] {
  return [tables.passwd, tables.dotqmails, ...(localsFromDb ? [tables.locals] : []), 'helios_domains', 'helios_aliases', 'helios_notify', ...declared.map(nameOf)]
}

async function isUnreadable(database: Database, name: string): Promise<boolean> {
  try {
    await sql`SELECT 1 FROM ${sql.table(name)} LIMIT 1`.execute(database.sql)
    return false
  } catch (error) {
    if (isForbidden(error)) return true
    if (isMissingTable(error)) return false
    throw error
  }
}

/** As they stand in a GRANT: MySQL's users have a host, and its tables may be named with their database. */
async function readerOf(database: Database): Promise<{ readonly reader: string; readonly dbname: string }> {
  if (database.driver === 'postgresql') {
    const { rows } = await sql<{ reader: string }>`SELECT quote_ident(current_user) AS reader`.execute(database.sql)
    return { reader: rows[0]!.reader, dbname: '' }
  }
  const { rows } = await sql<{ reader: string; dbname: string }>`SELECT current_user() AS reader, database() AS dbname`.execute(database.sql)
  const { reader, dbname } = rows[0]!
  const at = reader.lastIndexOf('@')
  return { reader: [reader.slice(0, at), reader.slice(at + 1)].map((part) => `'${part.replaceAll("'", "''")}'`).join('@'), dbname: `${quotedName(database.driver, dbname)}.` }
}
