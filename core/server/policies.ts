/** The dialogue's view of a generation, made once for each list and mode. */
import { networkInterfaces } from 'node:os'
import type { Chains, Generation, ListOfLines } from '../host/generation.ts'
import type { Policy } from '../smtp/policy.ts'
import { acceptedBy, rcpthostsFromDatabase, refusalBy, type RecipientFacts } from './recipients.ts'

/** The policy for a session with this environment, or undefined when its plugin list is missing (421, unless NOSPP). */
export function policyFor(
  generation: Generation, env: Readonly<Record<string, string | undefined>>, compat: boolean, accounts?: RecipientFacts,
): Policy | undefined {
  const list = generation.list(env['SPPCONFFILE'])
  if (list === undefined && env['NOSPP'] === undefined) return undefined
  const made = cache.get(generation) ?? new Map<string, Policy>()
  cache.set(generation, made)
  const key = `${compat ? 'compat' : 'hardened'} ${list?.file ?? ''}`
  const known = made.get(key)
  if (known !== undefined) return known
  const policy = makePolicy(generation, list, compat, accounts)
  made.set(key, policy)
  return policy
}

const cache = new WeakMap<Generation, Map<string, Policy>>()

function makePolicy(generation: Generation, list: ListOfLines | undefined, compat: boolean, accounts: RecipientFacts | undefined): Policy {
  const { control } = generation
  const chains: Chains | undefined = compat ? list?.compat : list?.hardened
  const fromDatabase = accounts !== undefined && rcpthostsFromDatabase(control)
  return {
    generation: generation.number,
    me: control.me, greeting: control.smtpgreeting, localiphost: control.localiphost, envnoathost: control.envnoathost,
    databytes: control.databytes,
    lines: (hook) => chains?.[hook] ?? [],
    rcpthosts: fromDatabase ? (address) => acceptedBy(accounts, address) : (address) => control.rcpthosts(address),
    domainsFrom: fromDatabase ? 'rcpthosts_from_db' : 'control/rcpthosts',
    ...(accounts !== undefined && control.qmailconfig.allowedRecipientsFromDb ? { recipientRefusal: (address) => refusalBy(accounts, address, control.envnoathost) } : {}),
    senderListed: list?.replacesBadmailfrom === true ? () => false : (address) => control.badmailfrom(address),
    isOwnIp,
  }
}

function isOwnIp(ip: string): boolean {
  if (ip === '0.0.0.0') return true
  return Object.values(networkInterfaces()).some((entries) => entries?.some((entry) => entry.address === ip) === true)
}
