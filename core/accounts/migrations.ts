/**
 * How the tables come to be: numbered steps, each done once and noted in `helios_migrations`. A step creates what is missing
 * and never changes a table that qmail-sql made. Safe to run twice and from two processes: one of them waits.
 */
import { printDate } from './dates.ts'
import type { DatabaseSync } from 'node:sqlite'
import { CompiledQuery, sql, type Kysely } from 'kysely'
import type { TableNames } from '../../protocol/qmail/qmailconfig.ts'
import type { Database } from './database.ts'
import type { Schema } from './schema.ts'
import { quotedName } from './sql/statements.ts'
import { WorldUnavailable } from '../plugin/world.ts'

export type DriverName = 'sqlite' | 'mysql' | 'postgresql'

export interface Migration {
  /** Unique and stable: what stands in `helios_migrations`. Steps are done in the order of the list. */
  readonly name: string
  /** Statements that may be run again after half of them: MySQL cannot take a CREATE TABLE back. */
  statements(driver: DriverName, names: TableNames): readonly string[]
}

export interface MigrationState {
  readonly name: string
  /** `YYYY-MM-DD HH:MM:SS` in UTC; undefined: still to do. */
  readonly applied: string | undefined
}

const NOTES = 'CREATE TABLE IF NOT EXISTS helios_migrations (name varchar(100) NOT NULL PRIMARY KEY, applied varchar(20) NOT NULL)'

export const MIGRATIONS: readonly Migration[] = [
  { name: 'accounts-1-qmail-sql', statements: qmailSql },
  { name: 'accounts-2-helios', statements: heliosOwn },
  { name: 'store-1', statements: pluginsStore },
]

/** What differs between the three in a table's definition. */
function wordsOf(driver: DriverName) {
  return {
    quoted: (name: string): string => quotedName(driver, name),
    // NOCASE folds ASCII only, which is how qmail compares. The others hold lower case and compare bytes.
    name: (length: number): string => `varchar(${length}) NOT NULL${driver === 'sqlite' ? ' COLLATE NOCASE' : ''}`,
    date: driver === 'postgresql' ? 'timestamp(0)' : 'datetime',
    // `timestamp(0)` rounds, and half of all new users would begin in the second to come.
    now: driver === 'postgresql' ? "date_trunc('second', now() AT TIME ZONE 'utc')" : 'CURRENT_TIMESTAMP',
    flag: (value: boolean): string => `boolean NOT NULL DEFAULT ${driver === 'postgresql' ? value : Number(value)}`,
    bytes: (length: number): string => `${driver === 'mysql' ? `varbinary(${length})` : 'bytea'} NOT NULL`,
    end: driver === 'mysql' ? ') ENGINE=InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin' : ')',
  }
}

function qmailSql(driver: DriverName, { tables, columns }: TableNames): readonly string[] {
  const { quoted, name, date, now, flag, end } = wordsOf(driver)
  const column = (own: keyof typeof columns): string => quoted(columns[own])
  // To find the users of a domain. As part of the table, so that one of qmail-sql's, which may be somebody else's, is not touched.
  const byHost = driver === 'sqlite' ? '' : `, UNIQUE (${column('virtual_host')}, ${column('login')})`
  const after = driver === 'sqlite' ? [`CREATE INDEX IF NOT EXISTS passwd_by_virtual_host ON ${quoted(tables.passwd)} (${column('virtual_host')})`] : []
  // A table of qmail-sql's that is there already may have what a foreign key does not go with (MyISAM, another character set).
  const cascade = driver === 'sqlite' ? `, FOREIGN KEY (${column('login')}, ${column('virtual_host')})
    REFERENCES ${quoted(tables.passwd)} (${column('login')}, ${column('virtual_host')}) ON DELETE CASCADE ON UPDATE CASCADE` : ''
  return [
    `CREATE TABLE IF NOT EXISTS ${quoted(tables.passwd)} (
      ${column('login')} ${name(64)}, ${column('uid')} integer, ${column('gid')} integer, ${column('home')} varchar(200),
      ${column('virtual_host')} ${name(64)}, ${column('password')} varchar(255), ${column('hardquota')} bigint NOT NULL DEFAULT 0,
      ${column('startdate')} ${date} DEFAULT ${now}, ${column('stopdate')} ${date}, ${column('enabled')} ${flag(true)},
      ${column('use_dotqmail')} ${flag(false)}, ${column('lastlogin')} ${date},
      PRIMARY KEY (${column('login')}, ${column('virtual_host')})${byHost}${end}`,
    ...after,
    `CREATE TABLE IF NOT EXISTS ${quoted(tables.dotqmails)} (
      ${column('login')} ${name(64)}, ${column('virtual_host')} ${name(64)}, ${column('extension')} ${name(64)} DEFAULT '',
      ${column('dotqmail')} text NOT NULL,
      PRIMARY KEY (${column('login')}, ${column('virtual_host')}, ${column('extension')})${cascade}${end}`,
    `CREATE TABLE IF NOT EXISTS ${quoted(tables.locals)} (${column('virtual_host')} ${name(64)} PRIMARY KEY${end}`,
  ]
}

function heliosOwn(driver: DriverName): readonly string[] {
  const { name, flag, end } = wordsOf(driver)
  return [
    `CREATE TABLE IF NOT EXISTS helios_domains (domain ${name(255)} PRIMARY KEY${end}`,
    `CREATE TABLE IF NOT EXISTS helios_aliases (login ${name(64)}, domain ${name(64)}, target ${name(320)},
      PRIMARY KEY (domain, login, target), UNIQUE (target, domain, login)${end}`,
    `CREATE TABLE IF NOT EXISTS helios_notify (login ${name(64)}, domain ${name(64)}, enabled ${flag(true)}, jid varchar(255),
      password varchar(255), send_to varchar(255), PRIMARY KEY (login, domain)${end}`,
  ]
}

/** What plugins remember (core/world/store). Beside accounts in SQLite that has a file of its own. Bytes, which no collation takes for equal when they are not. */
function pluginsStore(driver: DriverName): readonly string[] {
  if (driver === 'sqlite') return []
  const { bytes, end } = wordsOf(driver)
  const table = `CREATE TABLE IF NOT EXISTS helios_store (plugin ${bytes(200)}, name ${bytes(200)}, span bigint NOT NULL, content ${bytes(4096)}, ends bigint NOT NULL,
    PRIMARY KEY (plugin, name, span)`
  // MySQL has no "if not exists" for an index.
  return driver === 'mysql' ? [`${table}, INDEX helios_store_by_end (ends)${end}`]
    : [`${table}${end}`, 'CREATE INDEX IF NOT EXISTS helios_store_by_end ON helios_store (ends)']
}

/** Does the steps that are still to do; resolves with their names. Rejects with the database's error. */
export async function migrate(database: Database, migrations: readonly Migration[] = MIGRATIONS): Promise<readonly string[]> {
  if (database.raw !== undefined) return migrateSqlite(database.raw, database.config.names, migrations)
  return database.write.connection().execute(async (one) => {
    const { rows: [lock] } = await one.executeQuery<{ readonly taken: unknown }>(CompiledQuery.raw(LOCKS[database.driver].take))
    // MySQL tells what PostgreSQL fails with: the time was up.
    if (database.driver === 'mysql' && Number(lock?.taken) !== 1) throw new WorldUnavailable('somebody else is making the tables, and has not ended in time')
    try {
      return await applyAll(one, database, migrations)
    } finally {
      // Where that fails the connection is gone, and the lock with it.
      await one.executeQuery(CompiledQuery.raw(LOCKS[database.driver].give)).catch(() => undefined)
    }
  })
}

/** The number means nothing; it is Helios' own among the advisory locks of a PostgreSQL database. */
const LOCKS = {
  // Such a name has at most 64 characters, and that of a database may have as many.
  mysql: { take: "SELECT GET_LOCK(CONCAT('helios.', MD5(DATABASE())), 60) AS taken", give: "SELECT RELEASE_LOCK(CONCAT('helios.', MD5(DATABASE())))" },
  postgresql: { take: 'SELECT pg_advisory_lock(4753185021)', give: 'SELECT pg_advisory_unlock(4753185021)' },
  sqlite: { take: '', give: '' },
} as const

async function applyAll(one: Kysely<Schema>, database: Database, migrations: readonly Migration[]): Promise<readonly string[]> {
  await one.executeQuery(CompiledQuery.raw(NOTES))
  const { rows } = await sql<{ name: string }>`SELECT name FROM helios_migrations`.execute(one)
  const noted = new Set(rows.map((row) => row.name))
  const done: string[] = []
  for (const migration of migrations.filter(({ name }) => !noted.has(name))) {
    for (const statement of migration.statements(database.driver, database.config.names)) await one.executeQuery(CompiledQuery.raw(statement))
    await sql`INSERT INTO helios_migrations (name, applied) VALUES (${migration.name}, ${timestamp()})`.execute(one)
    done.push(migration.name)
  }
  return done
}

/** The same for SQLite, which does everything or nothing. */
export function migrateSqlite(raw: DatabaseSync, names: TableNames, migrations: readonly Migration[] = MIGRATIONS): readonly string[] {
  // Read first: a server that only reads must not wait for somebody who writes.
  if (pendingIn(raw, migrations).length === 0) return []
  raw.exec('BEGIN IMMEDIATE')
  try {
    raw.exec(NOTES)
    const pending = pendingIn(raw, migrations)
    for (const migration of pending) {
      for (const statement of migration.statements('sqlite', names)) raw.exec(statement)
      raw.prepare('INSERT INTO helios_migrations (name, applied) VALUES (?, ?)').run(migration.name, timestamp())
    }
    raw.exec('COMMIT')
    return pending.map(({ name }) => name)
  } catch (error) {
    if (raw.isTransaction) raw.exec('ROLLBACK')
    throw error
  }
}

function pendingIn(raw: DatabaseSync, migrations: readonly Migration[]): readonly Migration[] {
  if (raw.prepare("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'helios_migrations'").get() === undefined) return migrations
  const noted = new Set(raw.prepare('SELECT name FROM helios_migrations').all().map((row) => row['name']))
  return migrations.filter(({ name }) => !noted.has(name))
}

/** Every step and when it was done. Rejects with the database's error. */
export async function migrationStates(database: Database, migrations: readonly Migration[] = MIGRATIONS): Promise<readonly MigrationState[]> {
  const noted = new Map<string, string>()
  const tables = await database.write.introspection.getTables()
  if (tables.some(({ name }) => name === 'helios_migrations')) {
    const { rows } = await sql<{ name: string; applied: string }>`SELECT name, applied FROM helios_migrations`.execute(database.write)
    for (const { name, applied } of rows) noted.set(name, applied)
  }
  return migrations.map(({ name }) => ({ name, applied: noted.get(name) }))
}

function timestamp(): string {
  return printDate(Date.now())
}
