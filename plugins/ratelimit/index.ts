/** Limits how much one client, network, user, sender or recipient domain may send within a time. */
import { definePlugin, error, hangUp, type Context, type Session } from '../../core/plugin/index.ts'
import { networkOf } from '../../protocol/qmail/network.ts'
import { asciiLower } from '../../protocol/text.ts'
import { limits, type Limit, type Subject } from './limits.ts'

export default definePlugin({
  name: 'ratelimit',
  summary: 'Limits how much one client, network, user, sender or recipient domain may send within a time.',
  settings: {
    RATELIMIT: limits('most recipients within a time, in [pass] accepted ones, in [rcpt] all that are asked for', ['client', 'network', 'user', 'sender', 'rcptdomain']),
    RATELIMITMAIL: limits('most messages within a time, in [mail]', ['client', 'network', 'user', 'sender']),
    RATELIMITCONN: limits('most connections within a time, in [connection]', ['client', 'network']),
  },
  connection: async (context) => {
    const over = await firstOver('connection', context.settings.RATELIMITCONN, context)
    return over === undefined ? undefined : hangUp('421 sorry, too many connections from you for now (#4.7.0)')
  },
  mail: async (context) => {
    const over = await firstOver('message', context.settings.RATELIMITMAIL, context)
    return over === undefined ? undefined : error('451 sorry, too many messages from you for now (#4.7.1)')
  },
  rcpt: (context) => recipient('asked', context.settings.RATELIMIT, context),
  pass: (context) => recipient('recipient', context.settings.RATELIMIT, context),
})

type Asking = Pick<Context, 'session' | 'world' | 'log'>

async function recipient(what: string, wanted: readonly Limit[] | undefined, context: Asking) {
  const over = await firstOver(what, wanted, context)
  if (over === undefined) return undefined
  return over.subject === 'rcptdomain'
    ? error('451 sorry, too much mail for that domain for now (#4.7.1)')
    : error('451 sorry, too many recipients from you for now (#4.7.1)')
}

/**
 * Counts one more under every limit, or under none where one of them is reached: what is refused counts nowhere, so a
 * client that keeps asking is let through again as soon as its window allows it.
 */
async function firstOver(what: string, wanted: readonly Limit[] | undefined, { session, world, log }: Asking): Promise<Limit | undefined> {
  const asked = (wanted ?? []).flatMap((limit) => {
    const name = nameOf(limit.subject, session)
    return name === undefined ? [] : [{ limit, key: `${what} ${limit.subject} ${name}` }]
  })
  const sums = await Promise.all(asked.map(async ({ limit, key }) => await world.counters.read(key, limit.seconds) + 1))
  const over = sums.findIndex((sum, index) => sum > asked[index]!.limit.most)
  // Several sessions may have seen the same last place: only one of them gets it.
  const added = over >= 0 ? [] : await Promise.all(asked.map(({ limit, key }) => world.counters.add(key, limit.seconds, { most: limit.most })))
  const late = added.findIndex((sum, index) => sum > asked[index]!.limit.most)
  const found = asked[Math.max(over, late)]
  if (found !== undefined) log.info('over a rate limit', { limit: found.limit.text, counted: found.key })
  return found?.limit
}

/** What is counted under, or undefined where the session has none. */
function nameOf(subject: Subject, session: Session): string | undefined {
  switch (subject) {
    case 'client':
      return session.client.ip
    case 'network':
      return networkOf(session.client.ip)
    case 'user':
      return session.auth === undefined ? undefined : asciiLower(session.auth.user)
    case 'sender':
      // Bounces have no sender, and share none.
      return session.reversePath === '' || session.reversePath === undefined ? undefined : asciiLower(session.reversePath)
    case 'rcptdomain': {
      const { recipient = '' } = session
      const at = recipient.lastIndexOf('@')
      return at < 0 ? undefined : asciiLower(recipient.slice(at + 1))
    }
  }
}
