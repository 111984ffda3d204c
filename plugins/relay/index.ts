/** Says which of the users who have logged in may send to other domains. Relay clients may anyway (spp-protocol 8.3, 12.1). */
import { definePlugin, error, patterns, type ControlFile, type Patterns } from '../../core/plugin/index.ts'
import { readList } from '../../protocol/qmail/control.ts'
import { hostListed, parseHosts } from '../../protocol/qmail/rcpthosts.ts'

const listed = patterns('users who may send to other domains once they have logged in, as user@domain; without the file: all of them')
/** An empty list is nobody, as an empty rcpthosts is no domain. */
const users: ControlFile<Patterns | undefined> = {
  about: listed.about,
  parse: (content) => content === undefined ? { value: undefined, problems: [] } : listed.parse(content),
}
const hosts: ControlFile<ReadonlySet<string>> = {
  about: 'domains that mail is taken for',
  parse: (content) => ({ value: parseHosts(readList(content ?? '')), problems: [] }),
}

export default definePlugin({
  name: 'relay',
  summary: 'Says which of the users who have logged in may send to other domains.',
  control: { relayusers: users, rcpthosts: hosts, morercpthosts: hosts },
  rcpt: async ({ session, control, world, log }) => {
    // Who has not logged in is the built-in check's. No variable is looked at: what lets mail through, or stops it, must not
    // be in reach of another plugin's `S`.
    if (session.auth === undefined || control.relayusers === undefined || control.relayusers.match(session.auth.user) !== undefined) return undefined
    const { recipient = '' } = session
    if (hostListed(recipient, control.rcpthosts, control.morercpthosts)) return undefined
    if (await world.accounts.hasDomain(recipient.slice(recipient.lastIndexOf('@') + 1))) return undefined
    log.info('may not relay', { user: session.auth.user })
    return error('550 sorry, you may not send to other domains (#5.7.1)')
  },
})
