/**
 * Tables declared with `defineTable`: made where they are missing, read, and changed without losing what somebody else
 * wrote meanwhile. Through Kysely alone, so that every database of the accounts has them.
 */
import { sql, type Kysely, type RawBuilder } from 'kysely'
import { HeliosError } from '../error.ts'
import type { Column, Row, Table, TableEditor } from '../plugin/table.ts'
import { WorldUnavailable } from '../plugin/world.ts'
import { ownRows } from './changes.ts'
import type { Database } from './database.ts'
import { answered } from './questions.ts'

/** What is needed of a database here. */
export type TableDatabase = Pick<Database, 'sql' | 'write' | 'driver'>

/** In the role that reads, or in the one that writes. */
type Role = TableDatabase['sql']

type Value = string | number
type AnyRow = Readonly<Record<string, Value>>

/** Rows one question may bring: a table is a plugin's memory of its settings, not of its mail. */
const MOST_ROWS = 10_000
/** Times a change is tried anew because somebody else was faster. */
const MOST_TRIES = 20

/** Makes those that are missing. A role that may not is no hindrance where all are there. Rejects with HeliosError `database`. */
export async function makeTables(database: TableDatabase, tables: readonly Table[]): Promise<void> {
  for (const table of tables) {
    if (await isThere(database, table)) continue
    let builder = open(database.write).schema.createTable(nameOf(table)).ifNotExists()
    for (const [name, column] of Object.entries(table.columns)) builder = builder.addColumn(name, typeOf(column, database.driver), (build) => build.notNull())
    try {
      const keyed = builder.addPrimaryKeyConstraint(`${nameOf(table)}_key`, table.key as never[])
      // Else it would be as the operator's database happens to be: without letters that are not Western, and with some that count for others.
      await (database.driver === 'mysql' ? keyed.modifyEnd(sql`ENGINE=InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin`) : keyed).execute()
    } catch (cause) {
      // Two processes at once: PostgreSQL lets the later one fail in spite of "if not exists".
      if (await isThere(database, table)) continue
      throw new HeliosError('database', `cannot make the table ${table.name}: ${reasonOf(cause)}`, {
        fault: 'system', mend: 'see that the database can be written, and that its user may create tables', cause,
      })
    }
  }
}

/** Those that `makeTables` would make. */
export async function missingTables(database: TableDatabase, tables: readonly Table[]): Promise<readonly Table[]> {
  const missing: Table[] = []
  for (const table of tables) if (!await isThere(database, table)) missing.push(table)
  return missing
}

/** Reading and changing. Rejects with `WorldUnavailable` while the database does not answer. */
export function tablesOf(database: TableDatabase): TableEditor {
  return {
    find: (table, where) => answered(async () => {
      // A server's tables are made by a command. Before it, as in a database of qmail-sql's, there is nothing in them.
      if (database.driver !== 'sqlite') return (await ownRows({ execute: async () => [...await find(database.sql, table, where)] }))
      return find(database.sql, table, where)
    }),
    change: (table, key, work) => change(database, table, key, work),
  }
}

async function find<T extends Table>(role: Role, table: T, where: Partial<Row<T>>): Promise<readonly Row<T>[]> {
  let query = open(role).selectFrom(nameOf(table)).select(Object.keys(table.columns))
  for (const [column, value] of valuesOf(where)) query = query.where(column, '=', value)
  for (const column of table.key) query = query.orderBy(column)
  const rows = await query.limit(MOST_ROWS + 1).execute()
  if (rows.length > MOST_ROWS) throw new WorldUnavailable(`the table ${table.name} has more than ${MOST_ROWS} rows for one question`)
  // A collation may take more for equal than a plugin that compares texts.
  return rows.map((row) => rowOf(table, row)).filter((row) => isSame(where, row))
}

async function change<T extends Table>(
  database: TableDatabase, table: T, key: Partial<Row<T>>, work: (row: Row<T> | undefined) => Row<T> | undefined,
): Promise<Row<T> | undefined> {
  for (let tries = 0; tries < MOST_TRIES; tries++) {
    const [before] = await answered(() => find(database.write, table, key))
    // What the work itself throws is no failure of the database.
    const after = work(before)
    if (isSame(before, after) || await answered(() => replace(database, table, before as AnyRow | undefined, after as AnyRow | undefined))) return after
  }
  throw new WorldUnavailable(`the table ${table.name} is changed by others all the time`)
}

/** True when the row was still `before`, and is `after` now. */
async function replace(database: TableDatabase, table: Table, before: AnyRow | undefined, after: AnyRow | undefined): Promise<boolean> {
  if (before === undefined) return after === undefined || insert(database, table, after)
  if (after === undefined) {
    let query = open(database.write).deleteFrom(nameOf(table))
    for (const [column, value] of valuesOf(before)) query = query.where(column, '=', value)
    return (await query.executeTakeFirst()).numDeletedRows > 0n
  }
  let query = open(database.write).updateTable(nameOf(table)).set(after)
  for (const [column, value] of valuesOf(before)) query = query.where(column, '=', value)
  return (await query.executeTakeFirst()).numUpdatedRows > 0n
}

/** False when another one has put a row with this key there first. */
async function insert(database: TableDatabase, table: Table, row: AnyRow): Promise<boolean> {
  try {
    await open(database.write).insertInto(nameOf(table)).values(row).execute()
    return true
  } catch (error) {
    const key = Object.fromEntries(table.key.map((column) => [column, row[column]!]))
    if ((await find(database.write, table, key)).length > 0) return false
    throw error
  }
}

async function isThere(database: TableDatabase, table: Table): Promise<boolean> {
  try {
    await open(database.write).selectFrom(nameOf(table)).select(sql<number>`1`.as('one')).limit(1).execute()
    return true
  } catch {
    return false
  }
}

/** In the database: a database of qmail-sql's may have tables of its own beside ours. */
export function nameOf(table: Table): `helios_${string}` {
  return `helios_${table.name}`
}

/** The tables of a database by names that only a declaration knows. */
function open(known: Role): Kysely<Record<string, Record<string, Value>>> {
  return known as unknown as Kysely<Record<string, Record<string, Value>>>
}

function typeOf(column: Column, driver: TableDatabase['driver']): 'bigint' | 'text' | `varchar(${number})` | RawBuilder<unknown> {
  if (column === 'integer') return 'bigint'
  if (column !== 'text') return `varchar(${column.text})`
  // MySQL's `text` ends after 64 KiB.
  return driver === 'mysql' ? sql`mediumtext` : 'text'
}

/** PostgreSQL's library hands a bigint on as text. */
function rowOf<T extends Table>(table: T, row: AnyRow): Row<T> {
  return Object.fromEntries(Object.entries(table.columns).map(([name, column]) => [name, column === 'integer' ? Number(row[name]) : row[name]])) as Row<T>
}

function valuesOf(where: object): readonly (readonly [string, Value])[] {
  return Object.entries(where as AnyRow)
}

function isSame(a: object | undefined, b: object | undefined): boolean {
  if (a === undefined || b === undefined) return a === b
  return valuesOf(a).every(([column, value]) => (b as AnyRow)[column] === value)
}

function reasonOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause)
}
