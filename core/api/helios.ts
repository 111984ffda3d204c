/** Helios' accounts as a whole: domains, users, aliases, and the database they stand in. What `helios domain`, `user`, `alias`, `db` and `relay` are made of. */
import { isIP } from 'node:net'
import { dropDomainRows } from '../accounts/account-rows.ts'
import { accountFacts, accountOptions } from '../accounts/accounts.ts'
import { addAlias, deleteAlias, listAliases, type AddedAlias, type AliasInfo } from '../accounts/aliases.ts'
import { changed } from '../accounts/changes.ts'
import type { Database } from '../accounts/database.ts'
import { deleteDomain, lookAtDomain, type Deletion } from '../accounts/deletion.ts'
import { findUsers, type Found } from '../accounts/details.ts'
import { addDomain, listDomains, type AddedDomain, type DomainInfo } from '../accounts/domains.ts'
import { explained, refusal } from '../accounts/errors.ts'
import { checkLogin, type LoginOptions, type LoginOutcome } from '../accounts/login.ts'
import { forgetLogins, listLogins, LOGINS, recordLogin, type RecordedLogin } from '../accounts/logins.ts'
import { migrate } from '../accounts/migrations.ts'
import { checkDomain } from '../accounts/names.ts'
import { deleteNotify, listNotify, notifyPlan, readNotify, setNotify, type NotifyChange, type NotifyPlan, type NotifySettings } from '../accounts/notify.ts'
import { addPostmaster, checkPostmaster } from '../accounts/postmaster.ts'
import { databaseStatus, type DatabaseStatus, type StatusOptions } from '../accounts/status.ts'
import { grantReading, tablesThere } from '../accounts/rights.ts'
import { makeTables, missingTables, nameOf, tablesOf } from '../accounts/tables.ts'
import { countRows, exportAll } from '../accounts/transfer/export.ts'
import { importAll, type Imported, type ImportOptions as ImportAllOptions } from '../accounts/transfer/import.ts'
import { read, type Format } from '../accounts/transfer/record.ts'
import { readVpasswd } from '../accounts/transfer/vpasswd.ts'
import { addUser, listUsers, requireUser, type NewUser, type UserInfo } from '../accounts/users.ts'
import type { Control } from '../../config/control.ts'
import type { HeliosError } from '../error.ts'
import type { Table, TableEditor } from '../plugin/table.ts'
import type { AccountFacts } from '../plugin/world.ts'
import { declaredTables } from './declared.ts'
import { HeliosUser } from './helios-user.ts'
import { openHome, type OpenHome } from './home.ts'
import { QmailSql } from './qmail-sql.ts'

/** What `addDomain` made. */
export interface NewDomain extends AddedDomain {
  /** Where the domain's postmaster leads, when an alias was made for it. */
  readonly postmaster?: string
}

export interface ImportOptions extends Pick<ImportAllOptions, 'replace' | 'dryRun' | 'progress'> {
  /** What `export` writes; or the users of one domain, as vpopmail has them in its file vpasswd. */
  readonly format: Format | { readonly vpasswdOf: string }
  /** What the file is called in problems. */
  readonly file?: string
}

/** A domain with whoever is in it. */
export interface DomainDetails {
  readonly domain: string
  /** Mail for it is accepted. */
  readonly accepted: boolean
  readonly users: readonly UserInfo[]
  readonly aliases: readonly AliasInfo[]
}

export class Helios {
  readonly home: string
  /** The rows under it all. */
  readonly sql: QmailSql
  /** Who gets mail for an address, which addresses are ours: what the server itself asks. A database that does not answer rejects with WorldUnavailable. */
  readonly facts: AccountFacts
  /** The tables of plugins and of the house, once they are made (`makeTables`). Rejects with HeliosError `database`. */
  readonly tables: TableEditor
  /** The files of `control/` as they were when this was opened. */
  readonly control: Control
  readonly #database: Database

  private constructor({ control, database }: OpenHome) {
    this.home = database.home
    this.control = control
    this.#database = database
    this.sql = new QmailSql(database)
    this.facts = accountFacts(() => database, accountOptions(control))
    const { find, change } = tablesOf(database)
    this.tables = { find: (table, where) => changed(() => find(table, where)), change: (table, key, work) => changed(() => change(table, key, work)) }
  }

  /**
   * Opens the accounts of a home; a server that runs in it is not disturbed. Rejects with HeliosError `no-home` or `database`, or with
   * ConfigError for a control/qmailconfig that cannot be read. `close` ends it.
   * @param home absolute path
   */
  static async open(home: string): Promise<Helios> {
    return new Helios(await openHome(home))
  }

  /**
   * Accepts mail for a domain, makes its mail directory and, unless `postmaster` is false, leads its postmaster to `host_postmaster`.
   * What is there already stays. Rejects with HeliosError: `bad-domain`, `mail-loop` where the postmaster would lead to itself.
   */
  addDomain(name: string, { postmaster = true }: { readonly postmaster?: boolean } = {}): Promise<NewDomain> {
    return changed(async () => {
      if (postmaster) await checkPostmaster(this.#database, checkDomain(name))
      const added = await addDomain(this.#database, name)
      const target = postmaster ? await addPostmaster(this.#database, added.domain, this.control.me, accountOptions(this.control)) : undefined
      return { ...added, ...target === undefined ? {} : { postmaster: target } }
    })
  }

  /** Every domain that is accepted or has users, by name. */
  domains(): Promise<readonly DomainInfo[]> {
    return changed(() => listDomains(this.#database))
  }

  /** Rejects with HeliosError `bad-domain` or `unknown-domain`. */
  async domain(name: string): Promise<DomainDetails> {
    const domain = checkDomain(name)
    const known = (await this.domains()).find((each) => each.domain === domain)
    const [users, aliases] = [await this.users(domain), await this.aliases(domain)]
    if (known === undefined && aliases.length === 0) throw unknownDomain(domain)
    return { domain, accepted: known?.accepted ?? false, users, aliases }
  }

  /** What `deleteDomain` would take along: ask before you delete mail. Rejects with HeliosError `bad-domain`. */
  lookAtDomain(name: string): Promise<Deletion> {
    return changed(() => lookAtDomain(this.#database, name))
  }

  /** Deletes a domain with its users, their mail, its aliases and what plugins keep of them; resolves with what went. Rejects with HeliosError `unknown-domain`. */
  async deleteDomain(name: string): Promise<Deletion> {
    const domain = checkDomain(name)
    const deletion = await this.lookAtDomain(domain)
    return changed(async () => {
      if (!await deleteDomain(this.#database, domain)) throw unknownDomain(domain)
      await dropDomainRows(this.#database, await declaredTables(), domain)
      return deletion
    })
  }

  /** Adds a user with an empty mailbox. Rejects with HeliosError: `bad-address`, `bad-password`, `bad-quota`, `unknown-domain`, `user-exists`, `alias-exists`, `mailbox`. */
  async addUser(user: NewUser): Promise<HeliosUser> {
    const { login, domain } = await changed(() => addUser(this.#database, user))
    return new HeliosUser(this.#database, login, domain)
  }

  /** A user who is there. Rejects with HeliosError `bad-address` or `unknown-user`. @param address `login@domain` */
  async user(address: string): Promise<HeliosUser> {
    const { login, domain } = await changed(() => requireUser(this.#database, address))
    return new HeliosUser(this.#database, login, domain)
  }

  /** Whom a name means as an operator types it: a user, an address that leads to users, or a login of any domain. */
  findUsers(name: string): Promise<Found> {
    return changed(() => findUsers(this.#database, name, accountOptions(this.control)))
  }

  /** Users by domain and login, of one domain where given. Of very many `sql.users()` needs less memory. */
  users(domain?: string): Promise<readonly UserInfo[]> {
    return changed(async () => listUsers(this.#database, domain === undefined ? undefined : checkDomain(domain)))
  }

  /**
   * Lets an address lead to others. Rejects with HeliosError: `bad-address`, `unknown-domain`, `user-exists`, `alias-elsewhere`, `mail-loop`.
   * @param alias `name@domain`; `@domain` for whatever nobody else in the domain takes
   */
  addAlias(alias: string, targets: readonly string[]): Promise<AddedAlias> {
    return changed(() => addAlias(this.#database, alias, targets, accountOptions(this.control)))
  }

  /** Takes targets, or the whole alias, away; resolves with what went. Rejects with HeliosError `unknown-alias`. */
  deleteAlias(alias: string, targets: readonly string[] = []): Promise<readonly string[]> {
    return changed(() => deleteAlias(this.#database, alias, targets))
  }

  /** Aliases by domain and name, of one domain where given. */
  aliases(domain?: string): Promise<readonly AliasInfo[]> {
    return changed(async () => listAliases(this.#database, domain === undefined ? undefined : checkDomain(domain)))
  }

  /** Settings of new-mail notification: all rows, groups of users among them. Never a password. */
  notifications(): Promise<readonly NotifySettings[]> {
    return changed(() => listNotify(this.#database))
  }

  /** What is set for just this user or group; undefined for nothing. Rejects with HeliosError `bad-address`. @param user `login@domain`, each perhaps `[:all:]` */
  notification(user: string): Promise<NotifySettings | undefined> {
    return changed(() => readNotify(this.#database, user))
  }

  /** Sets some of it; what is not said stays. Rejects with HeliosError: `unknown-user`, `bad-address`, `bad-jid`, `bad-password`, `nothing-said`. */
  setNotification(user: string, change: NotifyChange): Promise<NotifySettings> {
    return changed(() => setNotify(this.#database, user, change))
  }

  /** Resolves with what was set. Rejects with HeliosError `unknown-notify`. */
  deleteNotification(user: string): Promise<NotifySettings> {
    return changed(() => deleteNotify(this.#database, user))
  }

  /** What would become of a notification to a user, by its own settings and those of groups. Rejects with HeliosError `unknown-user`. */
  notifyPlan(address: string): Promise<NotifyPlan> {
    return changed(() => notifyPlan(this.#database, address))
  }

  /** Checks a name and a password as SMTP AUTH does, and notes the time of a login. Guessing is not slowed down here. Never rejects. */
  login(name: string, password: string, options: LoginOptions = {}): Promise<LoginOutcome> {
    return checkLogin(this.#database, name, password, options)
  }

  /** Notes a login by POP3 or IMAP, for `AUTHEXPIRE`. Rejects with HeliosError `unknown-user` or `bad-ip`. @param at milliseconds since 1970 */
  async recordLogin({ ip, account, at }: RecordedLogin): Promise<void> {
    if (isIP(ip) === 0) throw refusal('bad-ip', `"${ip}" is not an IP address`, 'write one such as 192.0.2.1')
    const { address } = await this.user(account)
    await this.makeTables([LOGINS])
    await changed(() => recordLogin(this.#database, { ip, account: address, at }))
  }

  /** Logins by POP3 and IMAP that are noted, the newest first; from one IP address where given. */
  logins(ip?: string): Promise<readonly RecordedLogin[]> {
    return changed(() => listLogins(this.#database, ip))
  }

  /** Forgets the logins from an IP address; resolves with how many there were. */
  forgetLogins(ip: string): Promise<number> {
    return changed(() => forgetLogins(this.#database, ip))
  }

  /**
   * Everything of the installation: domains, users with their hashed passwords, texts, aliases, what plugins keep. Texts that, one behind the
   * other, are a file; fetched as they are taken, so that an installation of any size needs little memory. The first is its head, each other one a row.
   */
  async *export(format: Format = 'json'): AsyncGenerator<string> {
    try {
      yield* exportAll(this.#database, { format, tables: await this.#allTables() })
    } catch (error) {
      throw explained(error)
    }
  }

  /** How many rows `export` has, but for domains. */
  async countRows(): Promise<number> {
    return changed(async () => countRows(this.#database, await this.#allTables()))
  }

  /**
   * Puts in what a file has that `export` wrote, or somebody else; resolves with how much that was. All of it is checked first. Rejects with
   * ImportRefused, which has file and line of each problem, before anything is written; with HeliosError `import` where the database fails in
   * between, and then the same import goes on where that one ended.
   * @param chunks the file, UTF-8, in parts of any length
   */
  async import(chunks: AsyncIterable<Uint8Array | string> | Iterable<Uint8Array | string>, { format, file = 'import', ...options }: ImportOptions): Promise<Imported> {
    const tables = await this.#allTables()
    const text = decoded(chunks)
    const reads = typeof format === 'string' ? read(format, text) : readVpasswd(text, checkDomain(format.vpasswdOf))
    return importAll(this.#database, reads, { ...options, file, tables, accounts: accountOptions(this.control) })
  }

  /** In helios.db they are made when they are needed; on a server by `migrate`. */
  async #allTables(): Promise<readonly Table[]> {
    const tables = await declaredTables()
    await this.makeTables(tables)
    return tables
  }

  /** Tries every server of qmailconfig and looks at the tables. Never rejects for what a server does. */
  async status(options: StatusOptions = {}): Promise<DatabaseStatus> {
    // In helios.db they are made when they are needed.
    return databaseStatus(this.#database, this.#database.driver === 'sqlite' ? [] : await declaredTables(), options)
  }

  /**
   * Makes the tables that are missing, those of plugins too, and lets the user of connectionstring read them as far as the one of
   * popconnectionstring may grant it; resolves with the names of what was done. `status` has what an administrator must grant.
   */
  async migrate(): Promise<readonly string[]> {
    const declared = await declaredTables()
    const before = await changed(() => tablesThere(this.#database))
    const steps = await changed(() => migrate(this.#database))
    const missing = await missingTables(this.#database, declared)
    await makeTables(this.#database, missing)
    const granted = await changed(() => grantReading(this.#database, declared, before))
    return [...steps, ...missing.map((table) => `table ${nameOf(table)}`), ...granted]
  }

  /** Makes these tables where they are missing from helios.db; on a server that is for `migrate`. Rejects with HeliosError `database`. */
  async makeTables(tables: readonly Table[]): Promise<void> {
    if (this.#database.driver === 'sqlite') await makeTables(this.#database, tables)
  }

  /** Ends the connections. */
  close(): Promise<void> {
    return this.#database.close()
  }
}

/** Bytes that are not UTF-8 become U+FFFD, which no name and no text may have. */
async function* decoded(chunks: AsyncIterable<Uint8Array | string> | Iterable<Uint8Array | string>): AsyncGenerator<string> {
  const decoder = new TextDecoder()
  for await (const chunk of chunks) yield typeof chunk === 'string' ? chunk : decoder.decode(chunk, { stream: true })
  yield decoder.decode()
}

function unknownDomain(domain: string): HeliosError {
  return refusal('unknown-domain', `there is no domain ${domain}`, '"helios domain list" shows what there is')
}
