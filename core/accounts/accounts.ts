/**
 * Facts about accounts, asked for every recipient: one indexed SELECT, a second one for addresses
 * with an extension. `node:sqlite` answers in microseconds and without a thread, so it blocks for less
 * time than handing the question on would take.
 */
import { join } from 'node:path'
import type { StatementSync } from 'node:sqlite'
import { asciiLower, isUtf8 } from '../../protocol/text.ts'
import { WorldUnavailable, type Account, type AccountFacts } from '../plugin/world.ts'
import type { Database } from './database.ts'
import { readDate } from './dates.ts'
import { loginsFrom } from './logins.ts'

/** Bytes a login may have (spec helios 4.1); longer ones are in no table, so longer prefixes need not be asked. */
export const LOGIN_LENGTH = 64

export interface AccountOptions {
  /** The domains of control/locals now, or `me` alone without that file, in lower case. Asked each time, so that a reload counts. */
  locals(): ReadonlySet<string>
  /** Milliseconds since 1970, for start and stop dates. */
  now?(): number
}

interface Row {
  readonly login: string
  readonly virtual_host: string
  readonly home: string | null
  readonly hardquota: number
  readonly startdate: string | null
  readonly stopdate: string | null
  readonly enabled: number
}

/**
 * Accounts of an open database. Lookup (spec helios 5): the exact login in the domain, else for logins with
 * `-` the user before it, longest first. Logins and domains compare without case (ASCII).
 */
export function accountFacts(database: Database, options: AccountOptions): AccountFacts {
  const now = options.now ?? Date.now
  const statements = prepare(database)
  const find = (address: string): Account | undefined => {
    const at = address.lastIndexOf('@')
    if (at <= 0 || !isUtf8(address)) return undefined
    const [local, domain] = [address.slice(0, at), address.slice(at + 1)]
    const row = statements().exact.get(local, domain) ?? findBeforeExtension(statements(), local, domain)
    return row === undefined ? undefined : toAccount(database.home, row as unknown as Row, now())
  }
  const facts = {
    find: (address: string) => answer(() => find(address)),
  }
  return {
    ...facts,
    hasLogin: (login) => answer(() => isUtf8(login) && statements().login.get(login) !== undefined),
    // No address leads to somebody else's account as yet.
    aliases: () => Promise.resolve([]),
    loginsFrom: (ip, since) => loginsFrom(database, facts.find, ip, since),
    hasDomain: (domain) => answer(() => {
      if (options.locals().has(asciiLower(domain))) return true
      return isUtf8(domain) && statements().domain.get(domain) !== undefined
    }),
  }
}

function findBeforeExtension({ prefixes }: Statements, local: string, domain: string): unknown {
  const candidates: string[] = []
  for (let dash = local.lastIndexOf('-', LOGIN_LENGTH); dash > 0; dash = local.lastIndexOf('-', dash - 1)) {
    candidates.push(local.slice(0, dash))
  }
  return candidates.length === 0 ? undefined : prefixes.get(domain, JSON.stringify(candidates))
}

interface Statements {
  readonly exact: StatementSync
  readonly prefixes: StatementSync
  readonly domain: StatementSync
  readonly login: StatementSync
}

// Prepared at the first question: a table that is missing then is an answer that cannot be had, not a failed start.
function prepare({ raw }: Database): () => Statements {
  const columns = 'login, virtual_host, home, hardquota, startdate, stopdate, enabled'
  let prepared: Statements | undefined
  return () => (prepared ??= {
    exact: raw.prepare(`SELECT ${columns} FROM passwd WHERE login = ? AND virtual_host = ?`),
    prefixes: raw.prepare(`SELECT ${columns} FROM passwd
      WHERE virtual_host = ? AND login IN (SELECT value FROM json_each(?)) ORDER BY length(login) DESC LIMIT 1`),
    domain: raw.prepare('SELECT 1 FROM passwd WHERE virtual_host = ? LIMIT 1'),
    login: raw.prepare('SELECT 1 FROM passwd WHERE login = ? LIMIT 1'),
  })
}

function toAccount(home: string, row: Row, now: number): Account {
  const [start, stop] = [readDate(row.startdate), readDate(row.stopdate)]
  // Neither yes nor no: a slip in a date must not bounce the user's mail.
  if (start === 'unreadable' || stop === 'unreadable') {
    const user = `${row.login}@${row.virtual_host}`
    throw new WorldUnavailable(`startdate or stopdate of ${user} in helios.db is not a date such as 2026-01-31 00:00:00`)
  }
  const directory = row.home === null || row.home === '' ? join(home, 'mail', row.virtual_host, row.login) : row.home
  const active = row.enabled !== 0 && (start === undefined || start <= now) && (stop === undefined || now < stop)
  return { login: row.login, domain: row.virtual_host, home: directory, maildir: join(directory, 'Maildir'), quota: row.hardquota, active }
}

async function answer<T>(question: () => T): Promise<T> {
  try {
    return question()
  } catch (error) {
    if (error instanceof WorldUnavailable) throw error
    const reason = error instanceof Error ? error.message : String(error)
    throw new WorldUnavailable(`the account database does not answer: ${reason}`, { cause: error })
  }
}
