/** One user of Helios': password, limits, name, aliases, mailbox. What `helios user` is made of. */
import { dropAccountRows, moveAccountRows } from '../accounts/account-rows.ts'
import { accountFacts } from '../accounts/accounts.ts'
import { changed } from '../accounts/changes.ts'
import type { Database } from '../accounts/database.ts'
import { deleteUser, lookAtUser, type Deletion } from '../accounts/deletion.ts'
import { userDetails, type UserDetails } from '../accounts/details.ts'
import { deleteDotqmail, listDotqmail, readDotqmail, setDotqmail, type DotqmailText, type Dotqmails, type SetDotqmail } from '../accounts/dotqmail.ts'
import { schemeOf, type Scheme } from '../accounts/passwords/texts.ts'
import { makeTables } from '../accounts/tables.ts'
import { findUser, renameUser, setEnabled, setPassword, setQuota, type Keep, type UserInfo } from '../accounts/users.ts'
import { declaredTables } from './declared.ts'
import { QmailSqlUser } from './qmail-sql-user.ts'

/** Of a user who is gone meanwhile every method rejects with HeliosError `unknown-user`. */
export class HeliosUser {
  readonly login: string
  readonly domain: string
  /** The rows under it. */
  readonly sql: QmailSqlUser
  readonly #database: Database

  /** Of somebody who is there: `Helios.user` looks. */
  constructor(database: Database, login: string, domain: string) {
    this.login = login
    this.domain = domain
    this.sql = new QmailSqlUser(database, login, domain)
    this.#database = database
  }

  /** `login@domain`. */
  get address(): string {
    return `${this.login}@${this.domain}`
  }

  /** Home, quota and the like, as they are now. */
  info(): Promise<UserInfo> {
    return changed(() => findUser(this.#database, this.address))
  }

  /** Everything known: dates, kind of password, what the mailbox holds, what leads here, texts, logins. */
  details(): Promise<UserDetails> {
    return changed(async () => {
      // In a home whose server has not been started yet.
      if (this.#database.driver === 'sqlite') await makeTables(this.#database, await declaredTables())
      return userDetails(this.#database, this.address)
    })
  }

  /**
   * Stores a new password: hashed; as keys for a user who wants SCRAM; or as it is for one who wants APOP or CRAM-MD5, which whoever reads the database can read, too.
   * Rejects with HeliosError `bad-password`.
   */
  setPassword(password: string, keep?: Keep): Promise<void> {
    return changed(() => setPassword(this.#database, this.address, password, keep))
  }

  /** How the password is kept, told by its form. */
  async passwordScheme(): Promise<Scheme> {
    return schemeOf((await this.sql.row())?.password ?? null)
  }

  /** No login and no mail for the user; everything stays. */
  disable(): Promise<void> {
    return changed(() => setEnabled(this.#database, this.address, false))
  }

  enable(): Promise<void> {
    return changed(() => setEnabled(this.#database, this.address, true))
  }

  /** Rejects with HeliosError `bad-quota`. @param bytes 0 for no limit */
  setQuota(bytes: number): Promise<void> {
    return changed(() => setQuota(this.#database, this.address, bytes))
  }

  /**
   * Gives the user another name, with mailbox, dot-qmail texts, what plugins keep, and the aliases that lead here; resolves with the user of
   * that name. Rejects with HeliosError: `bad-address`, `unknown-domain`, `user-exists`, `alias-exists`, `mailbox`.
   */
  async rename(address: string): Promise<HeliosUser> {
    const { login, domain } = await changed(() => renameUser(this.#database, this.address, address))
    await changed(async () => moveAccountRows(this.#database, await declaredTables(), this, { login, domain }))
    return new HeliosUser(this.#database, login, domain)
  }

  /** The addresses besides its own that lead to the user, through other aliases too. Rejects with WorldUnavailable. */
  aliases(): Promise<readonly string[]> {
    return accountFacts(() => this.#database, { locals: () => new Set() }).aliases(this.address)
  }

  /** The dot-qmail texts, and whether they count. */
  dotqmails(): Promise<Dotqmails> {
    return changed(() => listDotqmail(this.#database, this.address))
  }

  /** One text. Rejects with HeliosError `unknown-dotqmail` or `bad-extension`. @param extension '' for the plain address */
  dotqmail(extension = ''): Promise<DotqmailText & { readonly used: boolean }> {
    return changed(() => readDotqmail(this.#database, this.address, extension))
  }

  /**
   * Puts a text in the place of what stands there, once it is checked against the grammar, and makes the user's texts count. Rejects with
   * HeliosError `bad-extension` or `bad-dotqmail`; with ConfigError for wrong lines, which are said to be those of `source`.
   */
  setDotqmail(extension: string, text: string, source = 'text'): Promise<SetDotqmail> {
    return changed(() => setDotqmail(this.#database, this.address, extension, text, source))
  }

  /** Resolves with the text that went, and whether it was the last one, after which none count. Rejects as `dotqmail`. */
  deleteDotqmail(extension = ''): Promise<DotqmailText & { readonly lastUse: boolean }> {
    return changed(() => deleteDotqmail(this.#database, this.address, extension))
  }

  /** What `delete` would take along: ask before you delete mail. */
  lookAtDeletion(): Promise<Deletion> {
    return changed(() => lookAtUser(this.#database, this.address))
  }

  /** Deletes the user, its mail below the mail directory, the aliases that lead here and what plugins keep; resolves with what went. */
  async delete(): Promise<Deletion> {
    const deletion = await this.lookAtDeletion()
    await changed(async () => {
      for (const user of deletion.users) {
        await deleteUser(this.#database, user)
        await dropAccountRows(this.#database, await declaredTables(), user)
      }
    })
    return deletion
  }
}
