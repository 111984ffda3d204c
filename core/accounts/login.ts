/**
 * Who logs in: the one service that SMTP AUTH, POP3 and IMAP ask. The name is parted as qmailconfig says, the row comes in the
 * writing role (the reader need not see passwords), the work is the same whether there is such a user or not.
 */
import { printDate } from './dates.ts'
import { createHash } from 'node:crypto'
import type { Secret } from '../../protocol/sasl/exchange.ts'
import { asciiLower } from '../../protocol/text.ts'
import type { QmailConfig } from '../../protocol/qmail/qmailconfig.ts'
import type { Account } from '../plugin/world.ts'
import { WorldUnavailable } from '../plugin/world.ts'
import { accountOf, LOGIN_LENGTH, normalDomain } from './accounts.ts'
import type { Database } from './database.ts'
import { hashPassword, verifyPassword } from './passwords.ts'
import { clearText, isOutdated, parseScram } from './passwords/texts.ts'
import { answered } from './questions.ts'

export type LoginOutcome =
  | { readonly outcome: 'accepted'; readonly account: Account }
  /** Wrong password, unknown, disabled, or outside its dates: which of them is nobody's business. */
  | { readonly outcome: 'refused' }
  /** Neither yes nor no: the client should come back. */
  | { readonly outcome: 'unavailable'; readonly reason: string }

export interface LoginOptions {
  /** Milliseconds since 1970. Default: the system's clock. */
  now?(): number
  /** Told when what follows a login, its time and a newer hash, could not be written. The login holds. */
  warn?(message: string): void
}

/** Login and domain of what a client calls itself: parted at the last separator; `localpop` where there is none. Undefined without any domain. */
export function splitLogin(name: string, { domainSeparators, localpop, checkHost }: QmailConfig): { readonly login: string; readonly domain: string } | undefined {
  const at = Math.max(...[...domainSeparators].map((separator) => name.lastIndexOf(separator)))
  const [login, domain] = at < 0 ? [name, localpop ?? ''] : [name.slice(0, at), normalDomain(name.slice(at + 1))]
  if (login === '' || login.length > LOGIN_LENGTH || !login.isWellFormed() || login.includes('\0')) return undefined
  return domain === '' && checkHost ? undefined : { login, domain }
}

/**
 * A digest that is the same for all names that may lead to one account: logins are compared without case, and where the domain is not
 * compared, or `globaldomain` takes the logins of any, it makes no difference. A digest, because some names are passwords that slipped.
 * Undefined for a name that can be nobody's.
 */
export function loginIdentity(name: string, config: QmailConfig): string | undefined {
  const parts = splitLogin(name, config)
  if (parts === undefined) return undefined
  const domain = config.checkHost && config.globaldomain === undefined ? parts.domain : ''
  return createHash('sha256').update(`${asciiLower(parts.login)}@${domain}`).digest('base64')
}

/** Checks a name and a password. Never rejects. */
export async function checkLogin(database: Database, name: string, password: string, options: LoginOptions = {}): Promise<LoginOutcome> {
  try {
    const found = await findLogin(database, name)
    if (!await verifyPassword(password, found?.password) || found === undefined) return { outcome: 'refused' }
    const account = accountOf(database, found, found.domain, (options.now ?? Date.now)())
    if (!account.active) return { outcome: 'refused' }
    await afterLogin(database, found, password, options)
    return { outcome: 'accepted', account }
  } catch (error) {
    if (error instanceof WorldUnavailable) return { outcome: 'unavailable', reason: error.message }
    throw error
  }
}

/**
 * What is kept of the password of somebody of whom more is kept than a hash: itself (for APOP, CRAM-MD5, SCRAM), or the keys of
 * SCRAM; undefined for everybody else, and for accounts that are not active. Rejects with WorldUnavailable.
 */
export async function loginSecret(database: Database, name: string, options: LoginOptions = {}): Promise<{ readonly account: Account; readonly secret: Secret } | undefined> {
  const found = await findLogin(database, name)
  const secret = secretOf(found?.password ?? '')
  if (found === undefined || secret === undefined) return undefined
  const account = accountOf(database, found, found.domain, (options.now ?? Date.now)())
  return account.active ? { account, secret } : undefined
}

/** The password itself, of somebody who chose to have it kept in clear text. Rejects with WorldUnavailable. */
export async function clearPassword(database: Database, name: string, options: LoginOptions = {}): Promise<{ readonly account: Account; readonly password: string } | undefined> {
  const found = await loginSecret(database, name, options)
  return found?.secret.kind === 'password' ? { account: found.account, password: found.secret.password } : undefined
}

/** `login@domain` of the account that a client's name leads to, as it stands in the database. Rejects with WorldUnavailable. */
export async function loginAddress(database: Database, name: string): Promise<string | undefined> {
  const found = await findLogin(database, name)
  return found === undefined ? undefined : `${found.login}@${found.domain}`
}

function secretOf(stored: string): Secret | undefined {
  const password = clearText(stored)
  if (password !== undefined) return { kind: 'password', password }
  const keys = parseScram(stored)
  return keys === undefined ? undefined : { kind: 'scram', keys }
}

type LoginRow = NonNullable<Awaited<ReturnType<typeof rowOf>>> & { readonly domain: string }

async function findLogin(database: Database, name: string): Promise<LoginRow | undefined> {
  const parts = splitLogin(name, database.config)
  if (parts === undefined) return undefined
  const { globaldomain, checkHost } = database.config
  const domains = checkHost ? [...new Set([parts.domain, ...globaldomain === undefined ? [] : [globaldomain]])] : [parts.domain]
  for (const domain of domains) {
    const row = await answered(() => rowOf(database, parts.login, domain))
    if (row !== undefined) return { ...row, domain }
  }
  return undefined
}

async function rowOf({ write, config: { checkHost } }: Database, login: string, domain: string) {
  const named = write.selectFrom('passwd')
    .select(['login', 'virtual_host', 'home', 'hardquota', 'startdate', 'stopdate', 'enabled', 'use_dotqmail', 'password'])
    .where('login', 'in', [login, asciiLower(login)])
  const found = await (checkHost
    ? named.where('virtual_host', '=', domain)
    : named.where((where) => where.or([where('virtual_host', 'is', null), where('virtual_host', '=', '')]))).execute()
  // A collation may take more for equal than we do.
  const rows = found.filter((row) => !checkHost || asciiLower(row.virtual_host) === domain)
  return rows.find((row) => row.login === login) ?? rows.find((row) => asciiLower(row.login) === asciiLower(login))
}

/** Notes the time, and replaces a hash of former days by one of today. Never rejects: who showed the right password is in. */
async function afterLogin({ write }: Database, row: LoginRow, password: string, { now = Date.now, warn }: LoginOptions): Promise<void> {
  const theirs = <Q extends { where(column: 'login' | 'virtual_host' | 'password', operator: '=', value: string): Q }>(query: Q): Q =>
    row.virtual_host === null ? query.where('login', '=', row.login) : query.where('login', '=', row.login).where('virtual_host', '=', row.virtual_host)
  try {
    await theirs(write.updateTable('passwd').set({ lastlogin: printDate(now()) })).execute()
    const stored = row.password
    if (stored === null || !isOutdated(stored)) return
    // Only while the old one stands there: somebody may have changed it a moment ago.
    await theirs(write.updateTable('passwd').set({ password: await hashPassword(password) })).where('password', '=', stored).execute()
  } catch (error) {
    warn?.(`after a login of ${row.login}@${row.domain} the account could not be updated: ${error instanceof Error ? error.message : String(error)}`)
  }
}
