/** The rows of one user in qmail-sql's tables. */
import { changed } from '../accounts/changes.ts'
import type { Database } from '../accounts/database.ts'
import { PASSWD_COLUMNS, passwdRow, storable, type PasswdRow } from './qmail-sql.ts'

export class QmailSqlUser {
  readonly login: string
  readonly domain: string
  readonly #database: Database

  constructor(database: Database, login: string, domain: string) {
    this.#database = database
    this.login = login
    this.domain = domain
  }

  /** The row of `passwd`; undefined when there is none. */
  async row(): Promise<PasswdRow | undefined> {
    const row = await changed(() => this.#database.write.selectFrom('passwd')
      .select(PASSWD_COLUMNS)
      .where('login', '=', this.login).where('virtual_host', '=', this.domain).executeTakeFirst())
    return row === undefined ? undefined : passwdRow(row)
  }

  /** Puts other values into the row of `passwd`; false when there is none. A hash goes into `password`, not a password. */
  async update(values: Partial<Omit<PasswdRow, 'login' | 'virtual_host'>>): Promise<boolean> {
    // MySQL counts rows that change, not rows that are met.
    if (await this.row() === undefined) return false
    if (Object.keys(values).length === 0) return true
    await changed(() => this.#database.write.updateTable('passwd').set(storable(values))
      .where('login', '=', this.login).where('virtual_host', '=', this.domain).execute())
    return true
  }

  /** Deletes the user's rows of both tables, and nothing else; false when there was no user. */
  async delete(): Promise<boolean> {
    return changed(() => this.#database.write.transaction().execute(async (one) => {
      await one.deleteFrom('dotqmails').where('login', '=', this.login).where('virtual_host', '=', this.domain).execute()
      const { numDeletedRows } = await one.deleteFrom('passwd').where('login', '=', this.login).where('virtual_host', '=', this.domain).executeTakeFirstOrThrow()
      return numDeletedRows > 0n
    }))
  }

  /** Texts by extension; that of the plain address under ''. */
  async dotqmails(): Promise<ReadonlyMap<string, string>> {
    const rows = await changed(() => this.#database.write.selectFrom('dotqmails').select(['extension', 'dotqmail'])
      .where('login', '=', this.login).where('virtual_host', '=', this.domain).orderBy('extension').execute())
    return new Map(rows.map(({ extension, dotqmail }) => [extension, dotqmail]))
  }

  /** @param extension '' for the plain address; @param text as a .qmail file has it; not checked */
  async setDotqmail(extension: string, text: string): Promise<void> {
    await changed(() => this.#database.write.transaction().execute(async (one) => {
      await one.deleteFrom('dotqmails').where('login', '=', this.login).where('virtual_host', '=', this.domain).where('extension', '=', extension).execute()
      await one.insertInto('dotqmails').values({ login: this.login, virtual_host: this.domain, extension, dotqmail: text }).execute()
    }))
  }

  /** False when there was none. */
  async deleteDotqmail(extension: string): Promise<boolean> {
    const { numDeletedRows } = await changed(() => this.#database.write.deleteFrom('dotqmails')
      .where('login', '=', this.login).where('virtual_host', '=', this.domain).where('extension', '=', extension).executeTakeFirstOrThrow())
    return numDeletedRows > 0n
  }
}
