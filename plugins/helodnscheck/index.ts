/** Refuses HELO and EHLO names that do not exist (the Helios manual, chapter 2 section 5; helios.md 7). */
import { definePlugin, error, hostAddress, mailDomain, rung, type Answer, type Command, type Context, type DnsFacts, type DomainFinding } from '../../core/plugin/index.ts'

/** From these levels on. */
const REACH = 2
const KNOW = 3

const LONGEST_NAME = 120

const settings = {
  HELODNSCHECK: rung('what to refuse: 1 or empty a name that does not exist, 2 one that nobody can reach too, 3 for now one that nobody knows of too', 3),
}

export default definePlugin({
  name: 'helodnscheck',
  summary: 'Refuses HELO and EHLO names that do not exist.',
  settings,
  helo: check,
  mail: check,
  rcpt: check,
})

async function check({ session, settings: { HELODNSCHECK: level = 0 }, world, log }: Context<typeof settings>): Promise<Answer> {
  if (level === 0 || session.helo === undefined || session.relayClient || session.auth !== undefined) return undefined
  const name = session.helo.trim()
  const found = await ofName(world.dns, name, level >= REACH)
  const refusal = refusalOf(found, name, level)
  if (refusal !== undefined) log.info('the HELO name is refused', { name: printable(name), found: found.kind })
  return refusal
}

/**
 * A host has addresses, and RFC 5321 section 2.3.5 lets a client give a domain with mail exchangers instead. That a domain
 * takes no mail (RFC 7505) says nothing about hosts of that name.
 */
async function ofName(dns: DnsFacts, name: string, reach: boolean): Promise<DomainFinding> {
  const host = await hostAddress(dns, name, reach)
  if (host.kind !== 'missing') return host
  const domain = await mailDomain(dns, name, reach)
  return domain.kind === 'null-mx' ? { kind: 'missing' } : domain
}

function refusalOf(found: DomainFinding, given: string, level: number): Command | undefined {
  const name = printable(given).slice(0, LONGEST_NAME)
  switch (found.kind) {
    case 'exists':
    case 'null-mx':
      return undefined
    case 'missing':
      return error(`550 sorry, there is no host ${name}: tell me your real name (#5.7.1)`)
    case 'unreachable':
      return error(`550 sorry, ${name} is no name that I could reach you by (#5.7.1)`)
    case 'unavailable':
      return level >= KNOW ? error(`451 sorry, I cannot look up ${name} now (#4.4.3)`) : undefined
  }
}

function printable(text: string): string {
  return text.replace(/[^ -~]/gu, '?')
}
