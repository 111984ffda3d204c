/** Names in the Domain Name System, as texts with dots (RFC 1035 section 2.3). */
import { parseIPv4, parseIPv6 } from '../qmail/ip.ts'
import { asciiLower } from '../text.ts'

/** Characters that a question may hold: RFC 2181 section 11 allows any byte. A blank is what `%_` in an SPF record asks for. */
const LABEL = /^[ -[\]-~]{1,63}$/
/** 255 bytes on the wire are 253 characters. */
const LONGEST = 253

/**
 * The name in lower case and without the dot at its end; undefined when it cannot stand in a question: an empty or
 * overlong label, more than 253 characters, anything but printable ASCII, or a backslash, which resolvers read as an escape.
 */
export function questionName(text: string): string | undefined {
  const name = text.endsWith('.') ? text.slice(0, -1) : text
  if (name.length > LONGEST) return undefined
  return name.split('.').every((label) => LABEL.test(label)) ? asciiLower(name) : undefined
}

/**
 * The labels of an address from the last one to the first, without any zone: `1.2.0.192` for 192.0.2.1 (RFC 5782
 * section 2.1), 32 nibbles for IPv6 (section 2.4). Undefined when the text is no address.
 */
export function reversedAddress(ip: string): string | undefined {
  if (parseIPv4(ip) !== undefined) return ip.split('.').map(Number).toReversed().join('.')
  const value = parseIPv6(ip)
  return value === undefined ? undefined : [...value.toString(16).padStart(32, '0')].toReversed().join('.')
}

/** Where an address's PTR records stand (RFC 1035 section 3.5, RFC 3596 section 2.5); undefined when it is none. */
export function reverseName(ip: string): string | undefined {
  const labels = reversedAddress(ip)
  return labels === undefined ? undefined : `${labels}.${ip.includes(':') ? 'ip6' : 'in-addr'}.arpa`
}
