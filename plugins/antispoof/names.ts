/** Addresses as antispoof compares them: without ASCII case, and a domain written in several ways is one. */
import { asciiLower, isAscii } from '../../protocol/text.ts'

/** An address in its parts, in the form that is compared. */
export interface Mailbox {
  readonly login: string
  readonly domain: string
}

/** `joe@local.example`. */
export function printMailbox({ login, domain }: Mailbox): string {
  return `${login}@${domain}`
}

/**
 * The parts of an address (RFC 5321 4.1.2, quotes removed). The last `@` counts. One without a domain is in `host`, as it
 * is for whoever reads the message: a bare name must not pass as nobody's.
 */
export function readMailbox(address: string, host: string): Mailbox {
  const at = address.lastIndexOf('@')
  const local = at === -1 ? address : address.slice(0, at)
  const domain = at === -1 ? '' : readDomain(address.slice(at + 1))
  return { login: asciiLower(local), domain: domain === '' ? readDomain(host) : domain }
}

/** A domain in lower case, without dots at the end, in the letters DNS carries (RFC 5891): `Bücher.example.` is `xn--bcher-kva.example`. */
export function readDomain(text: string): string {
  return asciiLower(isAscii(text) ? text : toAscii(text)).replace(/\.+$/, '')
}

/** As it is where it is no name that DNS could carry. */
function toAscii(text: string): string {
  // What would end the host part of a URL ends no domain.
  if (/[/\\?#@:]/.test(text)) return text
  try {
    return new URL(`http://${text}`).hostname
  } catch {
    return text
  }
}
