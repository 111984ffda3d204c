/** What one list says about one address or name (RFC 5782 sections 2 and 3), and what all of them come to. */
import { reversedAddress, type DnsAnswer } from '../../core/plugin/index.ts'
import { questionName } from '../../protocol/dns/name.ts'
import { parseIPv4 } from '../../protocol/qmail/ip.ts'
import type { List } from './lists.ts'

/** What is looked up: a client's address, or a name that it used. */
export type Subject = { readonly kind: 'ip'; readonly ip: string } | { readonly kind: 'domain'; readonly domain: string }

export interface Question {
  readonly list: List
  readonly subject: Subject
  readonly name: string
}

export type Finding =
  | { readonly kind: 'listed' }
  | { readonly kind: 'not-listed' }
  /** The list has not said: no answer, or one that is none. */
  | { readonly kind: 'unknown'; readonly reason: string }

export interface Answered extends Question {
  readonly finding: Finding
}

/** The name to ask for; undefined when there is none: an address is in no list of names. */
export function questionOf(list: List, subject: Subject): Question | undefined {
  const labels = subject.kind === 'ip' ? reversedAddress(subject.ip) : hostName(subject.domain)
  return labels === undefined ? undefined : { list, subject, name: `${labels}.${list.zone}` }
}

/** A name with a dot in it and letters at its end. Lists of names answer questions about addresses with an error code. */
function hostName(text: string): string | undefined {
  const name = questionName(text.trim())
  return name !== undefined && /^[a-z0-9_.-]+\.[a-z][a-z0-9-]*$/.test(name) ? name : undefined
}

/**
 * A listing is an answer within 127.0.0.0/8 (RFC 5782 section 2.1) that is neither 127.0.0.1, which no list may have
 * (section 5), nor within 127.255.255.0/24, where large lists tell a client that it may not ask. An answer with any of
 * these in it, or from outside, comes from a list that is broken, refuses us or is gone, and says nothing about anybody.
 */
export function judge(list: List, answer: DnsAnswer<string>): Finding {
  if (answer.kind === 'unavailable') return { kind: 'unknown', reason: answer.reason }
  if (answer.kind === 'none') return { kind: 'not-listed' }
  const codes = answer.records.map((record) => ({ record, code: parseIPv4(record) ?? 0 }))
  const odd = codes.find(({ code }) => !isListing(code))
  if (odd !== undefined) return { kind: 'unknown', reason: `it answers ${odd.record}, which is an error and no listing` }
  const hit = list.codes.length === 0 || codes.some(({ code }) => list.codes.some(({ from, to }) => code >= from && code <= to))
  return { kind: hit ? 'listed' : 'not-listed' }
}

function isListing(code: number): boolean {
  return code >>> 24 === 127 && code !== 0x7f000001 && code >>> 8 !== 0x7fffff
}

/** What the answers come to. `hits` are empty unless the scores reach the threshold. */
export interface Verdict {
  /** The lists that count, the highest score first. */
  readonly hits: readonly Answered[]
  readonly score: number
  /** Lists that have not said, where their word could turn the verdict round. */
  readonly open: readonly Answered[]
}

/** Each list counts once, however many of the names it has. A hit in a list behind `-a` outweighs everything. */
export function addUp(answered: readonly Answered[], threshold: number): Verdict {
  const hits = oncePerList(answered.filter(({ finding }) => finding.kind === 'listed'))
  if (hits.some(({ list }) => list.allow)) return { hits: [], score: 0, open: [] }
  const unknown = oncePerList(answered.filter(({ list, finding }) => finding.kind === 'unknown' && hits.every((hit) => hit.list !== list)))
  const score = sum(hits)
  const most = score + sum(unknown.filter(({ list }) => list.score > 0))
  const least = unknown.some(({ list }) => list.allow) ? 0 : score + sum(unknown.filter(({ list }) => list.score < 0))
  const open = most >= threshold && least < threshold ? unknown : []
  return { hits: score >= threshold ? hits.toSorted((a, b) => b.list.score - a.list.score) : [], score, open }
}

function oncePerList(answered: readonly Answered[]): readonly Answered[] {
  return answered.filter(({ list }, index) => answered.findIndex((other) => other.list === list) === index)
}

function sum(answered: readonly Answered[]): number {
  return answered.reduce((total, { list }) => total + (list.allow ? 0 : list.score), 0)
}
