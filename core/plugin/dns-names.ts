/** The names of an address, and which of them it may call its own. */
import { parseIPv6 } from '../../protocol/qmail/ip.ts'
import { reverseName } from '../../protocol/dns/name.ts'
import type { DnsAnswer, DnsFacts } from './dns.ts'

export type ConfirmedNames =
  /** Names whose own addresses hold this one, at least one of them. */
  | { readonly kind: 'confirmed'; readonly names: readonly string[] }
  /** The address has no name. */
  | { readonly kind: 'nameless' }
  /** It has names, and none of them leads back to it. */
  | { readonly kind: 'unconfirmed'; readonly names: readonly string[] }
  /** Nobody knows now: of its names, or of the addresses of one that might have confirmed it. */
  | { readonly kind: 'unavailable'; readonly reason: string }

/** Of one address: its owner may list as many as a reply holds. */
const MOST_NAMES = 10
const HOST_NAME = /^[a-z0-9_]([a-z0-9_.-]*[a-z0-9_])?$/

/**
 * Asks for the names of an address and for the addresses of each: a PTR record alone says whatever its owner likes.
 * At most ten names count. Never rejects but as `resolve` does.
 */
export async function confirmedNames(dns: DnsFacts, ip: string): Promise<ConfirmedNames> {
  const reverse = reverseName(ip)
  if (reverse === undefined) return { kind: 'nameless' }
  const found = await dns.resolve(reverse, 'PTR')
  if (found.kind === 'unavailable') return found
  const names = found.kind === 'none' ? [] : [...new Set(found.records.filter((name) => HOST_NAME.test(name)))].slice(0, MOST_NAMES)
  if (names.length === 0) return { kind: 'nameless' }
  const type = ip.includes(':') ? 'AAAA' : 'A'
  const answers = await Promise.all(names.map((name) => dns.resolve(name, type)))
  const confirmed = names.filter((_, index) => holds(answers[index]!, ip))
  if (confirmed.length > 0) return { kind: 'confirmed', names: confirmed }
  return answers.find((answer) => answer.kind === 'unavailable') ?? { kind: 'unconfirmed', names }
}

function holds(answer: DnsAnswer<string>, ip: string): boolean {
  return answer.kind === 'answer' && answer.records.some((address) => sameAddress(address, ip))
}

function sameAddress(a: string, b: string): boolean {
  if (a === b) return true
  const number = parseIPv6(a)
  return number !== undefined && number === parseIPv6(b)
}
