/**
 * Asks mailauth, to the letter of RFC 7208 (`strict`). Everything it learns comes from the resolver it is given; its own
 * clock only bounds the time of a check and expands the macro t. The package is loaded at the first check, for that takes
 * some 150 ms.
 */
import type { DNSResolver } from 'mailauth'
import { printable, type Finding, type Question, type Result } from './finding.ts'

export type Resolver = (name: string, type: string) => Promise<unknown>

/** RFC 7208 section 4.6.4: at least 20 seconds. */
const LONGEST_MS = 20_000

/** What the sender's domain says. Never rejects for want of an answer: that is `temperror`. */
export async function check({ ip, helo, sender, receiver }: Question, resolver: Resolver): Promise<Finding> {
  const { spf } = await import('mailauth')
  const { domain, status, explanation } = await spf({
    ip, helo, sender, mta: receiver, strict: true, maxElapsedTime: LONGEST_MS, resolver: resolver as DNSResolver,
  })
  const result = status.result as Result
  const problem = result === 'temperror' || result === 'permerror' ? problemIn(status.comment) : undefined
  return {
    result, domain: printable(domain),
    ...(explanation === undefined ? {} : { explanation: printable(explanation) }),
    ...(problem === undefined ? {} : { problem }),
  }
}

/** The part of mailauth's comment that is no repetition: `mx: error in processing during lookup of x@y: DNS timeout`. */
function problemIn(comment: string | undefined): string | undefined {
  const found = /during lookup of .*?: (.+)$/s.exec(comment ?? '')?.[1]
  return found === undefined ? undefined : printable(found)
}

/** Does the operator's own policy name the client? It is evaluated as a record of the sender's domain, so macros mean what they mean there. */
export async function passesLocally(question: Question, domain: string, policy: string, resolver: Resolver): Promise<Finding> {
  return check(question, inPlaceOf(domain, `v=spf1 ${policy} -all`, resolver))
}

/** The operator's explanation with its macros expanded for this sender; undefined where that cannot be done. */
export async function explain(question: Question, domain: string, text: string, resolver: Resolver): Promise<string | undefined> {
  const withText: Resolver = (name, type) => name === OWN_TEXT && type === 'TXT' ? Promise.resolve([[text]]) : resolver(name, type)
  return (await check(question, inPlaceOf(domain, `v=spf1 -all exp=${OWN_TEXT}`, withText))).explanation
}

/** RFC 2606: nobody has this name. */
const OWN_TEXT = 'explanation.invalid'

function inPlaceOf(domain: string, record: string, resolver: Resolver): Resolver {
  return (name, type) => name === domain && type === 'TXT' ? Promise.resolve([[record]]) : resolver(name, type)
}
