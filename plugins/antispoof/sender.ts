/** Which mailbox an address means on this host. */
import type { Session } from '../../core/plugin/index.ts'
import { parseIPv4, parseIPv6 } from '../../protocol/qmail/ip.ts'
import { replaceLocalIp } from '../../protocol/smtp/literal.ts'
import { readMailbox, type Mailbox } from './names.ts'

/** Names of this host, from control files. */
export interface Host {
  readonly me: string
  /** Domain of addresses without one; empty: `me`. */
  readonly envnoathost: string
  /** Stands for an address literal of this host; empty: `me`. */
  readonly localiphost: string
}

/** The mailbox, or undefined for the null sender. A literal of our own address is this host, as it is for recipients. */
export function senderOf(address: string, host: Host, localIp: string | undefined): Mailbox | undefined {
  if (address === '') return undefined
  const named = replaceLocalIp(address, (ip) => isLoopback(ip) || (localIp !== undefined && isSameIp(ip, localIp)), host.localiphost || host.me)
  return readMailbox(named, host.envnoathost || host.me)
}

/** The mailbox of an account. */
export function accountOf(user: string): Mailbox {
  return readMailbox(user, '')
}

/** The people a session may speak for: who has logged in, else nobody, and whoever did so by POP3 or IMAP shortly before. */
export function peopleOf({ auth, logins }: Session): readonly (Mailbox | undefined)[] {
  return auth === undefined ? [undefined, ...logins.map(accountOf)] : [accountOf(auth.user)]
}

function isLoopback(ip: string): boolean {
  return ip.startsWith('127.') || ip === '0.0.0.0' || parseIPv6(ip) === 1n
}

function isSameIp(a: string, b: string): boolean {
  const [six, four] = [parseIPv6(a), parseIPv4(a)]
  return six === undefined ? four !== undefined && four === parseIPv4(b) : six === parseIPv6(b)
}
