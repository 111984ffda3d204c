/**
 * May the role that reads read? On a server Helios' own tables are made in the role that writes, and another role reads them
 * only where somebody grants it; without that every lookup fails.
 */
import { CompiledQuery, sql } from 'kysely'
import type { Table } from '../plugin/table.ts'
import type { Database } from './database.ts'
import { isForbidden, isMissingTable } from './questions.ts'
import { nameOf } from './tables.ts'

/**
 * What an administrator runs so that the reading role may read each table that is there; nothing where it may. Nothing is changed.
 * Rejects with the database's error.
 * @param own tables of Helios' own alone, and none of qmail-sql's
 */
export async function missingGrants(database: Database, declared: readonly Table[], own = false): Promise<readonly string[]> {
  if (database.driver === 'sqlite') return []
  const forbidden: string[] = []
  for (const name of tablesToRead(database, declared, own)) if (await isUnreadable(database, name)) forbidden.push(name)
  if (forbidden.length === 0) return []
  // MySQL does not tell a table that is not there from one that may not be read; the writing role, which makes them, sees those that are.
  const seen = new Set((await database.write.introspection.getTables()).map(({ name }) => name))
  const { reader, dbname } = await readerOf(database)
  return forbidden.filter((name) => name === database.config.names.tables.passwd || seen.has(name)).map((name) => `GRANT SELECT ON ${dbname}${name} TO ${reader}`)
}

/**
 * Grants it for Helios' own tables, as far as the writing role may: whoever made a table in PostgreSQL may. Resolves with the statements that
 * had effect. Rejects with the database's error where it cannot be asked.
 */
export async function grantReading(database: Database, declared: readonly Table[]): Promise<readonly string[]> {
  const wanted = await missingGrants(database, declared, true)
  for (const statement of wanted) {
    try {
      await database.write.executeQuery(CompiledQuery.raw(statement))
    } catch {
      // Then it is for an administrator, whom `helios db status` tells.
    }
  }
  const left = new Set(wanted.length === 0 ? [] : await missingGrants(database, declared, true))
  return wanted.filter((statement) => !left.has(statement))
}

/** As they are called in queries. */
function tablesToRead({ config }: Database, declared: readonly Table[], own: boolean): readonly string[] {
  const theirs = own ? [] : ['passwd', 'dotqmails', ...(config.localsFromDb ? ['locals'] : [])]
  return [...theirs.map((name) => config.names.tables[name as 'passwd']), 'helios_domains', 'helios_aliases', 'helios_notify', ...declared.map(nameOf)]
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
  return { reader: [reader.slice(0, at), reader.slice(at + 1)].map((part) => `'${part.replaceAll("'", "''")}'`).join('@'), dbname: `${dbname}.` }
}
