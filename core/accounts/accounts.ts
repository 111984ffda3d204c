/**
 * Facts about accounts, asked for every recipient (spec helios 5): the exact login, the user before an extension, an alias,
 * the domain's catch-all, the same login in `globaldomain`; else nobody.
 */
import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { domainToASCII } from 'node:url'
import type { Control } from '../../config/control.ts'
import { asciiLower, isUtf8 } from '../../protocol/text.ts'
import type { Account, AccountFacts } from '../plugin/world.ts'
import type { Database } from './database.ts'
import { readDate } from './dates.ts'
import { loginsFrom } from './logins.ts'
import { answered, Questions, type UserRow } from './questions.ts'
import { isTrue } from './schema.ts'
import { UnfitRow } from './unfit-row.ts'

/** Bytes a login may have (spec helios 4.1); longer ones are in no table, so longer prefixes need not be asked. */
export const LOGIN_LENGTH = 64

export interface AccountOptions {
  /** The domains of control/locals now, or `me` alone without that file, in lower case. Asked each time, so that a reload counts. */
  locals(): ReadonlySet<string>
  /** There is no file control/locals, so that the database may say which domains are local. */
  localsMissing?(): boolean
  /** Milliseconds since 1970, for start and stop dates. */
  now?(): number
}

/** Those that a control directory gives. */
export function accountOptions(control: Pick<Control, 'locals' | 'read' | 'unreadable'>): AccountOptions {
  return { locals: () => control.locals, localsMissing: () => control.read('locals') === undefined && !control.unreadable.has('locals') }
}

/** Aliases of aliases: how deep, and how many addresses in all. Beyond it somebody made a mistake. */
export const DEEPEST_ALIAS = 10
const MOST_ADDRESSES = 200

/** Accounts of the database that is open now; a reload may open another. */
export function accountFacts(database: () => Database, options: AccountOptions): AccountFacts {
  const lookup = (): Lookup => new Lookup(database(), options)
  const find = (address: string): Promise<Account | undefined> => answered(async () => (await lookup().takers(address))[0])
  return {
    find,
    takers: (address) => answered(() => lookup().takers(address)),
    hasDomain: (domain) => answered(() => lookup().hasDomain(domain)),
    hasLogin: (login) => answered(() => lookup().hasLogin(login)),
    aliases: (account) => answered(() => lookup().aliasesOf(account)),
    loginsFrom: (ip, since) => answered(() => loginsFrom(database(), find, ip, since)),
  }
}

/** True when the database says that mail for this domain is taken: for `rcpthosts_from_db`. Rejects with WorldUnavailable. */
export function acceptsDomain(database: Database, options: AccountOptions, domain: string): Promise<boolean> {
  return answered(() => new Lookup(database, options).inDatabase(domain))
}

const questions = new WeakMap<Database, Questions>()

function questionsOf(database: Database): Questions {
  const known = questions.get(database) ?? new Questions(database)
  questions.set(database, known)
  return known
}

class Lookup {
  readonly #database: Database
  readonly #options: AccountOptions
  readonly #ask: Questions
  readonly #seen = new Set<string>()

  constructor(database: Database, options: AccountOptions) {
    this.#database = database
    this.#options = options
    this.#ask = questionsOf(database)
  }

  async takers(address: string): Promise<readonly Account[]> {
    const found = new Map<string, Account>()
    for (const account of await this.#resolve(address, 0)) found.set(`${account.login}@${account.domain}`, account)
    return [...found.values()]
  }

  async hasDomain(text: string): Promise<boolean> {
    const domain = normalDomain(text)
    return this.#options.locals().has(domain) || this.inDatabase(domain)
  }

  async inDatabase(text: string): Promise<boolean> {
    const domain = normalDomain(text)
    if (domain === '' || !canBeAsked(domain)) return false
    if (await this.#ask.hasDomain(domain)) return true
    return this.#database.config.localsFromDb && this.#options.localsMissing?.() === true && this.#ask.isLocal(domain)
  }

  async hasLogin(login: string): Promise<boolean> {
    return login !== '' && login.length <= LOGIN_LENGTH && canBeAsked(login) && this.#ask.hasLogin(login)
  }

  /** Through other aliases, too. Catch-alls are no addresses. */
  async aliasesOf(account: string): Promise<readonly string[]> {
    const found = new Set<string>()
    const asked = new Set<string>()
    let next: readonly string[] = canBeAsked(account) ? [asciiLower(account)] : []
    while (next.length > 0 && found.size < MOST_ADDRESSES) {
      for (const address of next) asked.add(address)
      const leading = await this.#ask.aliasesTo(next)
      for (const address of leading) found.add(address)
      next = leading.filter((address) => !asked.has(address))
    }
    found.delete(asciiLower(account))
    return [...found].slice(0, MOST_ADDRESSES).toSorted()
  }

  async #resolve(address: string, depth: number): Promise<readonly Account[]> {
    const at = address.lastIndexOf('@')
    if (at <= 0 || !canBeAsked(address)) return []
    const [local, domain] = [address.slice(0, at), normalDomain(address.slice(at + 1))]
    const key = `${asciiLower(local)}@${domain}`
    if (domain === '' || this.#seen.has(key)) return []
    if (depth > DEEPEST_ALIAS || this.#seen.size >= MOST_ADDRESSES) {
      throw new UnfitRow(`the aliases that lead to ${address} are more than ${DEEPEST_ALIAS} deep or ${MOST_ADDRESSES} addresses`)
    }
    this.#seen.add(key)
    const user = await this.#user(local, domain)
    if (user !== undefined) return [this.#account(user, domain)]
    const aliases = local.length > LOGIN_LENGTH ? [] : await this.#ask.aliases(local, domain)
    const own = aliases.filter(({ login }) => login !== '')
    const targets = (own.length > 0 ? own : aliases).map(({ target }) => target)
    if (targets.length > 0) return this.#follow(key, targets, depth)
    const { globaldomain } = this.#database.config
    const globally = globaldomain === undefined || globaldomain === domain ? undefined : await this.#user(local, globaldomain)
    return globally === undefined ? [] : [this.#account(globally, globaldomain!)]
  }

  async #follow(from: string, targets: readonly string[], depth: number): Promise<readonly Account[]> {
    const accounts: Account[] = []
    for (const target of targets) {
      // Mail for it must wait, not vanish and not bounce: somebody wrote this row past the tools, which refuse it.
      if (!await this.hasDomain(target.slice(target.lastIndexOf('@') + 1))) {
        throw new UnfitRow(`the alias ${from} leads to ${target}, and this version delivers to no other server`)
      }
      accounts.push(...await this.#resolve(target, depth + 1))
    }
    return accounts
  }

  /** The user of the login, or the one before an extension, longest login first. */
  async #user(local: string, domain: string): Promise<UserRow | undefined> {
    const before = loginsBefore(local)
    const candidates = local.length <= LOGIN_LENGTH ? [local, ...before] : before
    if (candidates.length === 0) return undefined
    const rows = await this.#ask.users(candidates, domain)
    if (rows.length === 0) return undefined
    for (const candidate of candidates) {
      const row = this.#best(rows, candidate)
      if (row === undefined) continue
      if (candidate === local || !isTrue(row.use_dotqmail) || await this.#hasExtension(row, domain, local.slice(candidate.length + 1))) return row
    }
    return undefined
  }

  /** PostgreSQL may have both Ann and ann: the one that is written as asked. */
  #best(rows: readonly UserRow[], login: string): UserRow | undefined {
    return rows.find((row) => row.login === login) ?? rows.find((row) => asciiLower(row.login) === asciiLower(login))
  }

  /** A user with dot-qmail texts has the extensions that stand there or in files, as `ext` itself or under a `default` (spec helios 4.2). */
  async #hasExtension(row: UserRow, domain: string, text: string): Promise<boolean> {
    const extension = asciiLower(text)
    const names = [...(extension === '' ? [] : [extension]), ...loginsBefore(extension).map((before) => `${before}-default`), 'default']
    if (await this.#ask.hasDotqmail(row.login, row.virtual_host ?? '', names)) return true
    const { home } = this.#account(row, domain)
    const files = names.filter((name) => !/[/\0]/.test(name)).map((name) => join(home, `.qmail-${name.replaceAll('.', ':')}`))
    return (await Promise.all(files.map((file) => stat(file).then((found) => found.isFile(), () => false)))).includes(true)
  }

  #account(row: UserRow, askedDomain: string): Account {
    return accountOf(this.#database, row, askedDomain, (this.#options.now ?? Date.now)())
  }
}

/** The account of a row. Throws WorldUnavailable for a date that is none. @param now milliseconds since 1970 */
export function accountOf(database: Database, row: UserRow, askedDomain: string, now: number): Account {
  const { start, stop, home, maildir } = known.get(row) ?? read(database, row)
  // Neither yes nor no: a slip in a date must not bounce the user's mail.
  if (start === 'unreadable' || stop === 'unreadable') {
    throw new UnfitRow(`startdate or stopdate of ${row.login}@${row.virtual_host} is not a date such as 2026-01-31 00:00:00`)
  }
  const active = isTrue(row.enabled) && (start === undefined || start <= now) && (stop === undefined || now < stop)
  const domain = row.virtual_host === null || row.virtual_host === '' ? askedDomain : row.virtual_host
  return { login: row.login, domain, home, maildir, quota: Number(row.hardquota ?? 0), active }
}

interface ReadRow {
  readonly start: ReturnType<typeof readDate>
  readonly stop: ReturnType<typeof readDate>
  readonly home: string
  readonly maildir: string
}

/** What rows say that are asked for again and again. */
const known = new WeakMap<UserRow, ReadRow>()

function read(database: Database, row: UserRow): ReadRow {
  const { home: base, config: { mailRoot = join(base, 'mail') } } = database
  const home = row.home === null || row.home === '' ? join(mailRoot, row.virtual_host ?? '', row.login) : row.home
  const all = { start: readDate(row.startdate), stop: readDate(row.stopdate), home, maildir: join(home, 'Maildir') }
  // Elsewhere each question brings new rows.
  if (database.version !== undefined) known.set(row, all)
  return all
}

/** No database holds bytes that are not UTF-8, and PostgreSQL takes a NUL for an error: an error would be an answer that cannot be had. */
function canBeAsked(text: string): boolean {
  return isUtf8(text) && !text.includes('\0')
}

/** Every part of the text before a `-`, longest first, as long as a login can be. */
function loginsBefore(text: string): readonly string[] {
  const logins: string[] = []
  for (let dash = text.lastIndexOf('-', LOGIN_LENGTH); dash > 0; dash = text.lastIndexOf('-', dash - 1)) logins.push(text.slice(0, dash))
  return logins
}

/** Lower case, and the ASCII form of a name with other letters (RFC 5890); '' for what can be no domain. */
export function normalDomain(domain: string): string {
  return /^[\x21-\x7e]*$/.test(domain) ? asciiLower(domain) : domainToASCII(domain)
}
