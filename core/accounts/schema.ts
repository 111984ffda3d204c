/**
 * The tables of the account database: qmail-sql's, column by column (spec helios 4), so that a query
 * written for qmail-sql finds what it expects.
 */
import type { DatabaseSync } from 'node:sqlite'
import type { Generated } from 'kysely'

/** One user of a domain. Dates are `YYYY-MM-DD HH:MM:SS` in UTC. */
export interface PasswdTable {
  readonly login: string
  readonly uid: number | null
  readonly gid: number | null
  /** Absolute; null: `<home>/mail/<domain>/<login>`. */
  readonly home: string | null
  readonly virtual_host: string
  /** A PHC string (passwords.ts). Wider than qmail-sql's varchar(34), which SQLite does not enforce. */
  readonly password: string | null
  /** Bytes, 0 for no limit. */
  readonly hardquota: Generated<number>
  readonly startdate: Generated<string | null>
  readonly stopdate: string | null
  readonly enabled: Generated<number>
  readonly use_dotqmail: Generated<number>
  readonly lastlogin: string | null
}

/** The texts that stand for `.qmail-EXTENSION` files of a user with `use_dotqmail`. */
export interface DotqmailsTable {
  readonly login: string
  readonly virtual_host: string
  /** Empty for the plain address. */
  readonly extension: Generated<string>
  readonly dotqmail: string
}

/** Domains whose users stand in the system's password file. */
export interface LocalsTable {
  readonly virtual_host: string
}

export interface Schema {
  readonly passwd: PasswdTable
  readonly dotqmails: DotqmailsTable
  readonly locals: LocalsTable
}

// NOCASE folds ASCII only, which is how qmail compares domains and logins.
const TABLES = `
  CREATE TABLE IF NOT EXISTS passwd (
    login varchar(64) NOT NULL COLLATE NOCASE,
    uid integer,
    gid integer,
    home varchar(200),
    virtual_host varchar(64) NOT NULL COLLATE NOCASE,
    password varchar(34),
    hardquota integer NOT NULL DEFAULT 0,
    startdate datetime DEFAULT CURRENT_TIMESTAMP,
    stopdate datetime,
    enabled boolean NOT NULL DEFAULT 1,
    use_dotqmail boolean NOT NULL DEFAULT 0,
    lastlogin datetime,
    PRIMARY KEY (login, virtual_host)
  );
  CREATE INDEX IF NOT EXISTS passwd_by_virtual_host ON passwd (virtual_host);
  CREATE TABLE IF NOT EXISTS dotqmails (
    login varchar(64) NOT NULL COLLATE NOCASE,
    virtual_host varchar(64) NOT NULL COLLATE NOCASE,
    extension varchar(64) NOT NULL DEFAULT '' COLLATE NOCASE,
    dotqmail text NOT NULL,
    PRIMARY KEY (login, virtual_host, extension),
    FOREIGN KEY (login, virtual_host) REFERENCES passwd (login, virtual_host) ON DELETE CASCADE ON UPDATE CASCADE
  );
  CREATE TABLE IF NOT EXISTS locals (
    virtual_host varchar(64) NOT NULL COLLATE NOCASE PRIMARY KEY
  );
`

/** Creates the tables that are missing. Safe from two processes at once: one of them waits. */
export function createSchema(database: DatabaseSync): void {
  database.exec('BEGIN IMMEDIATE')
  try {
    database.exec(TABLES)
    database.exec('COMMIT')
  } catch (error) {
    if (database.isTransaction) database.exec('ROLLBACK')
    throw error
  }
}
