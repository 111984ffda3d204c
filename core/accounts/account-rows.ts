/** Rows of declared tables that belong to an account: they go where it goes, so that nobody of the same name inherits them. */
import type { Row, Table } from '../plugin/table.ts'
import { missingTables, tablesOf, type TableDatabase } from './tables.ts'

export interface AccountName {
  readonly login: string
  readonly domain: string
}

/** Deletes the rows of an account. Rejects with WorldUnavailable. */
export async function dropAccountRows(database: TableDatabase, tables: readonly Table[], { login, domain }: AccountName): Promise<void> {
  await changeRows(database, tables, ({ account }) => ({ [account.login]: login, [account.domain]: domain }), () => undefined)
}

/** Deletes the rows of everything in a domain, groups of its users among them. Rejects with WorldUnavailable. */
export async function dropDomainRows(database: TableDatabase, tables: readonly Table[], domain: string): Promise<void> {
  await changeRows(database, tables, ({ account }) => ({ [account.domain]: domain }), () => undefined)
}

/** Gives the rows of an account to its new name; what stood there for somebody of that name before is replaced. Rejects with WorldUnavailable. */
export async function moveAccountRows(database: TableDatabase, tables: readonly Table[], from: AccountName, to: AccountName): Promise<void> {
  await dropAccountRows(database, tables, to)
  await changeRows(database, tables, ({ account }) => ({ [account.login]: from.login, [account.domain]: from.domain }),
    (row, { account }) => ({ ...row, [account.login]: to.login, [account.domain]: to.domain }))
}

type Owned = Table & Required<Pick<Table, 'account'>>

async function changeRows(
  database: TableDatabase, tables: readonly Table[], whose: (table: Owned) => Row<Table>, work: (row: Row<Table>, table: Owned) => Row<Table> | undefined,
): Promise<void> {
  const owned = tables.filter((table): table is Owned => table.account !== undefined)
  const missing = await missingTables(database, owned)
  for (const table of owned.filter((each) => !missing.includes(each))) {
    const editor = tablesOf(database)
    for (const row of await editor.find<Table>(table, whose(table))) {
      const key = Object.fromEntries(table.key.map((column) => [column, row[column]!]))
      await editor.change<Table>(table, key, (now) => now === undefined ? undefined : work(now, table))
    }
  }
}
