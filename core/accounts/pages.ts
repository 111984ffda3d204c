/** Whole tables, row after row: fetched in pages by key, so that neither a large table nor somebody who reads it slowly is a burden. */
import { sql, type Kysely, type RawBuilder } from 'kysely'
import { explained } from './errors.ts'
import type { Database } from './database.ts'

/** Rows of one question. */
const PAGE = 2000

type AnyRow = Readonly<Record<string, unknown>>
type AnyTables = Record<string, Record<string, unknown>>

export interface Paged {
  readonly table: string
  readonly columns: readonly string[]
  /** The columns of its primary key, which are among `columns` and never null. */
  readonly key: readonly string[]
  /** Those of its key that hold numbers. */
  readonly numbers?: readonly string[]
  /** Only rows with these values. */
  readonly where?: Readonly<Record<string, string>>
}

/**
 * The rows of a table in the order of its key, which is that of the bytes where the database lets us say so: two databases with the same
 * rows give them in the same order. Rows that others write meanwhile may be among them. Rejects with HeliosError `database`, or the database's error.
 */
export async function* inPages(database: Pick<Database, 'write' | 'driver'>, { table, columns, key, numbers = [], where = {} }: Paged): AsyncGenerator<AnyRow> {
  // The tables of a database by names that only a declaration knows.
  const all = database.write as unknown as Kysely<AnyTables>
  const ordered = (column: string): RawBuilder<string> => database.driver === 'postgresql' && !numbers.includes(column) ? sql`${sql.ref(column)} COLLATE "C"` : sql`${sql.ref(column)}`
  let last: AnyRow | undefined
  for (;;) {
    let query = all.selectFrom(table).select(columns).limit(PAGE)
    for (const [column, value] of Object.entries(where)) query = query.where(column, '=', value)
    for (const column of key) query = query.orderBy(ordered(column))
    if (last !== undefined) query = query.where(after(key.map((column) => [ordered(column), last![column]])))
    const rows: readonly AnyRow[] = await query.execute().catch((error: unknown) => { throw explained(error) })
    yield* rows
    if (rows.length < PAGE) return
    last = rows.at(-1)
  }
}

/** (a, b) > (x, y), spelled so that MySQL takes both columns of an index for it. */
function after([first, ...more]: readonly (readonly [column: RawBuilder<string>, value: unknown])[]): RawBuilder<boolean> {
  const [column, value] = first!
  if (more.length === 0) return sql<boolean>`${column} > ${value}`
  return sql<boolean>`(${column} > ${value} OR (${column} = ${value} AND ${after(more)}))`
}
