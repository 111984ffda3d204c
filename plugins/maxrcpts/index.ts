/** Limits the recipients of one message (the Helios manual, chapter 2 section 5; helios.md 7). */
import { definePlugin, error, limit } from '../../core/plugin/index.ts'

export default definePlugin({
  name: 'maxrcpts',
  summary: 'Limits the recipients of one message.',
  settings: { MAXRECIPIENTS: limit('recipients one message may have; unset or off: any number; empty or 0: none') },
  // The recipients themselves and not SMTPRCPTCOUNT: a refused MAIL sets the variable back to 0 while the transaction
  // and its recipients stay open (spp-protocol 7.3), so that a client could go on past the limit.
  rcpt: ({ session, settings }) =>
    session.recipients.length >= (settings.MAXRECIPIENTS ?? Infinity)
      ? error('550 sorry, too many recipients (#5.7.1)')
      : undefined,
})
