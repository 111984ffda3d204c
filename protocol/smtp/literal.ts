/** Address literals in the domain's place: `user@[192.0.2.1]` (RFC 5321 4.1.3). */
import { parseIPv6 } from '../qmail/ip.ts'

export interface LocalLiterals {
  /** `192.0.2.1`, or what stands behind `IPv6:`, in lower case. */
  isOwnIp(ip: string): boolean
  /** Name that takes the place of the literal (control/localiphost). */
  readonly localiphost: string
}

/**
 * `user@[IP]` becomes `user@localiphost` where the IP is one of ours; every other address comes back as it was.
 * The last `@` counts, and the literal must be the whole rest (spp-protocol 8.2). Never throws.
 */
export function replaceLocalIp(address: string, isOwnIp: (ip: string) => boolean, localiphost: string): string {
  const at = address.lastIndexOf('@')
  if (at === -1 || address[at + 1] !== '[') return address
  const ip = ipOf(address.slice(at + 1))
  return ip !== undefined && isOwnIp(ip) ? address.slice(0, at + 1) + localiphost : address
}

/** The address in a literal such as `[192.0.2.1]` or `[IPv6:2001:db8::1]`, lower case; undefined when it is none (RFC 5321 4.1.3). */
export function literalAddress(literal: string): string | undefined {
  const ip = ipOf(literal)
  return ip === undefined || (ip.includes(':') && parseIPv6(ip) === undefined) ? undefined : ip
}

function ipOf(literal: string): string | undefined {
  const six = /^\[IPv6:([0-9a-f:.]{2,45})\]$/i.exec(literal)
  if (six !== null) return six[1]!.toLowerCase()
  const four = /^\[([0-9]{1,3})\.([0-9]{1,3})\.([0-9]{1,3})\.([0-9]{1,3})\]$/.exec(literal)
  if (four === null) return undefined
  const octets = four.slice(1).map(Number)
  return octets.every((octet) => octet <= 255) ? octets.join('.') : undefined
}
