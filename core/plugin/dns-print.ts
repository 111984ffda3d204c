/** An answer of the Domain Name System in words, for traces and tests. */
import { DNS_TYPES, type DnsAnswer, type DnsRecords, type DnsType } from './dns.ts'

/** Characters of one answer that are kept: a name may have hundreds of records. */
const LONGEST = 2000

export function isDnsType(value: unknown): value is DnsType {
  return (DNS_TYPES as readonly unknown[]).includes(value)
}

/** `192.0.2.1 192.0.2.2`, `10 mx.example`, `"v=spf1 -all"`, `none: no such name`, `unavailable: no reply in 5 s`. */
export function printDnsAnswer<K extends DnsType>(type: K, answer: DnsAnswer<DnsRecords[K]>): string {
  if (answer.kind === 'none') return answer.nxdomain ? 'none: no such name' : `none: no ${type} record`
  if (answer.kind === 'unavailable') return `unavailable: ${answer.reason}`
  const all = answer.records.map((record) => printDnsRecord(type, record)).join(' ')
  return all.length <= LONGEST ? all : `${all.slice(0, LONGEST)}… (${answer.records.length} records)`
}

/** One record, as a zone file writes its data but for the dot after names. */
export function printDnsRecord<K extends DnsType>(type: K, record: DnsRecords[K]): string {
  if (typeof record !== 'string') return `${record.priority} ${record.exchange === '' ? '.' : record.exchange}`
  return type === 'TXT' ? JSON.stringify(record) : record
}
