/**
 * The other engine, for who chooses it (`SPFENGINE=spf-check`). It knows a part of RFC 7208 only: see the README. Its one
 * method that asks DNS is replaced, with the same outcomes, so that it asks the world like everything else.
 */
import spfCheck from 'spf-check'
import type { Resolver } from './check.ts'
import { printable, type Finding, type Question, type Result } from './finding.ts'

const { SPF, SPFResult } = spfCheck

class WorldSpf extends SPF {
  readonly #resolver: Resolver

  constructor(domain: string, sender: string, resolver: Resolver) {
    super(domain, sender)
    this.#resolver = resolver
  }

  override async resolveDNS(name: string, type: string, counted?: boolean | null): Promise<unknown> {
    const counts = counted ?? true
    if (counts && this.queryDNSCount >= this.options.maxDNS) throw new SPFResult('PermError', 'Limit of DNS lookups reached')
    try {
      const records = await this.#resolver(name, type)
      return type === 'TXT' ? (records as readonly (readonly string[])[]).map((texts) => texts.join('')) : records
    } catch (failure) {
      const { code, message } = failure as { readonly code?: string; readonly message: string }
      // Its authors tell a missing name from a failure for TXT records only.
      const missing = type === 'TXT' && (code === 'ENOTFOUND' || code === 'ENODATA')
      throw missing ? new SPFResult('None', 'Domain does not exist') : new SPFResult('TempError', message)
    } finally {
      if (counts) this.queryDNSCount++
    }
  }
}

export async function check({ ip, helo, sender }: Question, resolver: Resolver): Promise<Finding> {
  const domain = (sender === '' ? helo : sender.slice(sender.lastIndexOf('@') + 1)).toLowerCase()
  const { result, message } = await new WorldSpf(domain, sender === '' ? `postmaster@${helo}` : sender, resolver).check(ip)
  const broken = result === 'TempError' || result === 'PermError'
  return { result: result.toLowerCase() as Result, domain: printable(domain), ...(broken ? { problem: printable(message) } : {}) }
}
