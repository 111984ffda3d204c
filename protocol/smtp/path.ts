/**
 * Paths of MAIL and RCPT: read as leniently as qmail reads them (qmail-control 6, spp-protocol
 * vectors 44 to 46), printed as RFC 5321 4.1.2 wants them.
 */
import { byteLength } from '../text.ts'
import { replaceLocalIp, type LocalLiterals } from './literal.ts'

/** Longest address in bytes (spp-protocol 10). */
export const MAX_ADDRESS_BYTES = 899

export interface ParsedPath {
  readonly ok: true
  /** Without brackets, source route, quotes and backslashes; case kept; empty for the null sender. */
  readonly address: string
  /** What stands behind the path, without leading blanks. For `parseParameters`. */
  readonly parameters: string
}

/**
 * Reads the argument of MAIL or RCPT. Fails only for an address longer than `MAX_ADDRESS_BYTES`;
 * no argument at all is the null sender. With `local`, an IP literal of our own in the domain's place is
 * replaced before the length is looked at, as in qmail. Never throws; the address never holds a NUL.
 */
export function parsePath(argument: string, local?: LocalLiterals): ParsedPath | { readonly ok: false } {
  const nul = argument.indexOf('\0')
  const text = nul === -1 ? argument : argument.slice(0, nul)
  const bracket = text.indexOf('<')
  const end = bracket === -1 ? ' ' : '>'
  const path = readPath(text, skipRoute(text, bracket === -1 ? afterColon(text) : bracket + 1), end)
  const address = local === undefined ? path.address : replaceLocalIp(path.address, local.isOwnIp, local.localiphost)
  if (byteLength(address) > MAX_ADDRESS_BYTES) return { ok: false }
  const behind = text.slice(path.end)
  return { ok: true, address, parameters: behind.replace(/^ +/, '') }
}

/**
 * `<address>`, the local part quoted where RFC 5321 needs it; `<>` for the null sender. CR, LF and NUL, which no
 * line can carry, become `?`.
 */
export function printPath(address: string): string {
  const { local, domain } = splitAddress(address.replace(UNPRINTABLE, '?'))
  if (domain === undefined) return local === '' ? '<>' : `<${printLocal(local)}>`
  // No such domain exists, but a plugin or a lenient reading can make one, and it must not end the path early.
  return `<${printLocal(local)}@${UNSAFE_DOMAIN.test(domain) ? quote(domain) : domain}>`
}

/** The parts before and behind the last `@`; without one everything is the local part. */
export function splitAddress(address: string): { readonly local: string; readonly domain: string | undefined } {
  const at = address.lastIndexOf('@')
  return at === -1 ? { local: address, domain: undefined } : { local: address.slice(0, at), domain: address.slice(at + 1) }
}

/** What stands behind the last `@`, case kept; undefined without an `@`. */
export function domainOf(address: string): string | undefined {
  return splitAddress(address).domain
}

// oxlint-disable-next-line no-control-regex -- they are what it looks for
const UNPRINTABLE = /[\x00\r\n]/g
// oxlint-disable-next-line no-control-regex -- everything beyond ASCII is left to SMTPUTF8 and its checks
const DOT_ATOM = /^[A-Za-z0-9!#$%&'*+\-/=?^_`{|}~\x80-\uffff]+(\.[A-Za-z0-9!#$%&'*+\-/=?^_`{|}~\x80-\uffff]+)*$/
// oxlint-disable-next-line no-control-regex -- control bytes are unsafe
const UNSAFE_DOMAIN = /[\x00-\x20\x7f"<>\\]/

function printLocal(local: string): string {
  return DOT_ATOM.test(local) ? local : quote(local)
}

function quote(text: string): string {
  return `"${text.replace(/["\\]/g, '\\$&')}"`
}

function afterColon(text: string): number {
  const colon = text.indexOf(':')
  if (colon === -1) return text.length
  let start = colon + 1
  while (text[start] === ' ') start++
  return start
}

/** Behind `@a,@b:`. A route without its colon swallows the rest, as in qmail. */
function skipRoute(text: string, start: number): number {
  if (text[start] !== '@') return start
  const colon = text.indexOf(':', start)
  return colon === -1 ? text.length : colon + 1
}

interface Path {
  readonly address: string
  /** Just behind `>`, or at the blank that ended it, or the end of the text. */
  readonly end: number
}

function readPath(text: string, start: number, end: '>' | ' '): Path {
  const stop = text.indexOf(end, start)
  const plain = text.slice(start, stop === -1 ? text.length : stop)
  // Nearly all.
  if (!/["\\]/.test(plain)) return { address: plain, end: stop === -1 ? text.length : end === '>' ? stop + 1 : stop }
  let address = ''
  let quoted = false
  for (let at = start; at < text.length; at++) {
    const letter = text[at]!
    if (letter === '\\') {
      at++
      address += text[at] ?? ''
    } else if (letter === '"') quoted = !quoted
    else if (letter === end && !quoted) return { address, end: end === '>' ? at + 1 : at }
    else address += letter
  }
  return { address, end: text.length }
}
