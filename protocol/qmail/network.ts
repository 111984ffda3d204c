/** The network a client stands in, for what treats neighbours alike: 24 bits of an IPv4 address, 64 of an IPv6 one. */
import { parseIPv4, parseIPv6 } from './ip.ts'

/** `192.0.2.0/24`, `2001:db8:0:1::/64`; a text that is no address as it is. */
export function networkOf(ip: string): string {
  const four = parseIPv4(ip)
  if (four !== undefined) return `${[four >>> 24, (four >>> 16) & 255, (four >>> 8) & 255].join('.')}.0/24`
  const six = parseIPv6(ip.split('%', 1)[0]!)
  if (six === undefined) return ip
  const groups = [112n, 96n, 80n, 64n].map((shift) => ((six >> shift) & 0xffffn).toString(16))
  return `${groups.join(':')}::/64`
}
