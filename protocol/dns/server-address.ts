/** The address of a name server as people write it. */
import { parseIPv4, parseIPv6 } from '../qmail/ip.ts'

/** True for `192.0.2.53`, `192.0.2.53:5353`, `2001:db8::53`, `[2001:db8::53]` and `[2001:db8::53]:5353`. */
export function isServerAddress(text: string): boolean {
  if (parseIPv6(text) !== undefined) return true
  const parts = /^(?:\[([^\]]*)\]|([0-9.]+))(?::([1-9][0-9]{0,4}))?$/.exec(text)
  if (parts === null) return false
  const [, six, four, port] = parts
  if (port !== undefined && Number(port) > 65_535) return false
  return six === undefined ? parseIPv4(four!) !== undefined : parseIPv6(six) !== undefined
}
