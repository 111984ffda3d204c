/**
 * Session tickets (RFC 5077; RFC 8446 2.2): with one a client comes back without a whole handshake. They hold the session, locked with a
 * key that every process of the server knows, so whichever accepts the client can open it.
 */
import { hkdfSync, randomBytes } from 'node:crypto'
import type { SecureContext } from 'node:tls'

/** What all keys come from. Never stored; a new one at each start and each day, so that who gets hold of it reads a day of resumed sessions at most. */
export type TicketSecret = Buffer

export const TICKET_DAY_MS = 24 * 60 * 60 * 1000
/** Name, HMAC and cipher key together, as Node takes them. */
const KEY_BYTES = 48

export function newTicketSecret(): TicketSecret {
  return randomBytes(32)
}

/**
 * @param policy all that decides whom a context serves. Sessions are taken up again only under the same one: else a client
 *   could bring one that was begun where no certificate is asked of it to where one is.
 */
export function useTickets(context: SecureContext, secret: TicketSecret, policy: string): void {
  // What tls.Server.setTicketKeys does with its own context; sockets here have no such server.
  const inner = context.context as { setTicketKeys(keys: Buffer): void }
  inner.setTicketKeys(Buffer.from(hkdfSync('sha256', secret, '', `tickets ${policy}`, KEY_BYTES)))
}
