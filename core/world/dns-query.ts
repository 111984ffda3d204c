/**
 * One question put to the name servers by node:dns, whose c-ares draws ports and numbers at random, repeats a question
 * that got no reply, and asks over TCP where a reply did not fit a datagram.
 */
import { promises as dns } from 'node:dns'
import type { DnsAnswer, DnsRecords, DnsType } from '../plugin/dns.ts'
import { asciiLower, textOf } from '../../protocol/text.ts'

export type AnyAnswer = DnsAnswer<DnsRecords[DnsType]>

/** Asks once. `name` is one that `questionName` gave. Never rejects. */
export type AskServer = (name: string, type: DnsType) => Promise<AnyAnswer>

export interface QueryOptions {
  /** As node's `setServers` takes them, such as `192.0.2.53` or `[2001:db8::53]:5353`; empty: the system's. */
  readonly servers: readonly string[]
  readonly timeoutSeconds: number
}

const TRIES = 2
/** The second try waits twice as long as the first. */
const SHARE_OF_FIRST_TRY = 1 / 3
/** The system's list is read again after so long: a laptop or a container may get other name servers while we run. */
const SYSTEM_LIST_MS = 60_000

export function askServers({ servers, timeoutSeconds }: QueryOptions): AskServer {
  const timeout = Math.max(1, Math.round(timeoutSeconds * 1000 * SHARE_OF_FIRST_TRY))
  let resolver = open()
  let openedAt = performance.now()

  function open(): dns.Resolver {
    const opened = new dns.Resolver({ timeout, tries: TRIES })
    if (servers.length > 0) opened.setServers(servers)
    return opened
  }

  return async (name, type) => {
    if (servers.length === 0 && performance.now() - openedAt > SYSTEM_LIST_MS) {
      resolver = open()
      openedAt = performance.now()
    }
    try {
      return await ASK[type](resolver, name)
    } catch (error) {
      return failure(error as NodeJS.ErrnoException)
    }
  }
}

const ASK: Readonly<Record<DnsType, (resolver: dns.Resolver, name: string) => Promise<AnyAnswer>>> = {
  A: async (resolver, name) => addresses(await resolver.resolve4(name, { ttl: true })),
  AAAA: async (resolver, name) => addresses(await resolver.resolve6(name, { ttl: true })),
  MX: async (resolver, name) => found((await resolver.resolveMx(name)).map(({ exchange, priority }) => ({ exchange: host(exchange), priority }))),
  // One character for each byte, in node's words.
  TXT: async (resolver, name) => found((await resolver.resolveTxt(name)).map((strings) => textOf(Buffer.from(strings.join(''), 'latin1')))),
  PTR: async (resolver, name) => found((await resolver.resolvePtr(name)).map(host)),
  NS: async (resolver, name) => found((await resolver.resolveNs(name)).map(host)),
  CNAME: async (resolver, name) => found((await resolver.resolveCname(name)).map(host)),
}

function found(records: readonly DnsRecords[DnsType][]): AnyAnswer {
  return records.length === 0 ? { kind: 'none', nxdomain: false } : { kind: 'answer', records }
}

function addresses(records: readonly { readonly address: string; readonly ttl: number }[]): AnyAnswer {
  if (records.length === 0) return found([])
  return { kind: 'answer', records: records.map(({ address }) => address), ttl: Math.min(...records.map(({ ttl }) => ttl)) }
}

function host(name: string): string {
  return asciiLower(name.replace(/\.$/, ''))
}

const REASONS: Readonly<Record<string, string>> = {
  ETIMEOUT: 'no name server replied in time', ECANCELLED: 'no name server replied in time',
  ESERVFAIL: 'the name server failed (SERVFAIL)', EREFUSED: 'the name server refused (REFUSED)',
  ENOTIMP: 'the name server knows no such question (NOTIMP)', EFORMERR: 'the name server did not understand the question (FORMERR)',
  EBADRESP: 'the reply cannot be read', ECONNREFUSED: 'nobody listens where the name server should be',
}

function failure({ code = '', message }: NodeJS.ErrnoException): AnyAnswer {
  // EBADNAME: c-ares sends no names but those of hosts, with letters, digits and any of `-_./*`.
  if (code === 'ENOTFOUND' || code === 'EBADNAME') return { kind: 'none', nxdomain: true }
  if (code === 'ENODATA') return { kind: 'none', nxdomain: false }
  return { kind: 'unavailable', reason: REASONS[code] ?? message }
}
