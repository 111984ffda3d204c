/**
 * Relaying after a login by POP3 or IMAP (`AUTHEXPIRE`, the Helios manual, chapter 2 section 2.1.1; spec helios 6): a client
 * from whose address somebody logged in not long ago begins its session as if a TCP rule had set RELAYCLIENT. Decided once,
 * from what the connection begins with, so that no plugin's `S` has a say.
 */
import { authExpireMinutes } from '../../config/auth-expire.ts'
import { printLogins } from '../plugin/accounts-print.ts'
import type { AccountFacts } from '../plugin/world.ts'
import type { SessionTrace } from '../trace/types.ts'

export interface RelayStart {
  /** Accounts whose login counts. */
  readonly logins: readonly string[]
  /** Nobody could say: what would be refused for want of a login is put off. */
  readonly unknown: boolean
}

export interface RelayQuestion {
  /** The environment of the connection: smtpconfig and TCP rules. Gets RELAYCLIENT where a login counts. */
  readonly env: Record<string, string>
  readonly ip: string
  readonly accounts: Pick<AccountFacts, 'loginsFrom'>
  /** Milliseconds since 1970. */
  readonly now: number
  readonly trace: Pick<SessionTrace, 'add'>
}

const NOTHING: RelayStart = { logins: [], unknown: false }

/** At once where nobody has asked for it. Never rejects. */
export function relayAfterLogin(question: RelayQuestion): RelayStart | Promise<RelayStart> {
  const minutes = authExpireMinutes(question.env['AUTHEXPIRE'])
  return minutes === undefined ? NOTHING : loginsOf(question, question.now - minutes * 60_000)
}

async function loginsOf({ env, ip, accounts, trace }: RelayQuestion, since: number): Promise<RelayStart> {
  const begun = performance.now()
  const record = (answer: string): void => trace.add({
    event: 'fact', plugin: 'AUTHEXPIRE', question: `accounts.loginsFrom ${ip} ${since}`, answer, ms: Math.round((performance.now() - begun) * 1000) / 1000,
  })
  try {
    const logins = await accounts.loginsFrom(ip, since)
    record(printLogins(logins))
    if (logins.length === 0) return NOTHING
    // What a rule says of RELAYCLIENT stands: it may append something to recipients.
    env['RELAYCLIENT'] ??= ''
    return { logins: logins.map(({ account }) => account), unknown: false }
  } catch (error) {
    record(error instanceof Error ? `${error.name}: ${error.message}` : String(error))
    return { logins: [], unknown: env['RELAYCLIENT'] === undefined }
  }
}
