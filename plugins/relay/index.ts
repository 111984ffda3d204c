/** Says who may send to other domains: authenticated users. Relay clients may anyway (spp-protocol 8.3). */
import { definePlugin, ok, patterns, type ControlFile, type Patterns } from '../../core/plugin/index.ts'

const listed = patterns('authenticated users, as user@domain, who may send to other domains; without the file: all of them')
/** An empty list is nobody, as an empty rcpthosts is no domain. */
const users: ControlFile<Patterns | undefined> = {
  about: listed.about,
  parse: (content) => content === undefined ? { value: undefined, problems: [] } : listed.parse(content),
}

export default definePlugin({
  name: 'relay',
  summary: 'Lets authenticated users send to other domains.',
  control: { relayusers: users },
  rcpt: ({ session, control, log }) => {
    // Our own domains, and RELAYCLIENT as the connection began with it, are the built-in check's. What lets mail through
    // must not be in reach of another plugin's `S`, so no variable is looked at here.
    if (session.recipientAllowed || session.auth === undefined) return undefined
    const { user } = session.auth
    if (control.relayusers !== undefined && control.relayusers.match(user) === undefined) return undefined
    log.info('relaying', { user })
    return ok()
  },
})
