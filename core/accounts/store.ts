/**
 * The account database of a running server: the one that the current generation's qmailconfig names. A reload opens
 * another where the file says so; questions that are under way end with the old one.
 */
import { isDeepStrictEqual } from 'node:util'
import type { Control } from '../../config/control.ts'
import type { Table, TableEditor } from '../plugin/table.ts'
import type { AccountFacts } from '../plugin/world.ts'
import { WorldUnavailable } from '../plugin/world.ts'
import { acceptsDomain, accountFacts, accountOptions } from './accounts.ts'
import { openDatabase, type Database } from './database.ts'
import { checkLogin, clearPassword, loginAddress, loginIdentity, loginSecret, splitLogin, type LoginOptions, type LoginOutcome } from './login.ts'
import { makeTables, tablesOf } from './tables.ts'

export class AccountStore {
  readonly home: string
  #database: Database | undefined
  #control: Control | undefined
  readonly #declared: readonly Table[]
  #made: Promise<void> = Promise.resolve()

  /** @param declared tables that are made in `helios.db` where they are missing; on a server that is for `helios db migrate` */
  constructor(home: string, declared: readonly Table[] = []) {
    this.home = home
    this.#declared = declared
  }

  /** Opens what the control directory names, unless it is open. Throws HeliosError `database` for a file that is none; a server is not asked yet. */
  use(control: Control): void {
    this.#control = control
    const before = this.#database
    if (before !== undefined && isDeepStrictEqual(before.config, control.qmailconfig)) return
    const database = openDatabase(this.home, control.qmailconfig)
    this.#database = database
    this.#made = database.driver === 'sqlite' ? makeTables(database, this.#declared) : Promise.resolve()
    // Whoever asks for a table is told of the failure.
    this.#made.catch(() => undefined)
    void before?.close()
  }

  /** The database that is open now. Throws WorldUnavailable before the first `use` and after `close`. */
  get database(): Database {
    if (this.#database === undefined) throw new WorldUnavailable('the account database is not open')
    return this.#database
  }

  /** Facts of the database and the control directory of the moment. */
  readonly facts: AccountFacts = accountFacts(() => this.database, {
    locals: () => this.#control?.locals ?? new Set(),
    localsMissing: () => this.#control !== undefined && accountOptions(this.#control).localsMissing?.() === true,
  })

  /** Tables that were declared. */
  readonly tables: TableEditor = {
    find: async (table, where) => {
      await this.#tablesMade()
      return tablesOf(this.database).find(table, where)
    },
    change: async (table, key, work) => {
      await this.#tablesMade()
      return tablesOf(this.database).change(table, key, work)
    },
  }

  /** Checks a name and a password of a client. Never rejects. */
  async login(name: string, password: string, options: LoginOptions = {}): Promise<LoginOutcome> {
    if (this.#database === undefined) return { outcome: 'unavailable', reason: 'the account database is not open' }
    return checkLogin(this.#database, name, password, options)
  }

  /** The password itself, of somebody who chose that it is kept so, for APOP and the like. Rejects with WorldUnavailable. */
  async clearPassword(name: string, options: LoginOptions = {}): ReturnType<typeof clearPassword> {
    return clearPassword(this.database, name, options)
  }

  /** What CRAM-MD5 or SCRAM can go by, for those of whom it is kept. Rejects with WorldUnavailable. */
  async secret(name: string, options: LoginOptions = {}): ReturnType<typeof loginSecret> {
    return loginSecret(this.database, name, options)
  }

  /** `login@domain` of the account that a name leads to, as logins are parted; the name itself where that has no domain, and while no database is open. */
  userOf(name: string): string {
    const parts = this.#database === undefined ? undefined : splitLogin(name, this.#database.config)
    return parts === undefined || parts.domain === '' ? name : `${parts.login}@${parts.domain}`
  }

  /** See `loginIdentity`. Undefined while no database is open. */
  identity(name: string): string | undefined {
    return this.#database === undefined ? undefined : loginIdentity(name, this.#database.config)
  }

  /** See `loginAddress`. Rejects with WorldUnavailable. */
  async addressOf(name: string): Promise<string | undefined> {
    return loginAddress(this.database, name)
  }

  /** True when mail for the address is taken because the database has its domain. Rejects with WorldUnavailable. */
  async accepts(address: string): Promise<boolean> {
    const domain = address.slice(address.lastIndexOf('@') + 1)
    return this.#control !== undefined && acceptsDomain(this.database, accountOptions(this.#control), domain)
  }

  async #tablesMade(): Promise<void> {
    try {
      await this.#made
    } catch (cause) {
      throw new WorldUnavailable(cause instanceof Error ? cause.message : String(cause), { cause })
    }
  }

  async close(): Promise<void> {
    const database = this.#database
    this.#database = undefined
    await database?.close()
  }
}
