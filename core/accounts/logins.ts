/**
 * The log of logins by POP3 and IMAP: which account from which address, and when last. What `AUTHEXPIRE` goes by
 * (the Helios manual, chapter 2 section 2.1.1; spec helios 6).
 */
import { isIPv6, SocketAddress } from 'node:net'
import { unmapIPv4 } from '../../protocol/qmail/ip.ts'
import { defineTable } from '../plugin/table.ts'
import type { AccountFacts, Login } from '../plugin/world.ts'
import { tablesOf, type TableDatabase } from './tables.ts'

export const LOGINS = defineTable({
  name: 'logins', about: 'The last login by POP3 or IMAP of each account from each address.',
  // An IPv6 address may name its interface. `seen`: seconds since 1970.
  columns: { ip: { text: 64 }, login: { text: 64 }, domain: { text: 64 }, seen: 'integer' },
  key: ['ip', 'login', 'domain'], account: { login: 'login', domain: 'domain' },
})

/** Days a login is kept: longer than any AUTHEXPIRE that somebody means. */
const KEPT_DAYS = 31

export interface RecordedLogin extends Login {
  readonly ip: string
}

/**
 * Notes that an account has shown its password. For the services that check passwords of mailboxes: POP3 and IMAP.
 *
 * @param account `login@domain` as the database has it
 * @param at milliseconds since 1970
 * Rejects with `WorldUnavailable`; the login itself need not fail for that.
 */
export async function recordLogin(database: TableDatabase, { ip, account, at }: RecordedLogin): Promise<void> {
  const place = account.lastIndexOf('@')
  const key = { ip: plainIp(ip), login: account.slice(0, place), domain: account.slice(place + 1) }
  const seconds = Math.floor(at / 1000)
  let isNew = false
  await tablesOf(database).change(LOGINS, key, (row) => {
    isNew = row === undefined
    return { ...key, seen: Math.max(seconds, row?.seen ?? 0) }
  })
  if (isNew) await forgetOld(database, seconds - KEPT_DAYS * 86_400)
}

/** Logins in the log, the newest first. */
export async function listLogins(database: TableDatabase, ip?: string): Promise<readonly RecordedLogin[]> {
  const rows = await tablesOf(database).find(LOGINS, ip === undefined ? {} : { ip: plainIp(ip) })
  return rows.map((row) => ({ ip: row.ip, account: `${row.login}@${row.domain}`, at: row.seen * 1000 })).toSorted((a, b) => b.at - a.at)
}

/** `AccountFacts.loginsFrom`: a login counts no longer than its account does. */
export async function loginsFrom(database: TableDatabase, find: AccountFacts['find'], ip: string, since: number): Promise<readonly Login[]> {
  const recent = (await listLogins(database, ip)).filter(({ at }) => at >= since)
  const found = await Promise.all(recent.map(async ({ account, at }) => ({ account, at, active: (await find(account))?.active === true })))
  return found.filter(({ active }) => active).map(({ account, at }) => ({ account, at }))
}

/** Takes the logins from an address off the log, and tells how many there were. */
export async function forgetLogins(database: TableDatabase, ip: string): Promise<number> {
  const tables = tablesOf(database)
  const rows = await tables.find(LOGINS, { ip: plainIp(ip) })
  for (const { seen: _, ...key } of rows) await tables.change(LOGINS, key, () => undefined)
  return rows.length
}

/** One spelling for each address. */
function plainIp(text: string): string {
  const ip = unmapIPv4(text)
  if (!isIPv6(ip) || ip.includes('%')) return ip
  return new SocketAddress({ address: ip, family: 'ipv6' }).address
}

async function forgetOld({ write }: TableDatabase, before: number): Promise<void> {
  await write.withTables<{ helios_logins: { seen: number } }>().deleteFrom('helios_logins').where('seen', '<', before).execute()
}
