/**
 * The account database: `helios.db` in the home (SQLite), or the servers that `control/qmailconfig` names. One interface for
 * all three; what asks for every recipient goes through `prepare`, the rest through Kysely.
 */
import type { DatabaseSync } from 'node:sqlite'
import { Kysely, type CompiledQuery } from 'kysely'
import { parseQmailConfig, type QmailConfig } from '../../protocol/qmail/qmailconfig.ts'
import type { DriverName } from './migrations.ts'
import type { Schema } from './schema.ts'
import { renaming } from './sql/names.ts'
import type { Pool } from './sql/pool.ts'
import { serverPool, type ServerDriver } from './sql/server.ts'
import { serverDialect } from './sql/server-dialect.ts'
import { openSqliteFile, type SqliteOptions } from './sql/sqlite.ts'
import { nodeSqliteDialect } from './sql/sqlite-dialect.ts'
import type { Row } from './sql/wire.ts'

export interface Database {
  /** The home it belongs to. */
  readonly home: string
  readonly driver: DriverName
  readonly config: QmailConfig
  /** In the role that reads: connectionstring. */
  readonly sql: Kysely<Schema>
  /** In the role that writes: popconnectionstring. */
  readonly write: Kysely<Schema>
  /** SQLite's own connection; undefined with a server. */
  readonly raw?: DatabaseSync
  /**
   * A question for the hot path, in the reading role: compiled here and now, parsed by the database once for each connection.
   * Its parameters are given in the order in which the query was built with placeholders. Rejects with WorldUnavailable or the database's error.
   */
  prepare(query: { compile(): CompiledQuery }): (...parameters: readonly Parameter[]) => Promise<readonly Row[]>
  /**
   * Another text than before once a row may have changed, whoever changed it; undefined while that cannot be told. The tables themselves
   * this connection changes only when it is opened. Absent with a server, which would have to be asked.
   */
  version?(): string | undefined
  /** Ends the connections; those in use when they are done. */
  close(): Promise<void>
}

export type Parameter = string | number | null

export interface SqliteDatabase extends Database {
  readonly driver: 'sqlite'
  readonly raw: DatabaseSync
}

const NO_FILE = parseQmailConfig(undefined).config

/** Opens the database that the configuration names. A server is not asked before the first question. Throws HeliosError `database` for a file that is none. */
export function openDatabase(home: string, config: QmailConfig = NO_FILE, options: SqliteOptions = {}): Database {
  return config.driver === 'sqlite' ? openSqlite(home, { ...options, config }) : openServer(home, config, config.driver)
}

/** Opens `<home>/helios.db`, creating file and tables where they are missing. Throws HeliosError `database`. */
export function openSqlite(home: string, options: SqliteOptions & { readonly config?: QmailConfig } = {}): SqliteDatabase {
  const config = options.config ?? NO_FILE
  const raw = openSqliteFile(home, config.names, options)
  const sql = named(new Kysely<Schema>({ dialect: nodeSqliteDialect(raw) }), config)
  return {
    home, driver: 'sqlite', config, raw, sql, write: sql,
    prepare: (query) => {
      const statement = raw.prepare(query.compile().sql)
      const names = statement.columns().map(({ name }) => name)
      // Objects without a prototype, as Node would make them, cost a third of the question.
      statement.setReturnArrays(true)
      return async (...parameters) => statement.all(...parameters).map((values) => rowOf(names, values as unknown as readonly unknown[]))
    },
    version: versionOf(raw),
    close: async () => {
      if (raw.isOpen) raw.close()
    },
  }
}

/** What other connections commit moves the one number, what this one changes the other (sqlite.org/pragma.html, data_version). */
function versionOf(raw: DatabaseSync): () => string | undefined {
  const others = numberOf(raw, 'PRAGMA data_version')
  const ours = numberOf(raw, 'SELECT total_changes()')
  // What a view shows may hang on the time.
  if (numberOf(raw, "SELECT count(*) FROM sqlite_schema WHERE type = 'view'")() > 0) return () => undefined
  // What a transaction has changed may be taken back, and then no number moves.
  return () => raw.isTransaction ? undefined : `${others()} ${ours()}`
}

function numberOf(raw: DatabaseSync, question: string): () => number {
  const statement = raw.prepare(question)
  statement.setReturnArrays(true)
  return () => (statement.get() as unknown as readonly number[])[0]!
}

function openServer(home: string, config: QmailConfig, driver: ServerDriver): Database {
  const reader = serverPool(config, driver, { role: 'read' })
  const writer = serverPool(config, driver, { role: 'write' })
  const over = (pool: Pool): Kysely<Schema> => named(new Kysely<Schema>({ dialect: serverDialect(driver, pool) }), config)
  return {
    home, driver, config, sql: over(reader), write: over(writer),
    prepare: (query) => {
      const { sql } = query.compile()
      return async (...parameters) => (await reader.ask(sql, parameters)).rows
    },
    close: async () => {
      reader.close()
      writer.close()
    },
  }
}

function rowOf(names: readonly string[], values: readonly unknown[]): Row {
  const row: Record<string, unknown> = {}
  for (let index = 0; index < names.length; index++) row[names[index]!] = values[index]
  return row as Row
}

function named(sql: Kysely<Schema>, { names }: QmailConfig): Kysely<Schema> {
  const plugin = renaming(names)
  return plugin === undefined ? sql : sql.withPlugin(plugin)
}
