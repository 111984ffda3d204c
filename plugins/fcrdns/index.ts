/** Refuses clients whose address has no name, or none that leads back to it (forward-confirmed reverse DNS, RFC 8499). */
import { confirmedNames, definePlugin, error, rung, type Answer, type Context } from '../../core/plugin/index.ts'

/** From these levels on. */
const CONFIRMED = 2
const KNOW = 3

const LONGEST_NAME = 120

const settings = {
  FCRDNS: rung('what to refuse: 1 or empty an address without a name, 2 one whose names do not lead back too, 3 for now one that nobody knows of too', 3),
}

export default definePlugin({
  name: 'fcrdns',
  summary: 'Refuses clients whose address has no name, or none that leads back to it.',
  settings,
  connection: check,
  mail: check,
  rcpt: check,
})

async function check({ session, settings: { FCRDNS: level = 0 }, world, log }: Context<typeof settings>): Promise<Answer> {
  if (level === 0 || session.relayClient || session.auth !== undefined) return undefined
  const { ip } = session.client
  const found = await confirmedNames(world.dns, ip)
  switch (found.kind) {
    case 'confirmed':
      return undefined
    case 'nameless':
      log.info('the client has no name', { ip })
      return error(`550 sorry, your address ${ip} has no name in DNS (#5.7.25)`)
    case 'unconfirmed':
      if (level < CONFIRMED) return undefined
      log.info('the client\'s names do not lead back to it', { ip, names: found.names.join(' ') })
      return error(`550 sorry, your address ${ip} is not the address of ${found.names[0]!.slice(0, LONGEST_NAME)}, its name in DNS (#5.7.25)`)
    case 'unavailable':
      return level < KNOW ? undefined : error(`451 sorry, I cannot look up the name of ${ip} now (#4.4.3)`)
  }
}
