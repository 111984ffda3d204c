/**
 * Many failed logins of one account, or from one network, as an operator reads of them: once for each, and again at ten times as many
 * (core/smtp/login-throttle.ts). A name that is no account's is not said, for some are passwords that slipped.
 */
import type { Logger } from '../log.ts'
import type { Authenticator } from '../smtp/auth.ts'
import type { Siege, Sieges } from '../smtp/login-throttle.ts'
import { printable } from '../trace/printable.ts'

export interface Besieged {
  /** For the fields of the line. */
  readonly who: Readonly<Record<string, string>>
  /** As people write it. */
  readonly network: string
  /** What the client called itself. */
  readonly name: string
  readonly sieges: Sieges
}

const FROM_NETWORK = '(if nobody of yours is there, keep it out with deny in control/smtp-tcprules, or with a firewall)'
const AGAINST_ACCOUNT = '(a good password bears that: "helios user passwd ACCOUNT --generate" makes one; the lines "login failed" have the addresses)'
const AGAINST_NOBODY = '(no account is in danger; the lines "login failed" have the addresses)'

/** Never rejects. */
export async function tellSieges(log: Pick<Logger, 'warn'>, accounts: Pick<Authenticator, 'addressOf'>, { who, network, name, sieges }: Besieged, now = Date.now()): Promise<void> {
  if (sieges.network !== undefined) {
    const { said, fields } = described(sieges.network, now)
    log.warn({ ...who, network, ...fields }, `many failed logins from ${printable(network)}: ${said}; each further try from there waits ${FROM_NETWORK}`)
  }
  if (sieges.account === undefined) return
  const { said, fields } = described(sieges.account, now)
  const account = await accounts.addressOf(name).catch(() => 'unknown' as const)
  if (account === undefined) {
    log.warn({ ...who, ...fields }, `many failed logins as somebody who is not here: ${said}; each further try waits ${AGAINST_NOBODY}`)
  } else if (account === 'unknown') {
    log.warn({ ...who, ...fields }, `many failed logins as one and the same, and the account database does not say whether that is an account: ${said}; each further try waits`)
  } else {
    log.warn({ ...who, account, ...fields },
      `many failed logins as ${printable(account)}: ${said}; each further try waits, but for networks that account logged in from before ${AGAINST_ACCOUNT.replace('ACCOUNT', printable(account))}`)
  }
}

function described({ failures, lasted }: Siege, now: number): { readonly said: string; readonly fields: { readonly failures: number; readonly since: string } } {
  const since = new Date(now - lasted).toISOString()
  return { said: `${failures} since ${since}`, fields: { failures, since } }
}
