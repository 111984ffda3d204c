/**
 * Tables that a bundled plugin owns in the account database: declared in the `schema.ts` of its folder, made by the
 * core, read through `world.tables` and written by the plugin's verbs.
 *
 * @example
 * // plugins/colours/schema.ts
 * export const COLOURS = defineTable({
 *   name: 'colours', about: 'The colour of each user.', columns: { login: { text: 64 }, colour: 'text' }, key: ['login'],
 * })
 * export const tables = [COLOURS]
 */

/** A whole number; text of any length; text of at most so many characters, as every text in a key must be. */
export type Column = 'integer' | 'text' | { readonly text: number }
export type Columns = Readonly<Record<string, Column>>

export interface Table<C extends Columns = Columns> {
  /** The plugin's name, or one that begins with it and `_`. */
  readonly name: string
  /** One line: what a row is. */
  readonly about: string
  /** No column is ever null. A change of columns is another table. */
  readonly columns: C
  /** The columns that tell one row from all others. */
  readonly key: readonly string[]
  /** The columns that hold an account's login and domain: its rows then go with it when it is renamed or deleted. */
  readonly account?: { readonly login: string; readonly domain: string }
}

type ValueOf<C extends Column> = C extends 'integer' ? number : string
export type Row<T extends Table> = { readonly [K in keyof T['columns']]: ValueOf<T['columns'][K]> }

/** Gives a table its types. */
export function defineTable<const C extends Columns>(table: Table<C> & { readonly key: readonly (keyof C)[]; readonly account?: { readonly login: keyof C; readonly domain: keyof C } }): Table<C> {
  return table
}

/** Reading the plugin's own tables. Rejects with `WorldUnavailable` while the database does not answer. */
export interface TableFacts {
  /** The rows that have exactly these values, in the order of their keys; all rows where nothing is said. */
  find<T extends Table>(table: T, where: Partial<Row<T>>): Promise<readonly Row<T>[]>
}

/** Writing them, too: for the plugin's verbs, which an operator runs. */
export interface TableEditor extends TableFacts {
  /**
   * Puts what `work` makes of the row with this key in its place; undefined stands for no row. Asked again when somebody
   * else has changed the row meanwhile, so nothing is lost. Resolves with what stands there now.
   */
  change<T extends Table>(table: T, key: Partial<Row<T>>, work: (row: Row<T> | undefined) => Row<T> | undefined): Promise<Row<T> | undefined>
}
