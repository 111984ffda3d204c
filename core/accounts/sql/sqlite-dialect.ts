/** Kysely over `node:sqlite`: the few methods of a driver that Kysely's SQLite dialect asks for. */
import type { DatabaseSync, SQLInputValue } from 'node:sqlite'
import { SqliteDialect, type SqliteDatabase } from 'kysely'

/** The dialect for one open database. Values are strings, numbers, bigints, buffers or null: SQLite has no booleans. */
export function nodeSqliteDialect(database: DatabaseSync): SqliteDialect {
  return new SqliteDialect({ database: driverFor(database) })
}

function driverFor(database: DatabaseSync): SqliteDatabase {
  return {
    close: () => database.close(),
    prepare: (sql) => {
      const statement = database.prepare(sql)
      const bound = (parameters: readonly unknown[]): SQLInputValue[] => parameters as SQLInputValue[]
      return {
        reader: statement.columns().length > 0,
        all: (parameters) => statement.all(...bound(parameters)),
        run: (parameters) => statement.run(...bound(parameters)),
        iterate: (parameters) => statement.iterate(...bound(parameters)),
      }
    },
  }
}
