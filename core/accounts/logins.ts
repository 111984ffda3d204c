/**
 * The log of logins by POP3 and IMAP: which account from which address, and when last. What `AUTHEXPIRE` goes by
 * (the Helios manual, chapter 2 section 2.1.1; spec helios 6).
 */
import { unmapIPv4 } from '../../protocol/qmail/ip.ts'
import { defineTable } from '../plugin/table.ts'
import type { AccountFacts, Login } from '../plugin/world.ts'
import { tablesOf, type TableDatabase } from './tables.ts'

export const LOGINS = defineTable({
  name: 'logins', about: 'The last login by POP3 or IMAP of each account from each address.',
  // An IPv6 address may name its interface. `seconds` since 1970.
  columns: { ip: { text: 64 }, login: { text: 64 }, virtual_host: { text: 64 }, seconds: 'integer' },
  key: ['ip', 'login', 'virtual_host'],
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
  const key = { ip: unmapIPv4(ip), login: account.slice(0, place), virtual_host: account.slice(place + 1) }
  const seconds = Math.floor(at / 1000)
  let isNew = false
  await tablesOf(database).change(LOGINS, key, (row) => {
    isNew = row === undefined
    return { ...key, seconds: Math.max(seconds, row?.seconds ?? 0) }
  })
  if (isNew) await forgetOld(database, seconds - KEPT_DAYS * 86_400)
}

/** Logins in the log, the newest first. */
export async function listLogins(database: TableDatabase, ip?: string): Promise<readonly RecordedLogin[]> {
  const rows = await tablesOf(database).find(LOGINS, ip === undefined ? {} : { ip: unmapIPv4(ip) })
  return rows.map((row) => ({ ip: row.ip, account: `${row.login}@${row.virtual_host}`, at: row.seconds * 1000 })).toSorted((a, b) => b.at - a.at)
}

/** `AccountFacts.loginsFrom`: a login counts no longer than its account does. */
export async function loginsFrom(database: TableDatabase, find: AccountFacts['find'], ip: string, since: number): Promise<readonly Login[]> {
  const recent = (await listLogins(database, ip)).filter(({ at }) => at >= since)
  const found = await Promise.all(recent.map(async ({ account, at }) => ({ account, at, active: (await find(account))?.active === true })))
  return found.filter(({ active }) => active).map(({ account, at }) => ({ account, at }))
}

async function forgetOld({ sql }: TableDatabase, before: number): Promise<void> {
  await sql.withTables<{ logins: { seconds: number } }>().deleteFrom('logins').where('seconds', '<', before).execute()
}
