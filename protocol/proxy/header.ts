/**
 * The PROXY protocol, versions 1 and 2 (HAProxy's proxy-protocol.txt): what a proxy says of its client before the client's
 * first byte. Bytes in, value out; who may send it is decided elsewhere.
 */
import { parseIPv4, parseIPv6, printIPv6 } from '../qmail/ip.ts'

export interface ProxiedAddresses {
  readonly remoteAddress: string
  readonly remotePort: number
  readonly localAddress: string
  readonly localPort: number
}

export type ProxyHeader =
  /** So far it is the beginning of a header. */
  | { readonly kind: 'more' }
  | { readonly kind: 'bad'; readonly reason: string }
  /** The header's `length` bytes speak for a client; without addresses for the proxy itself (LOCAL, UNKNOWN, UNSPEC). */
  | { readonly kind: 'header'; readonly length: number; readonly addresses?: ProxiedAddresses }

/** Bytes of a version 1 line with its CRLF (section 2.1). */
const LONGEST_LINE = 107
/** Bytes of a version 2 header: addresses take 36, the rest is for TLVs, which a certificate's subject may lengthen. */
const LONGEST = 16 + 4096
const SIGNATURE = Buffer.from('\r\n\r\n\0\r\nQUIT\n', 'latin1')
const MORE = { kind: 'more' } as const

/** Reads the header at the beginning of what has come so far. Never throws. */
export function parseProxyHeader(bytes: Buffer): ProxyHeader {
  if (bytes.length === 0) return MORE
  if (bytes[0] === SIGNATURE[0]) return parseBinary(bytes)
  return parseLine(bytes)
}

const bad = (reason: string): ProxyHeader => ({ kind: 'bad', reason })

function parseLine(bytes: Buffer): ProxyHeader {
  const text = bytes.subarray(0, LONGEST_LINE).toString('latin1')
  const start = 'PROXY '
  if (!text.startsWith(start.slice(0, text.length))) return bad('it does not begin with PROXY')
  const end = text.indexOf('\r\n')
  if (end === -1) return bytes.length < LONGEST_LINE ? MORE : bad('its line has no end')
  const length = end + 2
  const [family, ...words] = text.slice(start.length, end).split(' ')
  // What stands behind it is of no account.
  if (family === 'UNKNOWN') return { kind: 'header', length }
  const read = family === 'TCP4' ? strictIPv4 : family === 'TCP6' ? strictIPv6 : undefined
  if (read === undefined) return bad('it is neither for TCP4 nor for TCP6')
  if (words.length !== 4) return bad('it does not have two addresses and two ports')
  const [remoteAddress, localAddress] = [read(words[0]!), read(words[1]!)]
  const [remotePort, localPort] = [port(words[2]!), port(words[3]!)]
  if (remoteAddress === undefined || localAddress === undefined) return bad('an address is wrong')
  if (remotePort === undefined || localPort === undefined) return bad('a port is wrong')
  return { kind: 'header', length, addresses: { remoteAddress, remotePort, localAddress, localPort } }
}

function parseBinary(bytes: Buffer): ProxyHeader {
  const known = Math.min(bytes.length, SIGNATURE.length)
  if (!bytes.subarray(0, known).equals(SIGNATURE.subarray(0, known))) return bad('its signature is wrong')
  if (bytes.length < 16) return MORE
  const [versionAndCommand, family, behind] = [bytes[12]!, bytes[13]!, bytes.readUInt16BE(14)]
  const length = 16 + behind
  if (versionAndCommand !== 0x20 && versionAndCommand !== 0x21) return bad('its version or command is not known')
  if (length > LONGEST) return bad('it is too long')
  const size = family === 0x11 ? 12 : family === 0x21 ? 36 : 0
  const local = versionAndCommand === 0x20
  if (!local && size === 0 && family !== 0) return bad('it is for another transport than TCP')
  if (!local && behind < size) return bad('it is too short for its addresses')
  if (bytes.length < length) return MORE
  if (local || size === 0) return { kind: 'header', length }
  const half = (size - 4) / 2
  const print = half === 4 ? (at: number) => bytes.subarray(at, at + 4).join('.') : (at: number) => printIPv6(BigInt(`0x${bytes.toString('hex', at, at + 16)}`))
  return { kind: 'header', length, addresses: {
    remoteAddress: print(16), localAddress: print(16 + half), remotePort: bytes.readUInt16BE(16 + 2 * half), localPort: bytes.readUInt16BE(18 + 2 * half),
  } }
}

/** In its one spelling: no leading zeros, which some read as octal. */
function strictIPv4(text: string): string | undefined {
  return parseIPv4(text) === undefined || /(?:^|\.)0[0-9]/.test(text) ? undefined : text
}

function strictIPv6(text: string): string | undefined {
  const value = parseIPv6(text)
  return value === undefined ? undefined : printIPv6(value)
}

function port(text: string): number | undefined {
  return /^(?:0|[1-9][0-9]{0,4})$/.test(text) && Number(text) <= 65_535 ? Number(text) : undefined
}
