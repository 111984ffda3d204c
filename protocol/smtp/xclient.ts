/** The command XCLIENT, in which a trusted proxy says for whom it speaks (Postfix's XCLIENT_README). */
import { parseIPv4, parseIPv6, printIPv6 } from '../qmail/ip.ts'
import { decodeXtext } from './xtext.ts'

/** Null: the proxy knows that there is none, or does not know it. Absent: as before. */
export interface Speaker {
  readonly name?: string | null
  readonly address?: string
  readonly port?: number
  readonly helo?: string | null
  readonly login?: string | null
  readonly extended?: boolean
  readonly destinationAddress?: string
  readonly destinationPort?: number
}

/** As EHLO lists them. */
export const XCLIENT_ATTRIBUTES = 'NAME ADDR PORT PROTO HELO LOGIN DESTADDR DESTPORT'

type Read = (value: string | null) => Speaker | undefined

const ATTRIBUTES = new Map<string, Read>([
  // A name goes into headers, the environment and logs.
  ['NAME', (name) => (name === null || /^[A-Za-z0-9._-]{1,255}$/.test(name) ? { name } : undefined)],
  ['ADDR', (value) => onlyAddress(value, (address) => ({ address }))],
  ['PORT', (value) => onlyPort(value, (port) => ({ port }))],
  ['DESTADDR', (value) => onlyAddress(value, (destinationAddress) => ({ destinationAddress }))],
  ['DESTPORT', (value) => onlyPort(value, (destinationPort) => ({ destinationPort }))],
  ['HELO', (helo) => ({ helo })],
  ['LOGIN', (login) => ({ login })],
  ['PROTO', (value) => (value === 'SMTP' || value === 'ESMTP' ? { extended: value === 'ESMTP' } : value === null ? {} : undefined)],
])

/** Reads the argument. Undefined: its syntax is wrong, and nothing of it is to be used. Never throws. */
export function parseXclient(argument: string): Speaker | undefined {
  const words = argument.split(' ').filter((word) => word !== '')
  if (words.length === 0) return undefined
  const parts: Speaker[] = []
  for (const word of words) {
    const equals = word.indexOf('=')
    const read = ATTRIBUTES.get(word.slice(0, Math.max(equals, 0)).toUpperCase())
    const value = decodeXtext(word.slice(equals + 1))
    // Printable only: a line end in it would be one of a header or a log.
    if (read === undefined || value === undefined || !/^[ -~]{1,255}$/.test(value)) return undefined
    const part = read(/^\[(?:UNAVAILABLE|TEMPUNAVAIL)\]$/i.test(value) ? null : value)
    if (part === undefined) return undefined
    parts.push(part)
  }
  return Object.assign({}, ...parts) as Speaker
}

function onlyAddress(value: string | null, made: (address: string) => Speaker): Speaker | undefined {
  // Without an address everything goes by the one before.
  if (value === null) return {}
  const [, ipv6] = /^IPV6:(.*)$/i.exec(value) ?? []
  if (ipv6 === undefined) return parseIPv4(value) === undefined || /(?:^|\.)0[0-9]/.test(value) ? undefined : made(value)
  const number = parseIPv6(ipv6)
  return number === undefined ? undefined : made(printIPv6(number))
}

function onlyPort(value: string | null, made: (port: number) => Speaker): Speaker | undefined {
  if (value === null) return {}
  return /^[0-9]{1,5}$/.test(value) && Number(value) <= 65_535 ? made(Number(value)) : undefined
}
