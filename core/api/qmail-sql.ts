/**
 * The rows of qmail-sql's tables, with no meaning put into them: for every database that qmail-sql itself could use, with Helios' own
 * tables beside or without (spec helios 4). Nothing is checked, no mailbox is made; `Helios` is for that.
 */
import { changed, insertNew } from '../accounts/changes.ts'
import type { Database } from '../accounts/database.ts'
import { inPages } from '../accounts/pages.ts'
import { isTrue } from '../accounts/schema.ts'
import { openHome } from './home.ts'
import { QmailSqlUser } from './qmail-sql-user.ts'

/** A row of `passwd`. Dates are `YYYY-MM-DD HH:MM:SS` in UTC. */
export interface PasswdRow {
  readonly login: string
  /** The domain. */
  readonly virtual_host: string
  readonly uid: number | null
  readonly gid: number | null
  /** Absolute; null or empty: `<mail root>/<domain>/<login>`. */
  readonly home: string | null
  /** Hashed, or `{CLEAR}` and the password. Null: nobody logs in. */
  readonly password: string | null
  /** Bytes, 0 for no limit. */
  readonly hardquota: number
  readonly startdate: string | null
  readonly stopdate: string | null
  readonly enabled: boolean
  /** The texts of `dotqmails` count for this user. */
  readonly use_dotqmail: boolean
  readonly lastlogin: string | null
}

/** The columns of `passwd`. */
export const PASSWD_COLUMNS = [
  'login', 'virtual_host', 'uid', 'gid', 'home', 'password', 'hardquota', 'startdate', 'stopdate', 'enabled', 'use_dotqmail', 'lastlogin',
] as const satisfies readonly (keyof PasswdRow)[]

/** What is not said is the table's default: no password, no limits, enabled from now on. */
export type NewPasswdRow = Pick<PasswdRow, 'login' | 'virtual_host'> & Partial<PasswdRow>

/** A row of `dotqmails`: the text of a `.qmail-EXTENSION`, of `.qmail` where the extension is empty. */
export interface DotqmailRow {
  readonly login: string
  readonly virtual_host: string
  readonly extension: string
  readonly dotqmail: string
}

export class QmailSql {
  readonly #database: Database

  /** For a database that is open already. */
  constructor(database: Database) {
    this.#database = database
  }

  /**
   * Opens the database of a home. Rejects with HeliosError `no-home` or `database`, or with ConfigError.
   * @param home absolute path
   */
  static async open(home: string): Promise<QmailSql> {
    return new QmailSql((await openHome(home)).database)
  }

  /** All users, or those of one domain, by domain and login; fetched as they are taken, so that any number of them needs little memory. */
  async *users(domain?: string): AsyncGenerator<PasswdRow> {
    const where = domain === undefined ? {} : { virtual_host: domain }
    for await (const row of inPages(this.#database, { table: 'passwd', columns: PASSWD_COLUMNS, key: ['virtual_host', 'login'], where })) yield passwdRow(row)
  }

  /** The texts of all users, by domain, login and extension; fetched as they are taken. */
  async *dotqmails(): AsyncGenerator<DotqmailRow> {
    const columns = ['login', 'virtual_host', 'extension', 'dotqmail']
    for await (const row of inPages(this.#database, { table: 'dotqmails', columns, key: ['virtual_host', 'login', 'extension'] })) {
      yield { login: String(row['login']), virtual_host: String(row['virtual_host']), extension: String(row['extension']), dotqmail: String(row['dotqmail']) }
    }
  }

  /** One user's rows; whether there is such a user is not asked. */
  user(login: string, domain: string): QmailSqlUser {
    return new QmailSqlUser(this.#database, login, domain)
  }

  /** False when there is a row with its login and domain. Rejects with HeliosError `database`. */
  async insert(row: NewPasswdRow): Promise<boolean> {
    return insertNew(() => this.#database.write.insertInto('passwd').values(storable(row)).execute())
  }

  /** The domains of `locals`, by name. */
  async locals(): Promise<readonly string[]> {
    const rows = await changed(() => this.#database.write.selectFrom('locals').select('virtual_host').orderBy('virtual_host').execute())
    return rows.map((row) => row.virtual_host)
  }

  /** False when it is there. */
  addLocal(domain: string): Promise<boolean> {
    return insertNew(() => this.#database.write.insertInto('locals').values({ virtual_host: domain }).execute())
  }

  /** False when it was not there. */
  async deleteLocal(domain: string): Promise<boolean> {
    const { numDeletedRows } = await changed(() => this.#database.write.deleteFrom('locals').where('virtual_host', '=', domain).executeTakeFirstOrThrow())
    return numDeletedRows > 0n
  }

  /** How many users there are. */
  async count(): Promise<number> {
    const { n } = await changed(() => this.#database.write.selectFrom('passwd').select(({ fn }) => fn.countAll().as('n')).executeTakeFirstOrThrow())
    return Number(n)
  }

  /** Ends the connections. */
  close(): Promise<void> {
    return this.#database.close()
  }
}

/** Truth as the tables take it. */
export function storable<T extends Partial<PasswdRow>>({ enabled, use_dotqmail: useDotqmail, ...row }: T) {
  return {
    ...row, ...enabled === undefined ? {} : { enabled: Number(enabled) }, ...useDotqmail === undefined ? {} : { use_dotqmail: Number(useDotqmail) },
  }
}

/** A row as any of the databases gives it. */
export function passwdRow(row: Readonly<Record<string, unknown>>): PasswdRow {
  const text = (name: string): string | null => row[name] === null || row[name] === undefined ? null : String(row[name])
  const number = (name: string): number | null => row[name] === null ? null : Number(row[name])
  return {
    login: String(row['login']), virtual_host: text('virtual_host') ?? '', uid: number('uid'), gid: number('gid'), home: text('home'), password: text('password'),
    hardquota: number('hardquota') ?? 0, startdate: text('startdate'), stopdate: text('stopdate'), enabled: isTrue(row['enabled']),
    use_dotqmail: isTrue(row['use_dotqmail']), lastlogin: text('lastlogin'),
  }
}
