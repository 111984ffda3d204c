import type { DnsFacts, DnsRecords, DnsType } from './dns.ts'
import { DNS_TYPES } from './dns.ts'

/** What `dns.promises.resolve` answers, for the types that `DnsFacts` knows: TXT records are lists of strings. */
export type NodeRecords = readonly string[] | readonly (readonly string[])[] | readonly DnsRecords['MX'][]

/**
 * The world's DNS in the shape of Node's `dns.promises.resolve`, for packages that take such a function instead of asking
 * by themselves. Rejects with an error whose `code` is ENOTFOUND (no such name), ENODATA (none of that type) or
 * ESERVFAIL (unavailable, or a type the world does not know).
 */
export function nodeResolver(dns: DnsFacts): (name: string, type: string) => Promise<NodeRecords> {
  return async (name, type) => {
    const known = DNS_TYPES.find((each) => each === type.toUpperCase())
    if (known === undefined) throw failure('ESERVFAIL', `${type} records cannot be asked for`)
    const answer = await dns.resolve<DnsType>(name, known)
    switch (answer.kind) {
      case 'answer':
        return known === 'TXT' ? answer.records.map((text) => [text as string]) : answer.records as NodeRecords
      case 'none':
        throw failure(answer.nxdomain ? 'ENOTFOUND' : 'ENODATA', `${name} has no ${known} record`)
      case 'unavailable':
        throw failure('ESERVFAIL', answer.reason)
    }
  }
}

function failure(code: string, message: string): Error {
  return Object.assign(new Error(message), { code })
}
