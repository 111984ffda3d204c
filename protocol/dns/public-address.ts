/** Which addresses other hosts can reach at all. */
import { inNetworks, parseNetwork } from '../network.ts'

/**
 * RFC 6890's registry of special addresses, as far as nobody can be a mail server for others there: this host and
 * network, private, shared (RFC 6598), loopback, link-local, protocol assignments, benchmarks, multicast, reserved. The
 * networks of documentation are not among them: who writes those in a zone does it in a test.
 */
const NOWHERE = [
  '0.0.0.0/8', '10.0.0.0/8', '100.64.0.0/10', '127.0.0.0/8', '169.254.0.0/16', '172.16.0.0/12', '192.0.0.0/24', '192.168.0.0/16', '198.18.0.0/15',
  '224.0.0.0/4', '240.0.0.0/4', '::/127', '100::/64', 'fc00::/7', 'fe80::/10', 'ff00::/8',
].flatMap((text) => parseNetwork(text) ?? [])

/** False for an address in one of those networks; an IPv4 address in its IPv6 form is IPv4. */
export function isPublicAddress(ip: string): boolean {
  return !inNetworks(NOWHERE, ip)
}
