/** Refuses mail for sales@ and says why. */
import { definePlugin, error } from 'helios-mail/plugin'

export default definePlugin({
  name: 'moved',
  summary: 'Refuses mail for sales@.',
  rcpt: ({ session }) =>
    session.recipient?.startsWith('sales@') === true ? error('550 sorry, sales has moved (#5.1.6)') : undefined,
})
