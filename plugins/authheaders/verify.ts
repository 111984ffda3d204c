/**
 * Asks mailauth what a message can prove of itself: DKIM (RFC 6376), SPF (RFC 7208), ARC (RFC 8617) and DMARC (RFC 9989).
 * What it learns comes from the resolver and the time it is given. The package is loaded with the first message.
 */
import type { ARCData, ARCResult, DKIMResult, DMARCResult, DNSResolver, MessageInput, SPFResult } from 'mailauth'
import type { Pipeable } from '../../core/plugin/index.ts'
import { asciiLower } from '../../protocol/text.ts'

export interface Given {
  readonly message: Pipeable
  readonly ip: string
  readonly helo: string
  /** Empty for the null sender. */
  readonly sender: string
  /** This host's name. */
  readonly receiver: string
  /** Milliseconds since 1970: signatures expire. */
  readonly now: number
  readonly resolver: (name: string, type: string) => Promise<unknown>
}

export interface Proof {
  readonly dkim: readonly DKIMResult[]
  readonly spf: SPFResult
  readonly arc: ARCResult
  readonly dmarc: Dmarc
}

export type Dmarc =
  /** One verdict for each domain the From field names; mostly one. */
  | { readonly kind: 'verdicts'; readonly verdicts: readonly DMARCResult[] }
  /** Nobody's policy can be applied. `suspicious`: the message was made so that readers see another author than servers. */
  | { readonly kind: 'no-author'; readonly suspicious: boolean; readonly why: string }

/** RFC 5322 allows several authors; more domains than this are no letter. */
const MOST_AUTHOR_DOMAINS = 4
/** RFC 7208 section 4.6.4. */
const LONGEST_SPF_MS = 20_000

export async function verify(given: Given): Promise<Proof> {
  const mailauth = await import('mailauth')
  const { ip, helo, sender, receiver } = given
  const resolver = given.resolver as DNSResolver
  const spf = await mailauth.spf({ ip, helo, sender, mta: receiver, strict: true, maxElapsedTime: LONGEST_SPF_MS, resolver })
  const options = { resolver, sender: '', strict: true, curTime: new Date(given.now) }
  const { results: dkim, arc: chain, headerFrom, fromFields } = await mailauth.dkimVerify(given.message as unknown as MessageInput, options)
  const arc = await mailauth.arc(chain as ARCData, { resolver, strict: true })
  return { dkim, spf, arc, dmarc: await dmarcOf() }

  async function dmarcOf(): Promise<Dmarc> {
    if (fromFields > 1) return { kind: 'no-author', suspicious: true, why: 'more than one From field' }
    const authors = Map.groupBy(headerFrom, (address) => asciiLower(address.slice(address.lastIndexOf('@') + 1)))
    if (authors.size === 0) return { kind: 'no-author', suspicious: false, why: 'no address in the From field' }
    if (authors.size > MOST_AUTHOR_DOMAINS) return { kind: 'no-author', suspicious: true, why: 'too many domains in the From field' }
    const verdicts: DMARCResult[] = []
    for (const addresses of authors.values()) {
      const verdict = await mailauth.dmarc({
        headerFrom: addresses, fromFields,
        spfDomains: spf.status.result === 'pass' ? [spf.domain] : [],
        dkimDomains: dkim.filter(coversAll).map(({ id, signingDomain, status }) => ({ id, domain: signingDomain, aligned: status.aligned })),
        arcResult: arc, resolver, strict: true,
      } as Parameters<typeof mailauth.dmarc>[0])
      // Such as a@bank.example@far.example: readers and servers differ about whose it is.
      if (verdict === false) return { kind: 'no-author', suspicious: true, why: 'an address in the From field cannot be read' }
      verdicts.push(verdict)
    }
    return { kind: 'verdicts', verdicts }
  }
}

/** A signature with `l=` may leave the end of a message to anybody (RFC 6376 section 8.2): it proves nothing about the whole. */
function coversAll({ status }: DKIMResult): boolean {
  return status.result === 'pass' && !status.underSized
}
