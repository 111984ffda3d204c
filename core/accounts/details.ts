/** Everything that is known of a user: the row, what belongs to it elsewhere, and its mailbox. Never a password or a hash. */
import { mailboxUse, type MailboxUse } from '../mailbox/use.ts'
import { asciiLower } from '../../protocol/text.ts'
import { WorldUnavailable } from '../plugin/world.ts'
import { accountFacts, accountOf, type AccountOptions } from './accounts.ts'
import { ownRows } from './changes.ts'
import type { Database } from './database.ts'
import { refusal } from './errors.ts'
import { LOGINS } from './logins.ts'
import { checkAddress } from './names.ts'
import { notifyPlan, type NotifyPlan } from './notify.ts'
import { schemeOf, type Scheme } from './passwords/texts.ts'
import { isTrue } from './schema.ts'
import { tablesOf } from './tables.ts'

export interface UserDetails {
  readonly login: string
  readonly domain: string
  readonly home: string
  readonly maildir: string
  readonly enabled: boolean
  /** Enabled, and between its dates; `unreadable` for a date that is none. */
  readonly active: boolean | 'unreadable'
  /** As the database has it, UTC; null for none. */
  readonly startdate: string | null
  readonly stopdate: string | null
  readonly lastlogin: string | null
  /** How the password is kept. */
  readonly password: Scheme
  /** Bytes, 0 for no limit. */
  readonly quota: number
  /** Null where there is none, the system's word (`EACCES`) where it cannot be read. */
  readonly mailbox: MailboxUse | string | null
  /** Addresses besides its own that lead here, and whose catch-all does. */
  readonly aliases: readonly string[]
  /** Dot-qmail texts, used or not, by extension. */
  readonly dotqmail: { readonly used: boolean; readonly texts: readonly { readonly extension: string; readonly text: string }[] }
  /** What becomes of a notification of new mail. */
  readonly notify: NotifyPlan
  /** Logins by POP3 and IMAP, the newest first; `at` in milliseconds since 1970. */
  readonly logins: readonly { readonly ip: string; readonly at: number }[]
}

/** Somebody's name as an operator typed it, and who is meant. */
export interface Found {
  /** `user`: of this very name. `address`: an alias or an extension that leads to them. `login`: everybody of this login. `nobody`. */
  readonly by: 'user' | 'address' | 'login' | 'nobody'
  /** `login@domain` each. */
  readonly users: readonly string[]
}

/** Whom a name means: a user, an address that leads to users, or a login without a domain. Rejects with WorldUnavailable. */
export async function findUsers(database: Database, name: string, options: AccountOptions): Promise<Found> {
  if (!name.includes('@')) {
    const rows = await database.write.selectFrom('passwd').select(['login', 'virtual_host']).where('login', 'in', [name, asciiLower(name)]).orderBy('virtual_host').execute()
    // Rows without a domain are no addresses.
    const users = rows.filter((row) => asciiLower(row.login) === asciiLower(name) && (row.virtual_host as string | null ?? '') !== '').map((row) => `${row.login}@${row.virtual_host}`)
    return { by: users.length === 0 ? 'nobody' : 'login', users }
  }
  const users = (await accountFacts(() => database, options).takers(name)).map(({ login, domain }) => `${login}@${domain}`)
  if (users.length === 0) return { by: 'nobody', users }
  return { by: users.length === 1 && users[0] === asciiLower(name) ? 'user' : 'address', users }
}

/** Throws HeliosError `unknown-user`, or for what cannot be an address. */
export async function userDetails(database: Database, address: string): Promise<UserDetails> {
  const { login, domain } = checkAddress(address)
  const row = await database.write.selectFrom('passwd')
    .select(['login', 'virtual_host', 'home', 'hardquota', 'startdate', 'stopdate', 'enabled', 'use_dotqmail', 'lastlogin', 'password'])
    .where('login', '=', login).where('virtual_host', '=', domain).executeTakeFirst()
  if (row === undefined) throw refusal('unknown-user', `there is no user ${login}@${domain}`, `"helios finger ${login}@${domain}" also looks at aliases and extensions`)
  const { home, maildir } = accountOf(database, { ...row, startdate: null, stopdate: null }, domain, 0)
  const texts = await database.write.selectFrom('dotqmails').select(['extension', 'dotqmail as text'])
    .where('login', '=', login).where('virtual_host', '=', domain).orderBy('extension').execute()
  const logins = await tablesOf(database).find(LOGINS, { login, domain })
  return {
    login, domain, home, maildir, enabled: isTrue(row.enabled), active: activeNow(database, row, domain),
    startdate: row.startdate, stopdate: row.stopdate, lastlogin: row.lastlogin, password: schemeOf(row.password), quota: Number(row.hardquota ?? 0),
    mailbox: await lookInto(maildir), aliases: await addressesTo(database, `${login}@${domain}`), dotqmail: { used: isTrue(row.use_dotqmail), texts: texts.map(({ extension, text }) => ({ extension, text })) },
    notify: await notifyPlan(database, `${login}@${domain}`),
    logins: logins.map(({ ip, seen }) => ({ ip, at: seen * 1000 })).toSorted((a, b) => b.at - a.at),
  }
}

function activeNow(database: Database, row: Parameters<typeof accountOf>[1], domain: string): UserDetails['active'] {
  try {
    return accountOf(database, row, domain, Date.now()).active
  } catch (error) {
    if (error instanceof WorldUnavailable) return 'unreadable'
    throw error
  }
}

async function lookInto(maildir: string): Promise<UserDetails['mailbox']> {
  try {
    return await mailboxUse(maildir) ?? null
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? String(error)
  }
}

async function addressesTo(database: Database, address: string): Promise<readonly string[]> {
  const named = await accountFacts(() => database, { locals: () => new Set() }).aliases(address)
  const catchAlls = await ownRows(database.write.selectFrom('helios_aliases').select('domain').distinct().where('login', '=', '').where('target', 'in', [address, ...named]))
  return [...named, ...catchAlls.map(({ domain }) => `@${domain}`).toSorted()]
}
