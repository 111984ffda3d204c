/**
 * The tables of the account database: qmail-sql's, column by column (spec helios 4), so that a database of qmail-sql's is used
 * as it stands, and Helios' own beside them, whose names begin with `helios_`.
 */
import type { ColumnType, Generated } from 'kysely'

/** Truth as databases give it back: 0 and 1, true and false. Written as 0 and 1, which all of them take. */
type Flag = ColumnType<unknown, number | undefined, number>

/** One user of a domain. Dates are `YYYY-MM-DD HH:MM:SS` in UTC. */
export interface PasswdTable {
  readonly login: string
  readonly uid: number | null
  readonly gid: number | null
  /** Absolute; null or empty: `<mail root>/<domain>/<login>`. */
  readonly home: string | null
  readonly virtual_host: string
  /** See passwords/schemes.ts. qmail-sql's varchar(13) or (34) is too narrow for a modern one. */
  readonly password: string | null
  /** Bytes, 0 for no limit. */
  readonly hardquota: Generated<number>
  readonly startdate: Generated<string | null>
  readonly stopdate: string | null
  readonly enabled: Flag
  readonly use_dotqmail: Flag
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

/** Domains of this host itself, used while there is no file control/locals. */
export interface LocalsTable {
  readonly virtual_host: string
}

/** A domain that mail is taken for, with or without users. */
export interface DomainsTable {
  readonly domain: string
}

/** One target of an alias. */
export interface AliasesTable {
  /** Empty: whatever nobody else in the domain takes. */
  readonly login: string
  readonly domain: string
  /** An address, `login@domain`, in lower case. */
  readonly target: string
}

/** What a user, or a group of them such as `[:all:]@example.org`, wants to be told of new mail. */
export interface NotifyTable {
  readonly login: string
  readonly domain: string
  readonly enabled: Flag
  /** The account that the message is sent from, and its password. */
  readonly jid: string | null
  readonly password: string | null
  /** Whom it is sent to. */
  readonly send_to: string | null
}

/** One thing that a plugin remembers: a value, or how often something happened within a time. Unknown to SQLite. */
export interface StoreTable {
  readonly plugin: Uint8Array
  readonly name: Uint8Array
  /** Milliseconds of the window that is counted in, 0 for a value. */
  readonly span: number
  /** The value, or the counts of a window's slots as JSON. */
  readonly content: Uint8Array
  /** Milliseconds since 1970 from which on it means nothing. */
  readonly ends: number
}

export interface Schema {
  readonly passwd: PasswdTable
  readonly dotqmails: DotqmailsTable
  readonly locals: LocalsTable
  readonly helios_domains: DomainsTable
  readonly helios_aliases: AliasesTable
  readonly helios_notify: NotifyTable
  readonly helios_store: StoreTable
}

/** Reads a flag as any database or driver spells it. */
export function isTrue(value: unknown): boolean {
  if (typeof value === 'string') return /^(?:1|t|true|y|yes|on)$/i.test(value)
  return value === true || value === 1 || value === 1n
}
