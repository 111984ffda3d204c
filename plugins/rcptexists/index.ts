/** Refuses recipients in local domains that nobody has (the Helios manual, chapter 2 section 5; helios.md 5). */
import { definePlugin, error, type ControlFile } from '../../core/plugin/index.ts'
import { readLine } from '../../protocol/qmail/control.ts'
import { asciiLower } from '../../protocol/text.ts'

const hostName = (about: string): ControlFile<string> => ({ about, parse: (content) => ({ value: readLine(content, ''), problems: [] }) })

export default definePlugin({
  name: 'rcptexists',
  summary: 'Refuses recipients in local domains that nobody has.',
  control: {
    envnoathost: hostName('domain of recipients that are written without one; missing: the name in control/me'),
    me: hostName('name of this host'),
  },
  rcpt: async ({ session, control, world }) => {
    const { recipient } = session
    if (recipient === undefined) return undefined
    const { local, domain } = withDomain(recipient, control.envnoathost || control.me)
    const account = await world.accounts.find(`${local}@${domain}`)
    // Nearly all mail is for somebody: whose domain it is need not be asked then.
    if (account?.active === true || !await world.accounts.hasDomain(domain)) return undefined
    return account === undefined
      ? error('550 sorry, no mailbox here by that name (#5.1.1)')
      : error('550 sorry, that mailbox is disabled (#5.2.1)')
  },
})

/** A recipient without a domain is local to every qmail (vector 46 of spp-protocol), and delivered in envnoathost. */
function withDomain(recipient: string, host: string): { readonly local: string; readonly domain: string } {
  const at = recipient.lastIndexOf('@')
  return at === -1
    ? { local: recipient, domain: asciiLower(host) }
    : { local: recipient.slice(0, at), domain: asciiLower(recipient.slice(at + 1)) }
}
