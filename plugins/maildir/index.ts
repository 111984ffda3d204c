/** Delivers into the Maildirs of accounts (helios.md 5; qmail-control 9). */
import { definePlugin, DeliveryError, error, ok } from '../../core/plugin/index.ts'
import { asciiLower } from '../../protocol/text.ts'

export default definePlugin({
  name: 'maildir',
  summary: 'Delivers messages for local domains into the Maildirs of their accounts.',
  needs: ['mailbox'],
  takes: ({ world }, domain) => world.accounts.hasDomain(asciiLower(domain)),
  deliver: async ({ session, world, message, log }) => {
    const { recipient } = session
    if (recipient === undefined) return undefined
    const domain = asciiLower(recipient.slice(recipient.lastIndexOf('@') + 1))
    // Asked first: `globaldomain` would find an account for addresses in anybody's domain.
    if (!await world.accounts.hasDomain(domain)) return undefined
    const takers = await world.accounts.takers(recipient)
    if (takers.length === 0) return error('550 sorry, no mailbox here by that name (#5.1.1)')
    const active = takers.filter((account) => account.active)
    if (active.length === 0) return error('550 sorry, that mailbox is disabled (#5.2.1)')
    try {
      for (const account of active) {
        const file = await world.mailbox.deliver(account, message, { reversePath: session.reversePath ?? '', recipient })
        log.info('delivered', { mailbox: account.maildir, file })
      }
      return ok()
    } catch (failure) {
      if (failure instanceof DeliveryError) return error(failure.text)
      throw failure
    }
  },
})
