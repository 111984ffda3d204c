/**
 * What the Domain Name System says, in three outcomes and never two: an answer, "there is no such thing", and "nobody
 * knows now". Who takes the third for the second refuses honest mail whenever a name server has a bad day.
 */

/** What one record of each type looks like. Host names stand in lower case and without the dot at their end. */
export interface DnsRecords {
  /** Four numbers with dots. */
  readonly A: string
  /** As RFC 5952 writes them: lower case, the longest run of zeros left out. */
  readonly AAAA: string
  /** `exchange` is empty for the null MX (RFC 7505: the domain takes no mail). */
  readonly MX: { readonly exchange: string; readonly priority: number }
  /** The character-strings of one record joined (as RFC 7208 section 3.3 does), as Text: bytes that are not UTF-8 stand as lone surrogates. */
  readonly TXT: string
  readonly PTR: string
  readonly NS: string
  readonly CNAME: string
}

export type DnsType = keyof DnsRecords
export const DNS_TYPES: readonly DnsType[] = ['A', 'AAAA', 'MX', 'TXT', 'PTR', 'NS', 'CNAME']

export type DnsAnswer<T> =
  /** At least one record, in the order of the reply. `ttl` is in seconds, where it is known. */
  | { readonly kind: 'answer'; readonly records: readonly T[]; readonly ttl?: number }
  /** The name (`nxdomain`), or the type at that name, does not exist. */
  | { readonly kind: 'none'; readonly nxdomain: boolean }
  /** Nobody knows now: no reply in time, SERVFAIL, REFUSED, a reply that cannot be read. */
  | { readonly kind: 'unavailable'; readonly reason: string }

export interface DnsFacts {
  /**
   * Asks for the records of a name; upper case and a dot at its end make no difference. Aliases are followed. A name
   * that cannot stand in a question (an empty label, one of more than 63 characters, more than 253 in all, anything but
   * printable ASCII, a backslash; the server's resolver also has no way to ask for characters other than letters, digits
   * and `-_./*`) is answered as one that does not exist. Every question of a plugin comes out of the
   * hook's budget; once its share of that, half of what the lines before it left, is used up, the rest are `unavailable`. Never rejects, but with the signal's reason once
   * nobody waits for the hook any more.
   */
  resolve<K extends DnsType>(name: string, type: K): Promise<DnsAnswer<DnsRecords[K]>>
}

export { reversedAddress, reverseName } from '../../protocol/dns/name.ts'
