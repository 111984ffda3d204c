/** Every table that somebody declared: the house's own and those of bundled plugins. */
import { LOGINS } from '../accounts/logins.ts'
import { bundledTables } from '../host/bundled.ts'
import type { Table } from '../plugin/table.ts'

export async function declaredTables(): Promise<readonly Table[]> {
  return [LOGINS, ...await bundledTables()]
}
