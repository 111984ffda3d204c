import type { Row, Table, TableEditor } from '../table.ts'
import { WorldUnavailable } from '../world.ts'

/** The rows of a test's tables by the table's name, or a database that does not answer. */
export type FakeTables = Readonly<Record<string, readonly Readonly<Record<string, string | number>>[]>> | { readonly unavailable: string }

/** Tables of a test that can be written, as a plugin's verbs find them. */
export function fakeTables(fake: FakeTables = {}): TableEditor {
  const rows = new Map(Object.entries(fake).map(([name, each]) => [name, Array.isArray(each) ? [...each as readonly AnyRow[]] : []]))
  const rowsOf = (table: Table): AnyRow[] => {
    if (typeof fake['unavailable'] === 'string') throw new WorldUnavailable(fake['unavailable'])
    const found = rows.get(table.name) ?? []
    rows.set(table.name, found)
    return found
  }
  return {
    async find<T extends Table>(table: T, where: Partial<Row<T>>) {
      return rowsOf(table).filter((row) => has(row, where)).toSorted((a, b) => compare(table, a, b)) as unknown as Row<T>[]
    },
    async change<T extends Table>(table: T, key: Partial<Row<T>>, work: (row: Row<T> | undefined) => Row<T> | undefined) {
      const all = rowsOf(table)
      const index = all.findIndex((row) => has(row, key))
      const made = work(all[index] as unknown as Row<T> | undefined)
      all.splice(index === -1 ? all.length : index, index === -1 ? 0 : 1, ...(made === undefined ? [] : [made as unknown as AnyRow]))
      return made
    },
  }
}

type AnyRow = Readonly<Record<string, string | number>>

function has(row: AnyRow, where: Readonly<Record<string, unknown>>): boolean {
  return Object.entries(where).every(([column, value]) => row[column] === value)
}

function compare({ key }: Table, a: AnyRow, b: AnyRow): number {
  for (const column of key) if (a[column] !== b[column]) return a[column]! < b[column]! ? -1 : 1
  return 0
}
