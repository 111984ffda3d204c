/** Whether a name that a client gave can be what it says it is: the domain of a mailbox, or a host. */
import { isPublicAddress } from '../../protocol/dns/public-address.ts'
import { literalAddress } from '../../protocol/smtp/literal.ts'
import type { DnsAnswer, DnsFacts, DnsRecords } from './dns.ts'

export type DomainFinding =
  /** It has mail exchangers, or addresses. */
  | { readonly kind: 'exists' }
  | { readonly kind: 'missing' }
  /** It says that it takes no mail (RFC 7505), so nothing can be answered. */
  | { readonly kind: 'null-mx' }
  /** Only with `reach`: there is no way to it but loopback, private networks and the like. */
  | { readonly kind: 'unreachable' }
  | { readonly kind: 'unavailable'; readonly reason: string }

/** Of one domain: its owner may list as many as a reply holds. */
const MOST_EXCHANGERS = 10

/**
 * Asks as a server with mail for the domain would (RFC 5321 section 5.1): for its mail exchangers, and where it has none
 * for its addresses. With `reach` the exchangers too must have an address that others can reach; the ten with the lowest
 * numbers count. An address literal, `[192.0.2.1]`, exists when it is well-formed. Never rejects but as `resolve` does.
 */
export async function mailDomain(dns: DnsFacts, domain: string, reach: boolean): Promise<DomainFinding> {
  if (domain.startsWith('[')) return ofLiteral(domain, reach)
  const found = await dns.resolve(domain, 'MX')
  if (found.kind === 'unavailable') return found
  if (found.kind === 'none') return found.nxdomain ? { kind: 'missing' } : hostAddress(dns, domain, reach)
  const exchangers = found.records.filter(({ exchange }) => exchange !== '').toSorted((a, b) => a.priority - b.priority)
  if (exchangers.length === 0) return { kind: 'null-mx' }
  return reach ? reachAny(dns, exchangers) : { kind: 'exists' }
}

/** Asks for the addresses of a host; a literal is one. With `reach` one of them must be such that others can reach it. */
export async function hostAddress(dns: DnsFacts, host: string, reach: boolean): Promise<DomainFinding> {
  if (host.startsWith('[')) return ofLiteral(host, reach)
  const answers: readonly DnsAnswer<string>[] = await Promise.all([dns.resolve(host, 'A'), dns.resolve(host, 'AAAA')])
  const addresses = answers.flatMap((answer) => (answer.kind === 'answer' ? answer.records : []))
  if (addresses.length > 0 && (!reach || addresses.some(isPublicAddress))) return { kind: 'exists' }
  const unavailable = answers.find((answer) => answer.kind === 'unavailable')
  if (unavailable !== undefined) return unavailable
  return { kind: addresses.length === 0 ? 'missing' : 'unreachable' }
}

function ofLiteral(literal: string, reach: boolean): DomainFinding {
  const ip = literalAddress(literal)
  if (ip === undefined) return { kind: 'missing' }
  return { kind: reach && !isPublicAddress(ip) ? 'unreachable' : 'exists' }
}

/** One after the other: mostly the first will do. */
async function reachAny(dns: DnsFacts, exchangers: readonly DnsRecords['MX'][]): Promise<DomainFinding> {
  let unavailable: DomainFinding | undefined
  for (const { exchange } of exchangers.slice(0, MOST_EXCHANGERS)) {
    const found = await hostAddress(dns, exchange, true)
    if (found.kind === 'exists') return found
    if (found.kind === 'unavailable') unavailable ??= found
  }
  return unavailable ?? { kind: 'unreachable' }
}
