/** Puts mail off at night (UTC), except from listed clients. */
import { count, definePlugin, error, patterns } from 'helios-mail/plugin'

export default definePlugin({
  name: 'quiet-hours',
  summary: 'Puts mail off until the morning.',
  settings: { QUIETUNTIL: count('hour of the day, UTC, before which mail is put off; unset: never') },
  control: { quietexcept: patterns('client addresses that may always send') },
  mail: ({ session, settings, control, world, log }) => {
    const until = settings.QUIETUNTIL
    if (until === undefined || new Date(world.now()).getUTCHours() >= until) return undefined
    if (control.quietexcept.match(session.client.ip) !== undefined) return undefined
    log.info('put off', { until })
    return error(`451 come back at ${until}:00 UTC (#4.7.1)`)
  },
})
