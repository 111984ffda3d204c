/** Taking users and domains away: rows first looked at, then mail and rows deleted, in an order in which nothing can be left that receives mail. */
import { readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { changed, ownRows } from './changes.ts'
import type { Database } from './database.ts'
import { dropDomainLine, mailRootOf } from './domains.ts'
import { fileFailure } from './errors.ts'
import { checkDomain } from './names.ts'
import { asOwner } from './ownership.ts'
import { findUser, listUsers, type UserInfo } from './users.ts'

/** What a deletion would take along. */
export interface Deletion {
  readonly users: readonly UserInfo[]
  /** Messages in the mailboxes that would go. */
  readonly messages: number
  /** Aliases that would go with the domain, or that lead to the user alone. */
  readonly aliases: readonly string[]
  /** Homes elsewhere, which stay. */
  readonly kept: readonly string[]
}

/** What deleting the user would take along. Throws HeliosError `unknown-user`. */
export async function lookAtUser(database: Database, address: string): Promise<Deletion> {
  const user = await findUser(database, address)
  const { login, domain } = user
  const leading = await ownRows(database.write.selectFrom('helios_aliases').select(['login', 'domain']).where('target', '=', `${login}@${domain}`))
  return { ...lookAtMail(database, [user]), aliases: leading.map((row) => `${row.login}@${row.domain}`) }
}

/** Deletes the user, the way to it, and its mailbox where that is below the mail directory. */
export async function deleteUser(database: Database, { login, domain, home }: UserInfo): Promise<void> {
  await changed(async () => {
    await ignoreMissing(() => database.write.deleteFrom('helios_aliases').where('target', '=', `${login}@${domain}`).execute())
    await ignoreMissing(() => database.write.deleteFrom('helios_notify').where('login', '=', login).where('domain', '=', domain).execute())
    await ignoreMissing(() => database.write.deleteFrom('dotqmails').where('login', '=', login).where('virtual_host', '=', domain).execute())
    await database.write.deleteFrom('passwd').where('login', '=', login).where('virtual_host', '=', domain).execute()
  })
  if (isOurs(database, login, domain, home)) removeTree(database, home)
}

/** What deleting the domain would take along. Throws HeliosError `bad-domain`. */
export async function lookAtDomain(database: Database, text: string): Promise<Deletion> {
  const domain = checkDomain(text)
  const users = await listUsers(database, domain)
  const aliases = await ownRows(database.write.selectFrom('helios_aliases').select(['login', 'domain']).distinct().where('domain', '=', domain))
  return { ...lookAtMail(database, users), aliases: aliases.map((row) => `${row.login}@${row.domain}`) }
}

/** Deletes its line of rcpthosts, users, aliases, rows and mail directory. Resolves with true when there was something. */
export async function deleteDomain(database: Database, text: string): Promise<boolean> {
  const domain = checkDomain(text)
  // First, so that no mail comes in for users who are about to go.
  const listed = dropDomainLine(database, domain)
  const users = await listUsers(database, domain)
  for (const user of users) await deleteUser(database, user)
  const gone = await changed(async () => {
    const [aliases] = await ignoreMissing(() => database.write.deleteFrom('helios_aliases').where('domain', '=', domain).execute()) ?? []
    await ignoreMissing(() => database.write.deleteFrom('helios_notify').where('domain', '=', domain).execute())
    const [row] = await ignoreMissing(() => database.write.deleteFrom('helios_domains').where('domain', '=', domain).execute()) ?? []
    return Number(aliases?.numDeletedRows ?? 0) + Number(row?.numDeletedRows ?? 0)
  })
  removeTree(database, join(mailRootOf(database), domain))
  return listed || users.length > 0 || gone > 0
}

function lookAtMail(database: Database, users: readonly UserInfo[]): Omit<Deletion, 'aliases'> {
  const ours = users.filter(({ login, domain, home }) => isOurs(database, login, domain, home))
  const messages = ours.reduce((sum, { home }) => sum + countMessages(join(home, 'Maildir')), 0)
  return { users, messages, kept: users.filter((user) => !ours.includes(user)).map(({ home }) => home) }
}

/** Only the place Helios itself made: a home of qmail-sql's may hold other things of its user. */
function isOurs(database: Database, login: string, domain: string, home: string): boolean {
  return home === join(mailRootOf(database), domain, login) && !/^\.{0,2}$/.test(login) && !login.includes('/') && !domain.includes('/')
}

function countMessages(maildir: string): number {
  const names = (directory: string): readonly string[] => {
    try {
      return readdirSync(directory)
    } catch {
      return []
    }
  }
  const folders = ['', ...names(maildir).filter((name) => name.startsWith('.'))]
  return folders.reduce((sum, folder) => sum + names(join(maildir, folder, 'new')).length + names(join(maildir, folder, 'cur')).length, 0)
}

function removeTree({ home }: Database, path: string): void {
  try {
    asOwner(home, () => rmSync(path, { recursive: true, force: true }))
  } catch (error) {
    throw fileFailure('mailbox', `cannot delete ${path}`, error)
  }
}

/** Undefined where the table is not there, as in a database of qmail-sql's. */
async function ignoreMissing<T>(work: () => Promise<T[]>): Promise<T[] | undefined> {
  const rows = await ownRows({ execute: work })
  return [...rows]
}
