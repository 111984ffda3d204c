/** What a test file says of names: `dns far.example MX 10 mx.far.example`, and how such a line is printed. */
import { questionName, reverseName } from '../dns/name.ts'
import { parseIPv4, parseIPv6, printIPv6 } from '../qmail/ip.ts'
import { bytesOf, textOf } from '../text.ts'

const TYPES = ['A', 'AAAA', 'MX', 'TXT', 'PTR', 'NS', 'CNAME'] as const
export type GivenDnsType = (typeof TYPES)[number]

/** One line about a name: a record, or how all questions about it, or those of one type, end. Names stand in lower case. */
export type GivenDns =
  | { readonly name: string; readonly type: GivenDnsType; readonly record: string | { readonly priority: number; readonly exchange: string } }
  | { readonly name: string; readonly type?: GivenDnsType; readonly outcome: 'none' | 'unavailable' }

/** Behind the word `dns`. */
export const DNS_FORMS = 'far.example MX 10 mx.far.example, or far.example TXT "v=spf1 -all"; gone.example none, or slow.example unavailable; '
  + 'with a type behind the name for that type alone'

/** Reads what stands behind `dns`, and adds it. Says what is wrong with it, else undefined. */
export function readDns(dns: GivenDns[], rest: string): string | undefined {
  const [, word = '', second = '', data = ''] = /^([^ \t]+)(?:[ \t]+([^ \t]+))?(?:[ \t]+(.*))?$/s.exec(rest) ?? []
  // As `helios dns` takes it: an address stands for its reverse name where names are asked for.
  const name = /^(?:ptr|none|unavailable)$/i.test(second) ? reverseName(word) ?? questionName(word) : questionName(word)
  if (name === undefined) return `"${word}" is no name that can be asked for`
  if (isOutcome(second) && data !== '') return `nothing stands behind "${second}"`
  const read = isOutcome(second) ? { name, outcome: second } : readTyped(name, second, data)
  if (typeof read === 'string') return read
  const contrary = dns.some((other) => overlaps(other, read) && !('record' in other && 'record' in read))
  if (contrary) return `what becomes of questions about ${word} is said in two ways`
  dns.push(read)
  return undefined
}

/** What a case is given when its own lines about a name, or one of its types, take the place of the background's. */
export function givenDns(always: readonly GivenDns[], own: readonly GivenDns[]): readonly GivenDns[] {
  return [...always.filter((line) => !own.some((other) => overlaps(line, other))), ...own]
}

/** A line that `readDns` reads back as this. */
export function printDns(line: GivenDns): string {
  const type = line.type === undefined ? '' : ` ${line.type}`
  return `dns ${line.name}${type} ${'outcome' in line ? line.outcome : printRecord(line.type, line.record)}`
}

/** Do both speak of the same questions? */
function overlaps(a: GivenDns, b: GivenDns): boolean {
  return a.name === b.name && (a.type === undefined || b.type === undefined || a.type === b.type)
}

function readTyped(name: string, word: string, data: string): GivenDns | string {
  const type = TYPES.find((each) => each === word.toUpperCase())
  if (type === undefined) return `"${word}" is none of ${TYPES.join(', ')}, none, unavailable`
  if (isOutcome(data)) return { name, type, outcome: data }
  const record = readRecord(type, data)
  return record === undefined ? `"${data}" is no ${type} record` : { name, type, record }
}

function isOutcome(word: string): word is 'none' | 'unavailable' {
  return word === 'none' || word === 'unavailable'
}

function readRecord(type: GivenDnsType, data: string): Extract<GivenDns, { readonly record: unknown }>['record'] | undefined {
  switch (type) {
    case 'A':
      return parseIPv4(data) === undefined ? undefined : data.split('.').map(Number).join('.')
    case 'AAAA': {
      const value = parseIPv6(data)
      return value === undefined ? undefined : printIPv6(value)
    }
    case 'TXT':
      return readStrings(data)
    case 'MX': {
      const [, digits, host = ''] = /^([0-9]{1,5})[ \t]+([^ \t]+)$/.exec(data) ?? []
      const exchange = host === '.' ? '' : questionName(host)
      return digits === undefined || Number(digits) > 65_535 || exchange === undefined ? undefined : { priority: Number(digits), exchange }
    }
    default:
      return questionName(data)
  }
}

/**
 * Quoted strings as in a zone file, joined: `\X` is X and `\DDD` the byte of that number (RFC 1035 section 5.1). Without a
 * quote at its beginning the text as it stands.
 */
function readStrings(data: string): string | undefined {
  if (!data.startsWith('"')) return data === '' ? undefined : data
  if (!/^(?:"(?:[^"\\]|\\[^])*"[ \t]*)+$/.test(data)) return undefined
  const parts: Uint8Array[] = []
  for (const [, inside = ''] of data.matchAll(/"((?:[^"\\]|\\[^])*)"/g)) {
    for (const [, number, escaped, plain] of inside.matchAll(/\\([0-9]{3})|\\([^])|([^\\]+)/g)) {
      if (number !== undefined && Number(number) > 255) return undefined
      parts.push(number === undefined ? bytesOf(escaped ?? plain ?? '') : Uint8Array.of(Number(number)))
    }
  }
  return textOf(Buffer.concat(parts))
}

function printRecord(type: GivenDnsType, record: Extract<GivenDns, { readonly record: unknown }>['record']): string {
  if (typeof record !== 'string') return `${record.priority} ${record.exchange === '' ? '.' : record.exchange}`
  if (type !== 'TXT') return record
  // oxlint-disable-next-line no-control-regex -- a test file is lines
  return `"${record.replace(/["\\]/g, '\\$&').replace(/[\x00-\x1f\x7f]/g, (control) => `\\${String(control.charCodeAt(0)).padStart(3, '0')}`)}"`
}
