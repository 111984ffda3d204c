/** Refuses listed senders at MAIL (the Helios manual, chapter 2 section 4.3; qmail-control 5). */
import { definePlugin, error, patterns } from '../../core/plugin/index.ts'

export default definePlugin({
  name: 'badmailfrom',
  summary: 'Refuses the senders that control/badmailfrom lists.',
  control: { badmailfrom: patterns('senders to refuse, with wildcards') },
  replaces: ['badmailfrom'],
  // At once, not deferred to RCPT: a deferred error outlives the MAIL it was meant for (spp-protocol 9), so that a
  // client that goes on with a good sender in the same session would be refused as well.
  mail: ({ session, control, log }) => {
    // Bounces come from the null sender and must get in (RFC 5321 section 4.5.5), whatever `*` says.
    if (session.reversePath === undefined || session.reversePath === '') return undefined
    const match = control.badmailfrom.match(session.reversePath)
    if (match === undefined) return undefined
    log.info('sender refused', { pattern: match.pattern, file: 'control/badmailfrom', line: match.line })
    return error('553 sorry, your envelope sender is in my badmailfrom list (#5.7.1)')
  },
})
