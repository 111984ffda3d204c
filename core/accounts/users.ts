/** Users: rows of `passwd` and the Maildir that belongs to each. */
import { chmodSync, existsSync, renameSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { Selectable } from 'kysely'
import type { HeliosError } from '../error.ts'
import type { Database } from './database.ts'
import { changed, insertNew, ownRows } from './changes.ts'
import { isKnownDomain, mailRootOf } from './domains.ts'
import { fileFailure, refusal } from './errors.ts'
import { checkAddress } from './names.ts'
import { asOwner, makeDirectory } from './ownership.ts'
import { hashPassword, keepClear } from './passwords.ts'
import { isDuplicate } from './questions.ts'
import { isTrue, type PasswdTable } from './schema.ts'

/** A user as lists show one. Never a password, hashed or not. */
export interface UserInfo {
  readonly login: string
  readonly domain: string
  readonly home: string
  /** Bytes, 0 for no limit. */
  readonly quota: number
  readonly enabled: boolean
}

export interface NewUser {
  /** `login@domain`. */
  readonly address: string
  readonly password: string
  /** Bytes, 0 (no limit) when absent. */
  readonly quota?: number
  readonly keep?: Keep
}

/** How a password is kept: as a hash, as the keys of SCRAM, for somebody who wants that, or as it is, for APOP and CRAM-MD5, too. */
export type Keep = 'hash' | 'scram' | 'clear text'

/**
 * Adds a user with an empty Maildir. Throws HeliosError: `bad-address`, `bad-quota`, `unknown-domain` for a domain that is
 * neither in rcpthosts nor has users, `user-exists`, `alias-exists`.
 */
export async function addUser(database: Database, user: NewUser): Promise<UserInfo> {
  const { login, domain } = checkAddress(user.address)
  const quota = checkQuota(user.quota ?? 0)
  if (!await isKnownDomain(database, domain)) {
    throw refusal('unknown-domain', `mail for ${domain} is not accepted here: it is not in control/rcpthosts`,
      `first run "helios domain add ${domain}"`)
  }
  if (await exists(database, login, domain)) throw userExists(login, domain)
  await refuseAlias(database, login, domain)
  const home = join(mailRootOf(database), domain, login)
  const password = await textFor(user.password, user.keep)
  makeMaildir(database.home, home)
  const owner = statSync(database.home)
  const added = await insertNew(() => database.write.insertInto('passwd')
    .values({ login, virtual_host: domain, uid: owner.uid, gid: owner.gid, home, password, hardquota: quota, enabled: 1, use_dotqmail: 0 }).execute())
  if (!added) throw userExists(login, domain)
  return { login, domain, home, quota, enabled: true }
}

/** Bytes as the column takes them, and as a number of JavaScript's is still exact. */
function checkQuota(bytes: number): number {
  if (Number.isSafeInteger(bytes) && bytes >= 0) return bytes
  throw refusal('bad-quota', `${bytes} is no number of bytes`, `write a whole number from 0, no limit, to ${Number.MAX_SAFE_INTEGER}`)
}

/** Gives a user a new password. Throws HeliosError `unknown-user` or `bad-password`. */
export async function setPassword(database: Database, address: string, password: string, keep?: Keep): Promise<void> {
  const { login, domain } = await requireUser(database, address)
  const { numUpdatedRows } = await database.write.updateTable('passwd').set({ password: await textFor(password, keep) })
    .where('login', '=', login).where('virtual_host', '=', domain).executeTakeFirst()
  if (numUpdatedRows === 0n) throw unknownUser(login, domain)
}

/** Lets a user in and gives it mail, or neither. Throws HeliosError `unknown-user`. */
export async function setEnabled(database: Database, address: string, enabled: boolean): Promise<void> {
  const { login, domain } = await requireUser(database, address)
  await changed(() => database.write.updateTable('passwd').set({ enabled: enabled ? 1 : 0 }).where('login', '=', login).where('virtual_host', '=', domain).execute())
}

/** Gives a user another quota. @param quota bytes, 0 for none. Throws HeliosError `unknown-user` or `bad-quota`. */
export async function setQuota(database: Database, address: string, quota: number): Promise<void> {
  const { login, domain } = await requireUser(database, address)
  await changed(() => database.write.updateTable('passwd').set({ hardquota: checkQuota(quota) }).where('login', '=', login).where('virtual_host', '=', domain).execute())
}

/**
 * Gives a user another name, with its mailbox, its dot-qmail texts and the aliases that lead to it. Throws HeliosError: `unknown-user`, `user-exists`,
 * `alias-exists`, `unknown-domain`, `mailbox` when the directory cannot be moved.
 */
export async function renameUser(database: Database, from: string, to: string): Promise<UserInfo> {
  const old = await requireUser(database, from)
  const { login, domain } = checkAddress(to)
  if (!await isKnownDomain(database, domain)) {
    throw refusal('unknown-domain', `mail for ${domain} is not accepted here: it is not in control/rcpthosts`, `first run "helios domain add ${domain}"`)
  }
  if (await exists(database, login, domain)) throw userExists(login, domain)
  await refuseAlias(database, login, domain)
  const before = await findUser(database, from)
  const root = mailRootOf(database)
  const moves = before.home === join(root, old.domain, old.login)
  const home = moves ? join(root, domain, login) : before.home
  let moved = false
  try {
    await changed(() => database.write.transaction().execute(async (one) => {
      const { numUpdatedRows } = await one.updateTable('passwd').set({ login, virtual_host: domain, home })
        .where('login', '=', old.login).where('virtual_host', '=', old.domain).executeTakeFirst()
      // Somebody else was faster, and the directory goes with that other name.
      if (numUpdatedRows === 0n) throw unknownUser(old.login, old.domain)
      await one.updateTable('dotqmails').set({ login, virtual_host: domain }).where('login', '=', old.login).where('virtual_host', '=', old.domain).execute()
      // While the row is ours alone.
      if (moves) moved = moveHome(database.home, before.home, home)
    }))
  } catch (error) {
    if (moved) moveHome(database.home, home, before.home)
    if (isDuplicate(error)) throw userExists(login, domain)
    throw error
  }
  await ownRows({
    execute: () => database.write.updateTable('helios_aliases').set({ target: `${login}@${domain}` }).where('target', '=', `${old.login}@${old.domain}`).execute(),
  })
  await moveNotify(database, old, { login, domain })
  return { ...before, login, domain, home }
}

/** What stood there for somebody of the new name before is replaced. */
async function moveNotify({ write }: Database, from: { readonly login: string; readonly domain: string }, to: { readonly login: string; readonly domain: string }): Promise<void> {
  await ownRows({ execute: () => write.deleteFrom('helios_notify').where('login', '=', to.login).where('domain', '=', to.domain).execute() })
  await ownRows({ execute: () => write.updateTable('helios_notify').set(to).where('login', '=', from.login).where('domain', '=', from.domain).execute() })
}

/** False where there is nothing to move. */
function moveHome(home: string, from: string, to: string): boolean {
  try {
    return asOwner(home, () => {
      if (!existsSync(from)) return false
      makeDirectory(home, dirname(to))
      if (existsSync(to)) throw new Error(`${to} is there already`)
      renameSync(from, to)
      return true
    })
  } catch (error) {
    throw fileFailure('mailbox', `cannot move ${from} to ${to}`, error)
  }
}

/** Login and domain of a user who is there. Throws HeliosError `unknown-user`, or for what cannot be an address. */
export async function requireUser(database: Database, address: string): Promise<{ readonly login: string; readonly domain: string }> {
  const { login, domain } = checkAddress(address)
  if (await exists(database, login, domain)) return { login, domain }
  throw unknownUser(login, domain)
}

/** A user who is there. Throws HeliosError `unknown-user`, or for what cannot be an address. */
export async function findUser(database: Database, address: string): Promise<UserInfo> {
  const { login, domain } = checkAddress(address)
  const row = await database.write.selectFrom('passwd').select(INFO).where('login', '=', login).where('virtual_host', '=', domain).executeTakeFirst()
  if (row === undefined) throw unknownUser(login, domain)
  return userInfo(database, row)
}

/** Users by domain and login, of one domain where given. */
export async function listUsers(database: Database, domain?: string): Promise<readonly UserInfo[]> {
  const query = database.write.selectFrom('passwd').select(INFO).orderBy('virtual_host').orderBy('login')
  const rows = await (domain === undefined ? query : query.where('virtual_host', '=', domain)).execute()
  return rows.map((row) => userInfo(database, row))
}

const INFO = ['login', 'virtual_host', 'home', 'hardquota', 'enabled'] as const

function userInfo(database: Database, row: Pick<Selectable<PasswdTable>, typeof INFO[number]>): UserInfo {
  // A table of qmail-sql's may have rows without a login or a domain. They are nobody's, and there to be seen.
  const [login, domain] = [row.login as string | null ?? '', row.virtual_host as string | null ?? '']
  return {
    login, domain, home: row.home === null || row.home === '' ? join(mailRootOf(database), domain, login) : row.home,
    quota: Number(row.hardquota), enabled: isTrue(row.enabled),
  }
}

async function exists(database: Database, login: string, domain: string): Promise<boolean> {
  const row = await database.write.selectFrom('passwd').select('login')
    .where('login', '=', login).where('virtual_host', '=', domain).executeTakeFirst()
  return row !== undefined
}

/** A user is found before an alias, which would be there still and lead nowhere. */
async function refuseAlias({ write }: Database, login: string, domain: string): Promise<void> {
  const [row] = await ownRows(write.selectFrom('helios_aliases').select('target').where('login', '=', login).where('domain', '=', domain).limit(1))
  if (row === undefined) return
  const name = `${login}@${domain}`
  throw refusal('alias-exists', `${name} is an alias of ${row.target}, and a user of that name would take its mail`, `choose another name, or first run "helios alias del ${name}"`)
}

function makeMaildir(home: string, directory: string): void {
  try {
    makeDirectory(home, directory)
    // Delivery refuses into a directory that others may write to; 0700 holds for one that was there before, too.
    asOwner(home, () => chmodSync(directory, 0o700))
    for (const part of ['tmp', 'new', 'cur']) makeDirectory(home, join(directory, 'Maildir', part))
  } catch (error) {
    throw fileFailure('mailbox', `cannot create ${directory}`, error)
  }
}

/** The text for the password column. */
async function textFor(password: string, keep: Keep = 'hash'): Promise<string> {
  const checked = checkPassword(password)
  return keep === 'clear text' ? keepClear(checked) : hashPassword(checked, keep === 'scram' ? 'scram' : 'scrypt')
}

// POP3, IMAP and SASL PLAIN carry neither NUL nor line ends in a password.
function checkPassword(password: string): string {
  // oxlint-disable-next-line no-control-regex -- exactly these are meant
  if (password !== '' && password.length <= 1024 && !/[\x00\r\n]/.test(password) && password.isWellFormed()) return password
  const wrong = password === '' ? 'is empty' : 'has a line end or a NUL, is not UTF-8, or is longer than 1024 characters'
  throw refusal('bad-password', `the password ${wrong}`, 'choose another, or let --generate make one')
}

function userExists(login: string, domain: string): HeliosError {
  return refusal('user-exists', `${login}@${domain} is there already`, `"helios user passwd ${login}@${domain}" changes the password`)
}

function unknownUser(login: string, domain: string): HeliosError {
  return refusal('unknown-user', `there is no user ${login}@${domain}`, `"helios finger ${login}@${domain}" also looks at aliases and extensions`)
}
