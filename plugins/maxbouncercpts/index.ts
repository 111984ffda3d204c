/** Limits the recipients of one bounce (the Helios manual, chapter 2 section 5; helios.md 7). */
import { definePlugin, error, limit } from '../../core/plugin/index.ts'

export default definePlugin({
  name: 'maxbouncercpts',
  summary: 'Limits the recipients of one bounce, a message from the null sender.',
  settings: { MAXBOUNCERECIPIENTS: limit('recipients a message from the null sender may have; unset or off: any number; empty or 0: none') },
  rcpt: ({ session, settings }) =>
    session.reversePath === '' && session.recipients.length >= (settings.MAXBOUNCERECIPIENTS ?? Infinity)
      ? error('550 sorry, too many recipients for a bounce (#5.7.1)')
      : undefined,
})
