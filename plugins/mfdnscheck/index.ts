/** Refuses senders whose domain does not exist (the Helios manual, chapter 2 section 5; helios.md 7). */
import { definePlugin, error, mailDomain, rung, type Command, type DomainFinding } from '../../core/plugin/index.ts'

/** From these levels on. */
const REACH = 2
const KNOW = 3

const LONGEST_NAME = 120

export default definePlugin({
  name: 'mfdnscheck',
  summary: 'Refuses senders whose domain does not exist.',
  settings: {
    MFDNSCHECK: rung('what to refuse: 1 or empty a domain that does not exist or takes no mail, 2 one that nobody can reach too, 3 for now one that nobody knows of too', 3),
  },
  mail: async ({ session, settings, world, log }) => {
    const { MFDNSCHECK: level = 0 } = settings
    const domain = domainOf(session.reversePath ?? '')
    if (level === 0 || domain === undefined || session.relayClient || session.auth !== undefined) return undefined
    const found = await mailDomain(world.dns, domain, level >= REACH)
    const refusal = refusalOf(found, domain, level)
    if (refusal !== undefined) log.info('the sender\'s domain is refused', { domain: printable(domain), found: found.kind })
    return refusal
  },
})

/** Undefined for the null sender, and for an address without a domain, which names nothing to look for. */
function domainOf(address: string): string | undefined {
  const at = address.lastIndexOf('@')
  return at === -1 ? undefined : address.slice(at + 1)
}

/** Codes of RFC 3463 section 3.2 and RFC 7505 section 4.2. */
function refusalOf(found: DomainFinding, domain: string, level: number): Command | undefined {
  const name = printable(domain).slice(0, LONGEST_NAME)
  switch (found.kind) {
    case 'exists':
      return undefined
    case 'missing':
      return error(`550 sorry, there is no domain ${name} to answer your message to (#5.1.8)`)
    case 'null-mx':
      return error(`550 sorry, ${name} takes no mail, so your message could not be answered (#5.7.27)`)
    case 'unreachable':
      return error(`550 sorry, no mail from here can reach ${name} to answer your message (#5.1.8)`)
    case 'unavailable':
      return level >= KNOW ? error(`451 sorry, I cannot look up ${name} now (#4.4.3)`) : undefined
  }
}

function printable(text: string): string {
  return text.replace(/[^ -~]/gu, '?')
}
