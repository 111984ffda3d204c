/** Networks as operators write them: `10.0.0.0/8`, `2001:db8::/32`, or one address. Plain data: settings go to other processes as JSON. */
import { parseIPv4, parseIPv6, printIPv6, unmapIPv4 } from './qmail/ip.ts'

export interface Network {
  readonly family: 4 | 6
  /** The address bits of the network, right-aligned, as a hexadecimal number. */
  readonly prefix: string
  /** How many those are. */
  readonly bits: number
}

/** Undefined for what is no network, or has bits set behind its prefix: such a slip of the pen may be meant wider or narrower. */
export function parseNetwork(text: string): Network | undefined {
  const match = /^([0-9a-fA-F.:]+)(?:\/([0-9]{1,3}))?$/.exec(text)
  const address = match === null ? undefined : numberOf(match[1]!)
  if (address === undefined) return undefined
  const { family } = address
  const value = BigInt(address.value)
  const width = widthOf(family)
  const bits = match![2] === undefined ? width : Number(match![2])
  if (bits > width) return undefined
  const rest = BigInt(width - bits)
  const prefix = value >> rest
  return prefix << rest === value ? { family, prefix: prefix.toString(16), bits } : undefined
}

/** Whether the address is in one of the networks. An IPv4 address in its IPv6 form is IPv4; a zone is left out of account. */
export function inNetworks(networks: readonly Network[], ip: string): boolean {
  if (networks.length === 0) return false
  const address = numberOf(ip)
  if (address === undefined) return false
  return networks.some(({ family, prefix, bits }) => family === address.family && prefixOf(address, bits) === prefix)
}

/** A name for the network of so many bits that the address is in: equal for two addresses in the same one. What is no address is its own. */
export function networkOf(ip: string, ipv4Bits: number, ipv6Bits: number): string {
  const address = numberOf(ip)
  if (address === undefined) return ip
  const bits = address.family === 4 ? ipv4Bits : ipv6Bits
  return `${address.family}:${prefixOf(address, bits)}/${bits}`
}

/** The same network for people: `192.0.2.1`, `2001:db8::/64`. */
export function printNetworkOf(ip: string, ipv4Bits: number, ipv6Bits: number): string {
  const address = numberOf(ip)
  if (address === undefined) return ip
  const { family } = address
  const value = BigInt(address.value)
  const bits = family === 4 ? ipv4Bits : ipv6Bits
  const rest = BigInt(widthOf(family) - bits)
  const first = (value >> rest) << rest
  const text = family === 6 ? printIPv6(first) : [24n, 16n, 8n, 0n].map((shift) => (first >> shift) & 255n).join('.')
  return rest === 0n ? text : `${text}/${bits}`
}

/** 127.0.0.0/8 and ::1. */
export function isLoopback(ip: string): boolean {
  return inNetworks(LOOPBACK, ip)
}

const LOOPBACK: readonly Network[] = [{ family: 4, prefix: '7f', bits: 8 }, { family: 6, prefix: '1', bits: 128 }]

const widthOf = (family: 4 | 6): number => (family === 4 ? 32 : 128)

/** Numbers cost a fifth of what bigints do, and each connection asks. */
type Address = { readonly family: 4; readonly value: number } | { readonly family: 6; readonly value: bigint }

function prefixOf({ family, value }: Address, bits: number): string {
  return (family === 4 ? Math.floor(value / 2 ** (32 - bits)) : value >> BigInt(128 - bits)).toString(16)
}

function numberOf(text: string): Address | undefined {
  const plain = unmapIPv4(text.split('%')[0]!)
  const v4 = parseIPv4(plain)
  if (v4 !== undefined) return { family: 4, value: v4 }
  const v6 = plain.includes(':') ? parseIPv6(plain) : undefined
  return v6 === undefined ? undefined : { family: 6, value: v6 }
}
