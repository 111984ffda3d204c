/** Rows of any kind in the database: found, compared, written, many at a time. */
import { statSync } from 'node:fs'
import { join } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import type { Kysely } from 'kysely'
import { asciiLower } from '../../../protocol/text.ts'
import type { Database } from '../database.ts'
import { listDomains, mailRootOf } from '../domains.ts'
import type { Row } from './check.ts'
import { isTrue } from '../schema.ts'
import { valuesOf } from './export.ts'
import { DOMAIN, USER, type Field, type Kind } from './kinds.ts'
import { placeOf } from './stage.ts'

type AnyRow = Readonly<{ [column: string]: unknown }>

/** Those that have the keys of these rows, by their places; not of domains. */
export async function findRows(database: Database, kind: Kind, rows: readonly Row[]): Promise<ReadonlyMap<string, AnyRow>> {
  if (rows.length === 0) return new Map()
  let query = tablesIn(database).selectFrom(kind.table).select(kind.fields.map(({ column }) => column))
  // Some more than asked for, but each database takes its index; those few are passed over.
  for (const column of kind.key) query = query.where(column, 'in', [...new Set(rows.map((row) => row[column]))])
  const found = await query.execute()
  return new Map(found.map((row) => [placeOf(kind, keyOf(kind, row)), row]))
}

function keyOf({ key, fields, folds }: Kind, row: AnyRow): Row {
  return Object.fromEntries(key.map((column) => {
    if (fields.find((field) => field.column === column)?.type === 'integer') return [column, Number(row[column])]
    const text = String(row[column])
    return [column, folds === true ? asciiLower(text) : text]
  }))
}

/** The domains that are accepted, by their places. */
export async function findDomains(database: Database): Promise<ReadonlyMap<string, AnyRow>> {
  const accepted = (await listDomains(database)).filter((each) => each.accepted)
  return new Map(accepted.map(({ domain }) => [placeOf(DOMAIN, { domain }), { domain, accepted: 1 }]))
}

/** A row of the file without the columns that the file does not speak of. */
export function spokenOf({ fields, key }: Kind, row: Row, columns: readonly string[]): Row {
  return Object.fromEntries(fields.filter(({ name, column }) => columns.includes(name) || key.includes(column)).map(({ column }) => [column, row[column]!]))
}

/** Of what the file does not speak is as it is there, or else the usual. */
export function completed({ fields }: Kind, row: Row, there: AnyRow | undefined): Row {
  const usual = ({ column, type, missing }: Field): Row[string] => {
    if (there !== undefined) return type === 'flag' ? Number(isTrue(there[column])) : there[column] as Row[string]
    return typeof missing === 'boolean' ? Number(missing) : missing ?? null
  }
  return Object.fromEntries(fields.map((field) => [field.column, field.column in row ? row[field.column]! : usual(field)]))
}

/** Would an export of the one look like the row of the file? What a running server writes makes no difference, unless `strict`. */
export function isSame(database: Database, kind: Kind, there: AnyRow, row: Row, strict: boolean): boolean {
  // Where the file says nothing of the owner, it is whoever it is.
  const unsaid = kind === USER ? ['uid', 'gid'].filter((column) => row[column] === null) : []
  const without = new Set([...unsaid, ...strict ? [] : kind.passing ?? []])
  const plain = (of: AnyRow): object => Object.fromEntries(Object.entries(valuesOf(database, kind, of)).filter(([name]) => !without.has(name)))
  return isDeepStrictEqual(plain(there), plain(row))
}

/** A row as the table takes it: users get the home and the owner that they have when they are added by hand. */
export function prepared(database: Database, kind: Kind, row: Row): Row {
  if (kind !== USER) return row
  const { uid, gid } = statSync(database.home)
  const home = row['home'] ?? join(mailRootOf(database), String(row['virtual_host']), String(row['login']))
  return { ...row, home, uid: row['uid'] ?? uid, gid: row['gid'] ?? gid }
}

export async function insertRows(database: Database, kind: Kind, rows: readonly Row[]): Promise<void> {
  if (rows.length > 0) await tablesIn(database).insertInto(kind.table).values(rows).execute()
}

export async function replaceRow(database: Database, kind: Kind, row: Row): Promise<void> {
  let query = tablesIn(database).updateTable(kind.table).set(row)
  for (const column of kind.key) query = query.where(column, '=', row[column])
  await query.execute()
}

/** The tables of a database by names that only a declaration knows. */
function tablesIn({ write }: Database): Kysely<Record<string, AnyRow>> {
  return write as unknown as Kysely<Record<string, AnyRow>>
}
