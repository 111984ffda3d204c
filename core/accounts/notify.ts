/**
 * Settings of new-mail notification (the Helios manual, chapter 3 section 5): from which Jabber account a user is told of new mail, and where.
 * A group of users is written with `[:all:]` for login, domain or both. Of what a user's own row leaves open the narrowest group's counts.
 */
import { changed, insertNew, ownRows } from './changes.ts'
import type { Database } from './database.ts'
import { refusal } from './errors.ts'
import { checkAddress, domainIn } from './names.ts'
import { isTrue } from './schema.ts'
import { requireUser } from './users.ts'

/** One row. Never the password. */
export interface NotifySettings {
  /** `login@domain`, each perhaps `[:all:]`. */
  readonly user: string
  readonly enabled: boolean
  /** The Jabber account that sends; null where a wider group says, or nobody. */
  readonly jid: string | null
  readonly hasPassword: boolean
  readonly sendTo: string | null
}

/** What is not said stays. */
export interface NotifyChange {
  readonly enabled?: boolean
  /** With another account goes another password: the old one is forgotten. */
  readonly jid?: string
  readonly password?: string
  readonly sendTo?: string
}

/** What becomes of a notification to a user. */
export type NotifyPlan =
  | { readonly outcome: 'sent'; readonly jid: string; readonly sendTo: string; readonly by: readonly string[] }
  /** Nobody has set anything. */
  | { readonly outcome: 'none' }
  | { readonly outcome: 'off'; readonly by: readonly string[] }
  | { readonly outcome: 'incomplete'; readonly missing: readonly ('jid' | 'password' | 'send-to')[]; readonly by: readonly string[] }

export const EVERY = '[:all:]'

interface Owner {
  readonly login: string
  readonly domain: string
}

/** Makes or changes a row. Throws HeliosError: `unknown-user`, `bad-address`, `bad-jid`, `bad-password`, `nothing-said`. */
export async function setNotify(database: Database, user: string, change: NotifyChange): Promise<NotifySettings> {
  const owner = await existing(database, user)
  const values = await valuesOf(database, owner, change)
  if (Object.keys(values).length === 0) throw refusal('nothing-said', 'nothing to set was named', 'name an account to send from, an address to send to, or on or off')
  const added = await insertNew(() => database.write.insertInto('helios_notify').values({ enabled: 1, jid: null, password: null, send_to: null, ...owner, ...values }).execute())
  if (!added) await changed(() => database.write.updateTable('helios_notify').set(values).where('login', '=', owner.login).where('domain', '=', owner.domain).execute())
  return (await rowOf(database, owner))!
}

async function valuesOf(database: Database, owner: Owner, { enabled, jid, password, sendTo }: NotifyChange) {
  const before = await rowOf(database, owner)
  const account = jid === undefined ? undefined : checkJid(jid)
  // It would be shown to the server of whoever was named anew.
  const forget = account !== undefined && account !== before?.jid
  return {
    ...enabled === undefined ? {} : { enabled: enabled ? 1 : 0 },
    ...account === undefined ? {} : { jid: account },
    ...password === undefined ? forget ? { password: null } : {} : { password: checkSecret(password) },
    ...sendTo === undefined ? {} : { send_to: checkJid(sendTo, false) },
  }
}

/** One row; undefined where nobody has set anything. Throws HeliosError for what can be no user. */
export async function readNotify(database: Database, user: string): Promise<NotifySettings | undefined> {
  return rowOf(database, notifyOwner(user))
}

/** All rows, groups first. */
export async function listNotify(database: Database): Promise<readonly NotifySettings[]> {
  const rows = await ownRows(database.write.selectFrom('helios_notify').select(['login', 'domain', 'enabled', 'jid', 'password', 'send_to']).orderBy('domain').orderBy('login'))
  return rows.map(settingsOf)
}

/** Throws HeliosError `unknown-notify` where there is no row. */
export async function deleteNotify(database: Database, user: string): Promise<NotifySettings> {
  const owner = notifyOwner(user)
  const before = await rowOf(database, owner)
  if (before === undefined) throw refusal('unknown-notify', `nothing is set for ${nameOf(owner)}`, '"helios notify show" shows what is')
  await changed(() => database.write.deleteFrom('helios_notify').where('login', '=', owner.login).where('domain', '=', owner.domain).execute())
  return before
}

/** What would become of a notification. Throws HeliosError `unknown-user`. */
export async function notifyPlan(database: Database, address: string): Promise<NotifyPlan> {
  const { login, domain } = await requireUser(database, address)
  const owners = [{ login, domain }, { login: EVERY, domain }, { login, domain: EVERY }, { login: EVERY, domain: EVERY }]
  const rows: NotifySettings[] = []
  for (const owner of owners) {
    const row = await rowOf(database, owner)
    if (row !== undefined) rows.push(row)
  }
  const [narrowest] = rows
  if (narrowest === undefined) return { outcome: 'none' }
  if (!narrowest.enabled) return { outcome: 'off', by: [narrowest.user] }
  const [from, to] = [rows.find(({ jid }) => jid !== null), rows.find(({ sendTo }) => sendTo !== null)]
  const by = [...new Set([narrowest, from, to].flatMap((row) => row?.user ?? []))]
  const [jid, sendTo] = [from?.jid ?? undefined, to?.sendTo ?? undefined]
  if (jid !== undefined && sendTo !== undefined && from?.hasPassword === true) return { outcome: 'sent', jid, sendTo, by }
  return {
    outcome: 'incomplete', by,
    missing: [...from === undefined ? ['jid' as const] : [], ...from?.hasPassword === false ? ['password' as const] : [], ...to === undefined ? ['send-to' as const] : []],
  }
}

async function existing(database: Database, user: string): Promise<Owner> {
  const owner = notifyOwner(user)
  if (owner.login !== EVERY && owner.domain !== EVERY) await requireUser(database, user)
  return owner
}

/** Whose row it is, in lower case. Throws HeliosError for what can be no user. `[:any:]` is read for `[:all:]`, as the manual writes both. */
export function notifyOwner(text: string): Owner {
  const at = text.lastIndexOf('@')
  const [login, domain] = [text.slice(0, Math.max(at, 0)), text.slice(at + 1)].map((part) => /^\[:a(?:ll|ny):\]$/i.test(part) ? EVERY : part) as [string, string]
  const known = checkAddress(`${login === EVERY ? 'x' : login}@${domain === EVERY ? 'x' : domain}`)
  return { login: login === EVERY ? EVERY : known.login, domain: domain === EVERY ? EVERY : known.domain }
}

async function rowOf(database: Database, { login, domain }: Owner): Promise<NotifySettings | undefined> {
  const [row] = await ownRows(database.write.selectFrom('helios_notify').select(['login', 'domain', 'enabled', 'jid', 'password', 'send_to'])
    .where('login', '=', login).where('domain', '=', domain))
  return row === undefined ? undefined : settingsOf(row)
}

function settingsOf(row: { login: string; domain: string; enabled: unknown; jid: string | null; password: string | null; send_to: string | null }): NotifySettings {
  return { user: nameOf(row), enabled: isTrue(row.enabled), jid: row.jid, hasPassword: row.password !== null && row.password !== '', sendTo: row.send_to }
}

function nameOf({ login, domain }: Owner): string {
  return `${login}@${domain}`
}

/** RFC 7622 as far as a slip of the pen goes: `local@domain/resource`, where only an address to send to may lack the local part. Throws HeliosError `bad-jid`. */
export function checkJid(text: string, account = true): string {
  const [, local, domain] = /^(?:([^"&'/:<>@\s]+)@)?([^"&'/:<>@\s]+)(?:\/\S+)?$/.exec(text) ?? []
  if (domain !== undefined && (local !== undefined || !account) && text.length <= 255 && domainIn(domain) !== undefined) return text
  throw refusal('bad-jid', `"${text}" is not a Jabber address`, account ? 'write login@server, such as ann@jabber.example' : 'write login@server, such as ann@jabber.example, or the name of a gateway')
}

function checkSecret(password: string): string {
  // oxlint-disable-next-line no-control-regex -- exactly these are meant
  if (password !== '' && password.length <= 255 && !/[\x00\r\n]/.test(password) && password.isWellFormed()) return password
  throw refusal('bad-password', 'the password is empty, has a line end or a NUL, is not UTF-8, or is longer than 255 characters', 'give the password of the Jabber account')
}
