/**
 * Does a list work? Every list of addresses has 127.0.0.2 and has not 127.0.0.1; every list of names has TEST and has not
 * INVALID (RFC 5782 section 5). A list that was given up mostly has neither, or everything.
 */
import type { DnsFacts } from '../../core/plugin/index.ts'
import type { List } from './lists.ts'
import { judge, type Finding } from './verdict.ts'

const ENTRIES = {
  addresses: { has: '127.0.0.2', asks: '2.0.0.127', hasNot: '127.0.0.1', asksNot: '1.0.0.127' },
  names: { has: 'TEST', asks: 'test', hasNot: 'INVALID', asksNot: 'invalid' },
} as const

/** A sentence for each list that fails. */
export async function testLists(lists: readonly List[], kind: keyof typeof ENTRIES, dns: DnsFacts): Promise<readonly string[]> {
  const zones = [...new Set(lists.map(({ zone }) => zone))]
  const found = await Promise.all(zones.map((zone) => testList(zone, kind, dns)))
  return found.filter((complaint) => complaint !== undefined)
}

async function testList(zone: string, kind: keyof typeof ENTRIES, dns: DnsFacts): Promise<string | undefined> {
  const { has, asks, hasNot, asksNot } = ENTRIES[kind]
  const ask = async (labels: string): Promise<Finding> => judge(ANY_CODE, await dns.resolve(`${labels}.${zone}`, 'A'))
  const [there, notThere] = await Promise.all([ask(asks), ask(asksNot)])
  const look = `ask "helios dns ${asks}.${zone}"`
  if (there.kind === 'unknown') return `the list ${zone} does not say whether it has its test entry ${has}: ${there.reason} (${look}; take the list out if it stays so)`
  if (there.kind === 'not-listed') return `the list ${zone} has no test entry ${has}, which each list of ${kind} must have: it may be empty, given up or no such list (${look}; correct the name or take it out)`
  if (notThere.kind === 'listed') return `the list ${zone} has the entry ${hasNot}, which no list may have: it may list everything (take it out)`
  return undefined
}

const ANY_CODE: List = { zone: '', allow: false, codes: [], score: 1, text: undefined }
