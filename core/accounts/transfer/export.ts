/** Everything of an installation that stands in its database, in an order that depends on the rows alone. */
import { join } from 'node:path'
import type { Kysely } from 'kysely'
import { HeliosError } from '../../error.ts'
import type { Table } from '../../plugin/table.ts'
import { ownRows } from '../changes.ts'
import { printDate, readDate } from '../dates.ts'
import type { Database } from '../database.ts'
import { listDomains, mailRootOf } from '../domains.ts'
import { domainIn } from '../names.ts'
import { inPages } from '../pages.ts'
import { isMissingTable } from '../questions.ts'
import { isTrue } from '../schema.ts'
import { DOMAIN, kindsWith, USER, type Field, type Kind } from './kinds.ts'
import { printer, withoutMissing, type Format, type Record, type Value, type Values } from './record.ts'

export interface ExportOptions {
  readonly format: Format
  /** Declared tables, whose rows are written too. */
  readonly tables: readonly Table[]
}

/** Texts that, one behind the other, are the file: first its head, then one for each row. Fetched as they are taken. Rejects with HeliosError `database`, or the database's error. */
export async function* exportAll(database: Database, { format, tables }: ExportOptions): AsyncGenerator<string> {
  const kinds = kindsWith(tables)
  const { head, print } = printer(format, kinds)
  yield head
  for (const kind of kinds) for await (const record of recordsOf(database, kind)) yield print(record)
}

/** How many rows an export would have now; domains are not counted. */
export async function countRows(database: Database, tables: readonly Table[]): Promise<number> {
  let count = 0
  for (const { table } of kindsWith(tables).filter((kind) => kind !== DOMAIN)) count += await countOf(database, table)
  return count
}

async function countOf({ write }: Database, table: string): Promise<number> {
  // By a name that only a declaration knows.
  const [row] = await ownRows((write as unknown as Kysely<{ [table: string]: object }>).selectFrom(table).select(({ fn }) => fn.countAll().as('n')))
  return Number(row?.n ?? 0)
}

async function* recordsOf(database: Database, kind: Kind): AsyncGenerator<Record> {
  if (kind === DOMAIN) return yield* domainsOf(database)
  const columns = kind.fields.map(({ column }) => column)
  const numbers = kind.fields.filter(({ type }) => type === 'integer').map(({ column }) => column)
  try {
    for await (const row of inPages(database, { table: kind.table, columns, key: kind.key, numbers })) yield { kind: kind.name, values: valuesOf(database, kind, row) }
  } catch (error) {
    // A database of qmail-sql's has only some of them.
    if (!(error instanceof HeliosError) || !isMissingTable(error.cause)) throw error
  }
}

async function* domainsOf(database: Database): AsyncGenerator<Record> {
  for (const { domain, accepted, users } of await listDomains(database)) {
    // A line such as `.example.org` of rcpthosts is no domain, and stays where it stands.
    if (!(accepted || users > 0) || domainIn(domain) !== domain) continue
    yield { kind: DOMAIN.name, values: accepted ? { domain } : { domain, accepted } }
  }
}

/** The values of a row, as a file has them. */
export function valuesOf(database: Database, kind: Kind, row: Readonly<{ [column: string]: unknown }>): Values {
  const values = Object.fromEntries(kind.fields.map((field) => [field.name, valueOf(field, row[field.column])]))
  return withoutMissing(kind.fields, kind === USER ? { ...values, home: homeOf(database, values) } : values)
}

/** Null where it is the one that a user of that name has anyway: it may be another one elsewhere. */
function homeOf(database: Database, { login, domain, home }: Values): Value {
  return home === '' || home === join(mailRootOf(database), String(domain), String(login)) ? null : home!
}

function valueOf({ type, missing }: Field, value: unknown): Value {
  if (value === null || value === undefined) return missing === undefined ? '' : missing
  switch (type) {
    case 'integer': return Number(value)
    case 'flag': return isTrue(value)
    case 'date': return plainDate(String(value))
    case 'text': return String(value)
  }
}

/** One spelling for each; what cannot be read stays as it is, for somebody to mend. */
function plainDate(text: string): string | null {
  const time = readDate(text)
  if (time === undefined) return null
  return typeof time === 'number' && Number.isFinite(time) ? printDate(time) : text
}
