import { questionName } from '../../../protocol/dns/name.ts'
import { asciiLower } from '../../../protocol/text.ts'
import type { DnsAnswer, DnsFacts, DnsRecords, DnsType } from '../dns.ts'
import { printDnsAnswer } from '../dns-print.ts'
import type { Facts } from './facts.ts'

/**
 * The Domain Name System of a test, by name. What is not listed does not exist; `*.zone` stands for every name below
 * the zone that is not there otherwise, `*` for every other name; a CNAME is followed.
 *
 * @example
 * const dns = {
 *   'far.example': { A: ['192.0.2.1'], MX: [{ exchange: 'mx.far.example', priority: 10 }] },
 *   'www.far.example': { CNAME: ['far.example'] },
 *   'slow.example': 'timeout',
 *   'half.example': { A: ['192.0.2.2'], TXT: 'servfail' },
 *   'gone.wild.example': 'nxdomain', '*.wild.example': { A: ['192.0.2.3'] },
 * }
 */
export type FakeDns = Readonly<Record<string, FakeName | DnsTrouble | 'nxdomain'>>
/** How a question fails: nobody replies in time, or a name server says that it cannot or will not answer. */
export type DnsTrouble = 'timeout' | 'servfail' | 'refused'
export type FakeName = { readonly [K in DnsType]?: readonly DnsRecords[K][] | DnsTrouble }

const REASONS: Readonly<Record<DnsTrouble, string>> = {
  timeout: 'no reply in 5 s', servfail: 'the name server failed (SERVFAIL)', refused: 'the name server refused (REFUSED)',
}
/** Seconds that every answer of a test may be kept. */
const TTL = 300
/** Aliases that lead to aliases. */
const MOST_ALIASES = 8

/** Answers from the given names, and records every question. */
export function fakeDns(fake: FakeDns, facts: Facts): DnsFacts {
  const { resolve } = madeUpDns(fake)
  return { resolve: (name, type) => facts.ask(`dns ${type} ${name}`, () => resolve(name, type), (answer) => printDnsAnswer(type, answer)) }
}

/** The same, unrecorded. */
export function madeUpDns(fake: FakeDns): DnsFacts {
  const names = new Map(Object.entries(fake).map(([name, value]) => [asciiLower(name), value]))
  return { resolve: async (name, type) => answerOf(names, name, type) }
}

type Names = ReadonlyMap<string, FakeDns[string]>

function answerOf<K extends DnsType>(names: Names, text: string, type: K): DnsAnswer<DnsRecords[K]> {
  let name = questionName(text)
  for (let aliases = 0; aliases <= MOST_ALIASES; aliases++) {
    const found = name === undefined ? undefined : names.get(name) ?? wildcardOf(names, name) ?? names.get('*')
    if (found === undefined) return { kind: 'none', nxdomain: name === undefined || !hasNamesBelow(names, name) }
    if (found === 'nxdomain') return { kind: 'none', nxdomain: true }
    if (typeof found === 'string') return { kind: 'unavailable', reason: REASONS[found] }
    const records = found[type] as readonly DnsRecords[K][] | DnsTrouble | undefined
    if (typeof records === 'string') return { kind: 'unavailable', reason: REASONS[records] }
    if (records !== undefined && records.length > 0) return { kind: 'answer', records, ttl: TTL }
    const alias = type === 'CNAME' || found.CNAME === undefined || typeof found.CNAME === 'string' ? undefined : found.CNAME[0]
    if (alias === undefined) return { kind: 'none', nxdomain: false }
    name = questionName(alias)
  }
  return { kind: 'unavailable', reason: REASONS.servfail }
}

function wildcardOf<T>(names: ReadonlyMap<string, T>, name: string): T | undefined {
  if (hasNamesBelow(names, name)) return undefined
  const labels = name.split('.')
  for (let from = 1; from < labels.length; from++) {
    const parent = labels.slice(from).join('.')
    const wild = names.get(`*.${parent}`)
    if (wild !== undefined) return wild
    // RFC 4592 section 3.3.1: only the closest name that exists has a say.
    if (names.has(parent) || hasNamesBelow(names, parent)) return undefined
  }
  return undefined
}

function hasNamesBelow(names: ReadonlyMap<string, unknown>, name: string): boolean {
  return [...names.keys()].some((other) => other.endsWith(`.${name}`))
}
