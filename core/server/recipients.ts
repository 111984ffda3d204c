/** What the account database says of a recipient at RCPT, where qmailconfig lets it: `rcpthosts_from_db`, `allowed_recipients_from_db`. */
import type { Control } from '../../config/control.ts'
import { domainOf } from '../../protocol/smtp/path.ts'
import type { AccountFacts } from '../plugin/world.ts'
import type { RecipientRefusal, Unknown } from '../smtp/policy.ts'

export interface RecipientFacts {
  readonly facts: AccountFacts
  /** True when the database has the address' domain. Rejects with WorldUnavailable. */
  accepts(address: string): Promise<boolean>
}

/** The database takes the place of rcpthosts while that file is not there. */
export function rcpthostsFromDatabase({ qmailconfig, read, unreadable }: Control): boolean {
  return qmailconfig.rcpthostsFromDb && read('rcpthosts') === undefined && !unreadable.has('rcpthosts')
}

/** As qmail with the file, an address without a domain is always taken. Never rejects. */
export async function acceptedBy(accounts: RecipientFacts, address: string): Promise<boolean | Unknown> {
  if (domainOf(address) === undefined) return true
  return accounts.accepts(address).catch((cause: unknown) => ({ unknown: reasonOf(cause) }))
}

/** The refusal of an address in a domain of ours that nobody has. Never rejects. */
export async function refusalBy({ facts }: RecipientFacts, address: string, envnoathost: string): Promise<RecipientRefusal | undefined> {
  const domain = domainOf(address) ?? envnoathost
  try {
    if (!await facts.hasDomain(domain)) return undefined
    const takers = await facts.takers(domainOf(address) === undefined ? `${address}@${domain}` : address)
    if (takers.length === 0) return { reply: '550 sorry, no mailbox here by that name (#5.1.1)' }
    return takers.some(({ active }) => active) ? undefined : { reply: '550 sorry, that mailbox is disabled (#5.2.1)' }
  } catch (cause) {
    return { reply: '451 sorry, whether that mailbox exists is not known now (#4.3.0)', reason: reasonOf(cause) }
  }
}

function reasonOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause)
}
