/** Statements as they can be run: for people to read and copy, or to be sent as they are. */
import { sql } from 'kysely'
import { printable } from '../../trace/printable.ts'
import type { Database } from '../database.ts'

/** Whatever a name is made of: a word of SQL's is one then, and PostgreSQL leaves its capitals alone. */
export function quotedName(driver: Database['driver'], name: string): string {
  const quote = driver === 'mysql' ? '`' : '"'
  return `${quote}${name.replaceAll(quote, quote + quote)}${quote}`
}

/** Writes logins and domains in small letters. */
export function lowering({ driver, config: { names: { tables, columns } } }: Database): string {
  const [login, domain] = [quotedName(driver, columns.login), quotedName(driver, columns.virtual_host)]
  return `UPDATE ${quotedName(driver, tables.passwd)} SET ${login} = lower(${login}), ${domain} = lower(${domain})`
}

/** Makes the password column hold 255 characters, and leaves all else of it. Undefined where how to say that is not known. Rejects with the database's error. */
export async function widening(database: Database): Promise<string | undefined> {
  const { driver, config: { names } } = database
  const [passwd, password] = [quotedName(driver, names.tables.passwd), quotedName(driver, names.columns.password)]
  if (driver !== 'mysql') return `ALTER TABLE ${passwd} ALTER COLUMN ${password} TYPE varchar(255)`
  // MODIFY is the whole of the column from then on: what it does not say again is gone.
  const { rows } = await sql<{ [column: string]: unknown }>`SHOW CREATE TABLE ${sql.table(names.tables.passwd)}`.execute(database.write)
  const start = `  ${password} `
  const line = String(rows[0]?.['Create Table'] ?? '').split('\n').find((each) => each.startsWith(start))
  const found = /^(?:var)?(char|binary)\(\d+\)(.*?),?$/.exec(line?.slice(start.length) ?? '')
  if (found === null) return undefined
  const [, type, rest] = found
  return `ALTER TABLE ${passwd} MODIFY ${password} var${type}(255)${printable(rest!)}`
}
